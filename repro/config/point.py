"""Points: one complete, immutable description of one computation each.

A figure is a list of points. Two points with the same physics, ansatz, method and seed are the same computation
whichever panel shows them: `point_id` is a hash of everything that changes the numbers.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from repro.ansatz.strings import orders
from repro.ansatz.transformer import TransformerConfig
from repro.config.point_checks import BEYOND, EVOLVING, SHORT, check_combinations, check_values
from repro.physics.lattice import Lattice, chain, rectangle, ring
from repro.physics.lindblad import LindbladModel, heisenberg, tfim
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.observables import Observable
from repro.physics.povm import POVMS, Povm
from repro.utils.errors import unknown
from repro.utils.validation import normalise_fields

SETTLED = 3.0
"""From this time on (units 1/gamma) the end of an evolution counts as its steady state."""


def _doc(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Point:
    """One computation: model, ansatz, method, optimiser and seed. Units: hbar = gamma = 1."""

    figure: str = _doc("fig4", "figure it belongs to")
    panel: str = _doc("", "panel it belongs to")
    profile: str = _doc("quick", "smoke, quick, desk or paper")
    # model
    lattice: str = _doc("rectangle", "ring, chain or rectangle")
    rows: int = _doc(3, "rows of a rectangle; 1 on a ring or chain")
    cols: int = _doc(3, "columns of a rectangle; sites of a ring or chain")
    periodic: bool = _doc(True, "wrap both directions of a rectangle")
    model: str = _doc("heisenberg", "heisenberg or tfim")
    Jx: float = _doc(0.9, "exchange along x")
    Jy: float = _doc(1.8, "exchange along y")
    Jz: float = _doc(1.0, "exchange along z")
    B: float = _doc(0.0, "field along z")
    V: float = _doc(2.0, "Ising coupling (tfim)")
    g: float = _doc(2.0, "transverse field (tfim)")
    gamma: float = _doc(1.0, "decay rate")
    povm: str = _doc("tetrahedral", "tetrahedral or pauli4")
    initial: str = _doc("up", "product state at the start: up, down, plus, minus, left, right")
    # ansatz
    layers: int = _doc(1, "Transformer layers n_l")
    width: int = _doc(32, "hidden dimension n_d")
    heads: int = _doc(1, "attention heads")
    feedforward: int = _doc(16, "inner width of the feed-forward sublayer")
    norm: str = _doc("none", "layer normalisation: none, post or pre")
    positions: str = _doc("sinusoidal", "encoding of a site's place in the sequence: sinusoidal or learned")
    strings: str = _doc(
        "0s",
        "string mixture: 0s, 1s, 2s, 4s, 8s; beyond the paper: 2t, 4t (translations far apart), translations (all), "
        "symmetries (reflections too)",
    )
    # method
    method: str = _doc(
        "variational", "variational, dynamics, variational+dynamics; beyond the paper: projection, collocation"
    )
    estimator: str = _doc("enumeration", "enumeration (all 4^N), sampled (any size) or naive (the oracle)")
    n_samples: int = _doc(0, "draws N_s per iteration; 0 sums over all configurations")
    sampling: str = _doc("masked", "masked, or unmasked as the public code draws (a fault with two layers or more)")
    objective: str = _doc("paper", "paper (Eqs. 4, 5), interpolated (S23, evolves) or sign (S25, variational)")
    mixing: float = _doc(1.0, "lambda of S25, or lambda of S23 at the start")
    mixing_time: float = _doc(1.0, "time over which S23's lambda grows linearly to 1")
    iterations: int = _doc(500, "Adam iterations of the variational stage")
    learning_rate: float = _doc(1e-2, "Adam's rate, variational stage")
    tau: float = _doc(0.008, "half the time step")
    t_end: float = _doc(5.0, "length of the evolution")
    step_iterations: int = _doc(100, "Adam iterations per time step")
    first_steps: int = _doc(0, "time steps at the start that get first_iterations each")
    first_iterations: int = _doc(0, "Adam iterations in each of the first steps; 0 for the same as later")
    step_learning_rate: float = _doc(1e-2, "Adam's rate at the start of every time step")
    step_decay: str = _doc(
        "step",
        "rate within a time step: step (x step_factor from step_at on), exponential, or cycle (up from 0, exponential)",
    )
    dense_output: int = _doc(1, "states recorded per time step, by the propagation itself (projection, exact sums)")
    hilbert_schmidt: float = _doc(
        0.0, "weight of 2^N Tr (rho - rho')^2 beside the relative entropy (projection, exact sums)"
    )
    reuse: int = _doc(1, "iterations that share their draws and one evaluation of L (collocation)")
    step_factor: float = _doc(0.1, "factor on the rate at the end of a time step")
    step_at: float = _doc(0.8, "part of a time step's iterations after which step_decay step changes the rate")
    seed: int = _doc(0, "seed of weights and samples")

    def __post_init__(self) -> None:
        normalise_fields(self)
        check_values(self)
        self.transformer_config()
        orders(self.strings, self.build_lattice())
        check_combinations(self)

    @property
    def label(self) -> str:
        """Short readable name, unique within a figure's panel for the fields figures vary."""
        method = SHORT[self.method]
        where = self.strings if self.lattice == "rectangle" else f"N{self.cols}"
        loss = {"paper": "", "interpolated": "-interpolated", "sign": f"-sign{self.mixing:g}"}[self.objective]
        sampling = "" if self.sampling == "masked" else f"-{self.sampling}"
        seed = f"-seed{self.seed}" if self.seed else ""
        return f"{method}-{self.layers}x{self.width}-{where}-{self.coupling_label}{loss}{sampling}{seed}"

    @property
    def coupling_label(self) -> str:
        """The coupling that figures vary, such as "Jy1.0" or "g2.0"."""
        name = "Jy" if self.model == "heisenberg" else "g"
        return f"{name}{float(getattr(self, name))!r}"

    @property
    def point_id(self) -> str:
        """Twelve hexadecimal digits of the hash of every field that changes the numbers."""
        unused = {"figure", "panel", "profile"}
        for name, groups in _USED_BY.items():
            unused |= {f for value, fields in groups.items() if value != getattr(self, name) for f in fields}
        unused -= {f for name, groups in _USED_BY.items() for f in groups.get(getattr(self, name), ())}
        unused |= {name for name in _PLAIN_CHOICES if getattr(self, name) == getattr(Point, name)}
        physics = {k: _plain(v, k) for k, v in dataclasses.asdict(self).items() if k not in unused}
        return hashlib.sha256(json.dumps(physics, sort_keys=True).encode()).hexdigest()[:12]

    def variational_stage(self) -> Point:
        """The variational computation that a variational+dynamics point starts from."""
        return dataclasses.replace(self, method="variational")

    @property
    def settles(self) -> bool:
        """Whether its last state stands for the steady state; short evolutions do not get there."""
        return not self.follows_exact_evolution or self.t_end * self.gamma >= SETTLED

    @property
    def follows_exact_evolution(self) -> bool:
        """Whether it evolves the initial product state, so that an exact evolution is there to compare with."""
        return self.method in EVOLVING

    @property
    def projects_exactly(self) -> bool:
        """Whether it propagates p by exact sums and projects the result."""
        return (self.method, self.estimator, self.n_samples) == ("projection", "enumeration", 0)

    @property
    def n_steps(self) -> int:
        """Time steps of 2 tau that reach t_end."""
        return math.ceil(self.t_end / (2 * self.tau) - 1e-9)

    def iterations_of_step(self, step: int) -> int:
        """Adam iterations of a time step (0 is the first)."""
        return self.first_iterations if step < self.first_steps and self.first_iterations else self.step_iterations

    def build_lattice(self) -> Lattice:
        """The point's lattice."""
        if self.lattice == "rectangle":
            return rectangle(self.rows, self.cols, self.periodic)
        return (ring if self.lattice == "ring" else chain)(self.cols)

    def build_model(self) -> LindbladModel:
        """The point's Lindblad equation."""
        if self.model == "tfim":
            return tfim(self.build_lattice(), V=self.V, g=self.g, gamma=self.gamma)
        return heisenberg(self.build_lattice(), J=(self.Jx, self.Jy, self.Jz), B=self.B, gamma=self.gamma)

    def build_povm(self) -> Povm:
        """The point's POVM."""
        return POVMS[self.povm]()

    def build_liouvillian(self) -> LocalLiouvillian:
        """What moves the distribution."""
        return LocalLiouvillian(self.build_model(), self.build_povm())

    def start_bias(self) -> np.ndarray:
        """log-probabilities of one spin's outcomes at the start, shape (4,), or of every site's, (N, 4)."""
        return self.build_povm().product_state_bias(self.initial)

    @property
    def measured_batches(self) -> int:
        """Batches of 20,000 samples that a state is measured on where it cannot be enumerated."""
        return 1

    def observables(self) -> tuple[Observable, ...]:
        """What is measured beside the site-averaged Paulis."""
        return ()

    def transformer_config(self) -> TransformerConfig:
        """Size and kind of the point's network."""
        return TransformerConfig(
            *(self.build_lattice().n_sites, self.layers, self.width, self.heads, self.feedforward),
            *(self.norm, self.positions),
        )


