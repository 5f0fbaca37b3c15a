"""A point whose system is a user's problem.

The problem travels as text (`repro.solver.problem.Problem.text`): a point stays one plain, hashable, picklable record,
its id covers every number of the problem, and checkpoints, locks and processes treat it as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from repro.ansatz.strings import orders, shared_symmetries
from repro.config.point import Point
from repro.config.settings import Settings, part, setting
from repro.physics.imaginary_time import ImaginaryTime
from repro.physics.lattice import Lattice
from repro.physics.lindblad import LindbladModel
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.observables import Observable
from repro.physics.povm import Povm
from repro.physics.rotations import SiteParts
from repro.solver.problem import Problem
from repro.utils.errors import InputError

PLAIN_ORDER = "0s"


@lru_cache(maxsize=32)
def _problem(text: str) -> Problem:
    return Problem.from_text(text)


@dataclass(frozen=True)
class ProblemSystem(Settings):
    """What is simulated: a user's problem.

    Attributes:
        measured_batches: single sites and pairs, which nothing averages, take more samples than site averages do, but
            where time averages them.
        rate: times are in the problem's own unit.
    """

    problem: str = setting("", "the problem, as `Problem.text` gives it")
    measured_batches: int = setting(8, "batches of 20,000 samples that a drawn state is measured on", above=0)

    rate: ClassVar[float] = 1.0
    label: ClassVar[str] = "problem"

    def __post_init__(self) -> None:
        super().__post_init__()
        _problem(self.problem)

    @property
    def solved(self) -> Problem:
        """The problem."""
        return _problem(self.problem)

    @property
    def place(self) -> str:
        """The number of spins."""
        return f"N{self.solved.n_sites}"

    def build_lattice(self) -> Lattice:
        """The lattice, two sites bonded where a term joins them."""
        return self.solved.model.lattice

    def build_model(self) -> LindbladModel:
        """The Lindblad equation."""
        return self.solved.model

    def build_povm(self) -> Povm:
        """The POVM."""
        povm = self.solved.povm
        assert isinstance(povm, Povm)  # a problem makes one of its name or matrices
        return povm

    def build_liouvillian(self) -> LocalLiouvillian:
        """L, or in imaginary time K."""
        kind = ImaginaryTime if self.solved.imaginary_time else LocalLiouvillian
        return kind(self.build_model(), self.build_povm())

    def start_bias(self) -> np.ndarray:
        """log-probabilities of every site's outcomes at the start, (N, 4)."""
        povm = self.build_povm()
        return np.stack([povm.product_state_bias(vector) for vector in self.solved.bloch_vectors])

    def observables(self) -> tuple[Observable, ...]:
        """What the problem asks for."""
        return self.solved.asked


@lru_cache(maxsize=32)
def _check_symmetric(system: ProblemSystem, strings: str) -> None:
    """Refuse a mixture that is symmetric under permutations of sites under which L is not."""
    if moves := shared_symmetries(orders(strings, system.build_lattice())):
        parts = SiteParts.of(system.build_liouvillian().terms)
        for order in moves:
            if sites := parts.differs_at(parts.moved(order)):
                where = ", ".join(map(str, sites))
                raise InputError(
                    f"strings '{strings}': p would be the same under an exchange of sites under which the model is not "
                    f"(its terms on {'site' if len(sites) == 1 else 'sites'} {where}), expected '{PLAIN_ORDER}'"
                )


@dataclass(frozen=True)
class ProblemPoint(Point):
    """One computation of a user's problem.

    Raises:
        InputError: `problem` is no problem's text, or a setting outside its range.
    """

    system: ProblemSystem = part(ProblemSystem)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        super().__post_init__()
        # the network starts as a product along the sequence: with several orders a site has no one place in it
        strings = self.ansatz.strings
        if strings != PLAIN_ORDER and len(set(self.system.solved.bloch_vectors)) > 1:
            raise InputError(f"strings '{strings}' with an initial state per site: expected '{PLAIN_ORDER}'")
        _check_symmetric(self.system, strings)
