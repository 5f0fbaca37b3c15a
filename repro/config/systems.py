"""What is simulated: a model of the paper on a lattice, from a product state, seen by a POVM. Units: hbar = gamma = 1.

A point asks its system for the lattice, the Lindblad equation and so on; a user's problem is another system.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from repro.config.settings import Settings, choice, setting
from repro.physics.lattice import Lattice, chain, rectangle, ring
from repro.physics.lindblad import LindbladModel, heisenberg, tfim
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.observables import Observable
from repro.physics.povm import BLOCH_DIRECTIONS, POVMS, Povm


@dataclass(frozen=True)
class Heisenberg(Settings):
    """H = sum_<ij> (Jx XX + Jy YY + Jz ZZ) + B sum_k Z_k, decay on every site."""

    kind: ClassVar[str] = "heisenberg"
    Jx: float = setting(0.9, "exchange along x")
    Jy: float = setting(1.8, "exchange along y")
    Jz: float = setting(1.0, "exchange along z")
    B: float = setting(0.0, "field along z")
    gamma: float = setting(1.0, "decay rate", least=0)

    @property
    def couplings(self) -> dict[str, float]:
        """Couplings by name."""
        return {"Jx": self.Jx, "Jy": self.Jy, "Jz": self.Jz, "B": self.B}

    @property
    def label(self) -> str:
        """The coupling that figures vary."""
        return f"Jy{float(self.Jy)!r}"

    def on(self, lattice: Lattice) -> LindbladModel:
        """The Lindblad equation (Eq. 1) on a lattice."""
        return heisenberg(lattice, J=(self.Jx, self.Jy, self.Jz), B=self.B, gamma=self.gamma)


@dataclass(frozen=True)
class Tfim(Settings):
    """H = V/4 sum_<ij> ZZ + g/2 sum_k X_k, decay on every site."""

    kind: ClassVar[str] = "tfim"
    V: float = setting(2.0, "Ising coupling")
    g: float = setting(2.0, "transverse field")
    gamma: float = setting(1.0, "decay rate", least=0)

    @property
    def couplings(self) -> dict[str, float]:
        """Couplings by name."""
        return {"V": self.V, "g": self.g}

    @property
    def label(self) -> str:
        """The coupling that figures vary."""
        return f"g{float(self.g)!r}"

    def on(self, lattice: Lattice) -> LindbladModel:
        """The Lindblad equation (Eq. 1) on a lattice."""
        return tfim(lattice, V=self.V, g=self.g, gamma=self.gamma)


COUPLINGS = {"heisenberg": ("Jx", "Jy", "Jz", "B"), "tfim": ("V", "g")}
"""Names of every model's couplings."""


@dataclass(frozen=True)
class Rectangle(Settings):
    """A lattice of rows and columns."""

    kind: ClassVar[str] = "rectangle"
    rows: int = setting(3, "rows of a rectangle", above=0)
    cols: int = setting(3, "columns of a rectangle", above=0)
    periodic: bool = setting(True, "wrap both directions of a rectangle")

    def build(self) -> Lattice:
        """The lattice."""
        return rectangle(self.rows, self.cols, self.periodic)


@dataclass(frozen=True)
class Ring(Settings):
    """A periodic chain."""

    kind: ClassVar[str] = "ring"
    n_sites: int = setting(10, "sites of a ring or chain", above=0)

    def build(self) -> Lattice:
        """The lattice."""
        return ring(self.n_sites)


@dataclass(frozen=True)
class Chain(Ring):
    """An open chain."""

    kind: ClassVar[str] = "chain"

    def build(self) -> Lattice:
        """The lattice."""
        return chain(self.n_sites)


@dataclass(frozen=True)
class System(Settings):
    """A model of the paper on a lattice, its product state at the start, and the POVM that p(a) belongs to.

    Attributes:
        measured_batches: batches of 20,000 samples that a state is measured on where it cannot be enumerated.
    """

    measured_batches: ClassVar[int] = 1
    geometry: Rectangle | Ring = choice("lattice", "ring, chain or rectangle", Rectangle, Ring, Chain)
    model: Heisenberg | Tfim = choice("model", "heisenberg or tfim", Heisenberg, Tfim)
    povm: str = setting("tetrahedral", "tetrahedral, pauli4; beyond the paper: tetrahedral-cubic", choices=tuple(POVMS))
    initial: str = setting(
        "up", "product state at the start: up, down, plus, minus, left, right", choices=tuple(BLOCH_DIRECTIONS)
    )

    @property
    def place(self) -> str:
        """The lattice in a point's name; a rectangle is named by its strings."""
        return "" if isinstance(self.geometry, Rectangle) else f"N{self.geometry.n_sites}"

    @property
    def rate(self) -> float:
        """The rate that sets the unit of time."""
        return self.model.gamma

    @property
    def label(self) -> str:
        """The coupling that figures vary."""
        return self.model.label

    def build_lattice(self) -> Lattice:
        """The lattice."""
        return self.geometry.build()

    def build_model(self) -> LindbladModel:
        """The Lindblad equation (Eq. 1)."""
        return self.model.on(self.build_lattice())

    def build_povm(self) -> Povm:
        """The POVM."""
        return POVMS[self.povm]()

    def build_liouvillian(self) -> LocalLiouvillian:
        """What moves the distribution (Eqs. 2, 3)."""
        return LocalLiouvillian(self.build_model(), self.build_povm())

    def start_bias(self) -> np.ndarray:
        """log-probabilities of one spin's outcomes at the start, shape (4,)."""
        return self.build_povm().product_state_bias(self.initial)

    def observables(self) -> tuple[Observable, ...]:
        """What is measured beside the site-averaged Paulis."""
        return ()