def _plain(value: Any, name: str) -> Any:
    """One spelling for equal numbers: 1 and 1.0, -0.0 and 0.0."""
    return float(value) + 0.0 if name in _FLOATS else value


COUPLINGS = {"heisenberg": ("Jx", "Jy", "Jz", "B"), "tfim": ("V", "g")}
MODEL_FIELDS = ("lattice", "rows", "cols", "periodic", "model", "Jx", "Jy", "Jz", "B", "V", "g", "gamma")
_OF_VARIATIONAL = ("iterations", "learning_rate")
_OF_DYNAMICS = (
    *("tau", "t_end", "step_iterations", "first_steps", "first_iterations"),
    *("step_learning_rate", "step_decay", "step_factor", "step_at"),
)
# Fields that matter only for some values of another one; the others keep them out of the hash.
_USED_BY: dict[str, dict[str, tuple[str, ...]]] = {
    "lattice": {"rectangle": ("rows", "periodic")},
    "model": COUPLINGS,
    "method": {
        "variational": _OF_VARIATIONAL,
        "dynamics": _OF_DYNAMICS,
        "variational+dynamics": _OF_VARIATIONAL + _OF_DYNAMICS,
        **dict.fromkeys(BEYOND, _OF_DYNAMICS),
    },
    "objective": {"paper": (), "interpolated": ("mixing", "mixing_time"), "sign": ("mixing",)},
}
# Choices that the paper's own method leaves as they are: named in the hash only where another value is taken.
_PLAIN_CHOICES = ("sampling", "objective", "positions", "dense_output", "hilbert_schmidt", "reuse", "step_at")
_FLOATS = {f.name for f in dataclasses.fields(Point) if f.type == "float"}


AnyPoint = TypeVar("AnyPoint", bound=Point)


def halved(point: AnyPoint) -> AnyPoint:
    """Settings of a control: twice as many steps, of half the length and the iterations."""
    return dataclasses.replace(
        point,
        tau=point.tau / 2,
        step_iterations=max(1, point.step_iterations // 2),
        first_iterations=max(min(1, point.first_iterations), point.first_iterations // 2),
    )


def override(point: Point, changes: dict[str, Any]) -> Point:
    """A point with some fields replaced.

    Raises:
        InputError: unknown field or a value outside its range.
    """
    known = [f.name for f in dataclasses.fields(Point)]
    for name in changes:
        if name not in known:
            raise unknown("point field", name, known)
    return dataclasses.replace(point, **changes)
