"""Points: one complete, immutable description of one computation each.

A figure is a list of points (`repro.config.listed`). Two points with the same settings are the same computation
whichever panel shows them: `point_id` is a hash of everything that changes the numbers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from repro.ansatz.strings import orders
from repro.config.ansatz import Ansatz
from repro.config.estimator import Enumeration, Naive, Sampled
from repro.config.evolution import Method
from repro.config.lattice_symmetry import site_symmetries
from repro.config.method import METHODS, Variational
from repro.config.settings import Settings, all_leaves, change, choice, from_leaves, leaves, part, setting
from repro.config.spin_symmetry import NO_SYMMETRY, outcome_maps
from repro.config.systems import System
from repro.physics.lattice import Lattice
from repro.physics.lindblad import LindbladModel
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.povm import Povm
from repro.utils.errors import InputError

NUMBERS = 1
"""Version of the numbers that this code computes: raise it by hand when a change makes the same settings give others.

What was computed with another one counts as not computed (`repro.running.folders`); `tests/golden` holds the record."""
SETTLED = 3.0
"""From this time on (units 1/gamma) the end of an evolution counts as its steady state."""
LEAST_AT_START = 1e-3
"""Least probability of any outcome of a site in the initial state, unless it is summed over (`Point._check_start`).
From "down" in the tetrahedral POVM, where one is zero, drawn evolutions of a ring of three ended 0.1 to 0.4 off."""
LATER_SETTINGS: dict[str, Any] = {
    "sampling": "masked",
    "objective": "paper",
    "positions": "sinusoidal",
    "dense_output": 1,
    "hilbert_schmidt": 0.0,
    "reuse": 1,
    "step_at": 0.8,
    "spin_symmetry": "none",
    "relative_entropy": False,
    "measured_batches": 8,
    "lattice_images": 0,
    "momentum": 0.0,
    "rule": "runge-kutta",
}
"""Settings that came after the first results, at the values those had: there they are left out of the id."""


@dataclass(frozen=True)
class Point(Settings):
    """One computation: system, ansatz, estimator, method and seed.

    Raises:
        InputError: a setting outside its range, or settings that do not go together.
    """

    system: System = part(System)
    ansatz: Ansatz = part(Ansatz)
    estimator: Enumeration | Sampled | Naive = choice(
        "estimator", "enumeration (all 4^N), sampled (any size) or naive (the oracle)", Enumeration, Sampled, Naive
    )
    method: Method = choice(
        "method",
        "variational, dynamics, variational+dynamics; further: projection, collocation, tdvp",
        *METHODS,
    )
    seed: int = setting(0, "seed of weights and samples", least=0, most=2**63 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ansatz.transformer(self.lattice.n_sites)
        orders(self.ansatz.strings, self.lattice)
        self.method.check_estimator(self.estimator)
        if not self.system.rate and not self.method.from_initial_state:
            raise InputError(
                f"method {self.method.kind} with gamma = 0: expected gamma above 0, or no steady state is unique"
            )
        outcome_maps(self.ansatz.spin_symmetry, self.system, self.method.from_initial_state)
        if self.method.draws_images:
            site_symmetries(self.system, self.method.from_initial_state)
        self._check_start()

    def _check_start(self) -> None:
        """Refuse a start that gives an outcome no probability, where nothing shows what becomes of that outcome.

        It is never drawn, and the gradient of the paper's objectives has its probability as a factor.
        """
        if self.estimator.exact_sums and self.method.leaves_zero:
            return
        probability = np.exp(np.atleast_2d(self.system.start_bias()))
        site, outcome = np.unravel_index(probability.argmin(), probability.shape)
        if probability[site, outcome] < LEAST_AT_START:
            where = f" of site {site}" if len(probability) > 1 else ""
            sums = "exact sums" if self.estimator.exact_sums else "draws"
            raise InputError(
                f"initial state: outcome {outcome}{where} of POVM {self.povm.name} has a probability below "
                f"{LEAST_AT_START:g}, which method {self.method.kind} with {sums} may never leave: expected povm "
                "tetrahedral-cubic, another initial state, or method projection or collocation with exact sums"
            )

    def __getstate__(self) -> dict[str, Any]:
        """Settings alone travel to other processes, not what is built from them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @property
    def label(self) -> str:
        """Short readable name, unique within a figure's panel for the settings that figures vary."""
        where = self.system.place or self.ansatz.strings
        sampling = "-unmasked" if getattr(self.estimator, "sampling", "") == "unmasked" else ""
        seed = f"-seed{self.seed}" if self.seed else ""
        spins = f"-spin{self.ansatz.spin_symmetry}" if self.ansatz.spin_symmetry != NO_SYMMETRY else ""
        kind = f"{self.method.short}-{self.ansatz.size}-{where}-{self.system.label}"
        return f"{kind}{self.method.label}{sampling}{spins}{seed}"

    @cached_property
    def point_id(self) -> str:
        """Twelve hexadecimal digits of the hash of every setting."""
        return hashlib.sha256(json.dumps(hashed(self), sort_keys=True).encode()).hexdigest()[:12]

    @property
    def first_stage(self) -> Point | None:
        """The search that a variational+dynamics point starts from, as a point of its own."""
        return None if self.method.search is None else change(self, method=Variational.kind)

    @property
    def settles(self) -> bool:
        """Whether its last state stands for the steady state; short evolutions do not get there."""
        evolution = self.method.evolution
        if not self.method.from_initial_state or evolution is None:
            return True
        return evolution.t_end * self.system.rate >= SETTLED

    @cached_property
    def lattice(self) -> Lattice:
        """The lattice."""
        return self.system.build_lattice()

    @cached_property
    def orders(self) -> tuple[tuple[int, ...], ...]:
        """Visiting orders of the string mixture."""
        return orders(self.ansatz.strings, self.lattice)

    @property
    def outcome_maps(self) -> tuple[tuple[int, ...], ...]:
        """Permutations of outcomes that the distribution is averaged over, the identity first."""
        return outcome_maps(self.ansatz.spin_symmetry, self.system, self.method.from_initial_state)

    @cached_property
    def lindblad_model(self) -> LindbladModel:
        """The Lindblad equation."""
        return self.system.build_model()

    @cached_property
    def povm(self) -> Povm:
        """The POVM."""
        return self.system.build_povm()

    @cached_property
    def liouvillian(self) -> LocalLiouvillian:
        """What moves the distribution."""
        return self.system.build_liouvillian()


def point_of(**settings: Any) -> Point:
    """A point from leaves by name, such as point_of(rows=2, method="dynamics", tau=0.05); others keep their defaults.

    Raises:
        InputError: a leaf that such a point does not have, or a value outside its range.
    """
    return from_leaves(Point, settings)


def hashed(point: Point) -> dict[str, Any]:
    """What an id is the hash of: every leaf by the name, and with the value, that the first results had for it."""
    first_names = {"n_sites": "cols"}
    flat = {name: value for name, value in leaves(point).items() if LATER_SETTINGS.get(name, _NEVER) != value}
    flat["n_samples"] = flat["n_samples"] or 0
    return {first_names.get(name, name): _plain(value, name) for name, value in flat.items()}


_NEVER = object()


def _plain(value: Any, name: str) -> Any:
    """One spelling for equal numbers: 1 and 1.0, -0.0 and 0.0."""
    return float(value) + 0.0 if name in FLOATS else value


FLOATS = {name for name, leaf in all_leaves(Point).items() if leaf.type == "float"}
