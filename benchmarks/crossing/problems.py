"""The problems and their sizes: the Ising ring of Fig. 3 and the periodic Heisenberg lattices of Fig. 4."""

from __future__ import annotations

from dataclasses import dataclass

from repro.physics.lattice import rectangle, ring
from repro.physics.lindblad import LindbladModel, heisenberg, tfim

RINGS = (6, 8, 10, 12, 14, 16, 20, 24, 32, 40)
LATTICES = ((2, 3), (3, 3), (3, 4), (4, 4), (4, 5), (5, 5), (6, 6))
V, FIELD = 2.0, 1.6
COUPLINGS = (1.0, 1.8)
ONE, TWO = "1d", "2d"


@dataclass(frozen=True)
class Problem:
    """A family of models, the same physics at every size (gamma = 1).

    Attributes:
        panel: "1d" or "2d".
        name: of tables and of the drawing.
        models: of every size, ascending.
    """

    panel: str
    name: str
    models: tuple[LindbladModel, ...]

    def of(self, n_sites: int) -> LindbladModel:
        """The model of a size."""
        return next(model for model in self.models if model.lattice.n_sites == n_sites)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of spins, ascending."""
        return tuple(model.lattice.n_sites for model in self.models)

    def labels(self, n_sites: int) -> dict[str, str | int]:
        """What a row of the table says of a member."""
        lattice = self.of(n_sites).lattice.name
        return {"panel": self.panel, "problem": self.name, "lattice": lattice, "n_sites": n_sites}


PROBLEMS = (
    Problem(ONE, f"Ising ring, V = {V:g}, g = {FIELD:g}", tuple(tfim(ring(N), V, FIELD) for N in RINGS)),
    *(
        Problem(
            TWO,
            f"Heisenberg lattice, J_y = {Jy:g}",
            tuple(heisenberg(rectangle(rows, cols), (0.9, Jy, 1.0)) for rows, cols in LATTICES),
        )
        for Jy in COUPLINGS
    ),
)
