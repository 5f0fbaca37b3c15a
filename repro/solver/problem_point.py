"""A `Point` whose lattice, model, POVM, initial state and observables are a user's problem.

The problem travels as text (`repro.solver.problem.Problem.text`): a point stays one plain, hashable, picklable record,
its id covers every number of the problem, and checkpoints, locks and processes treat it as any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from repro.config.point import Point
from repro.config.point_checks import SHORT
from repro.physics.imaginary_time import ImaginaryTime
from repro.physics.lattice import Lattice
from repro.physics.lindblad import LindbladModel
from repro.physics.liouvillian import LocalLiouvillian
from repro.physics.observables import Observable
from repro.physics.povm import Povm
from repro.solver.problem import Problem
from repro.utils.errors import InputError
from repro.utils.validation import shorten

PLAIN_ORDER = "0s"


@lru_cache(maxsize=32)
def _problem(text: str) -> Problem:
    return Problem.from_text(text)


@dataclass(frozen=True)
class CustomPoint(Point):
    """One computation of a user's problem, named by `figure`; fields of the paper's models are not used.

    Raises:
        InputError: `problem` is no problem's text, or a setting outside its range.
    """

    problem: str = field(default="", metadata={"help": "the problem, as `Problem.text` gives it"})

    def __post_init__(self) -> None:
        if not isinstance(self.problem, str):
            raise InputError(f"problem = {shorten(self.problem)}: expected the text of a problem")
        super().__post_init__()
        # the network starts as a product along the sequence: with several orders a site has no one place in it
        if self.strings != PLAIN_ORDER and len(set(self.solved.bloch_vectors)) > 1:
            raise InputError(f"strings '{self.strings}' with an initial state per site: expected '{PLAIN_ORDER}'")

    @property
    def solved(self) -> Problem:
        """The problem."""
        return _problem(self.problem)

    @property
    def measured_batches(self) -> int:
        """Single sites and pairs of sites, which nothing averages, take more samples than site averages do."""
        return 8

    @property
    def label(self) -> str:
        """Name of the problem, method, number of spins; what it is run for, and the seed."""
        kind = f"-{self.panel.replace(' ', '-')}" if self.panel else ""
        return f"{self.figure}-N{self.solved.n_sites}-{SHORT[self.method]}{kind}-seed{self.seed}"

    def build_lattice(self) -> Lattice:
        """The lattice, two sites bonded where a term joins them."""
        return self.solved.model.lattice

    def build_model(self) -> LindbladModel:
        """The Lindblad equation."""
        return self.solved.model

    def build_povm(self) -> Povm:
        """The POVM."""
        return self.solved.frame

    def build_liouvillian(self) -> LocalLiouvillian:
        """L, or in imaginary time K."""
        kind = ImaginaryTime if self.solved.imaginary_time else LocalLiouvillian
        return kind(self.build_model(), self.build_povm())

    def start_bias(self) -> np.ndarray:
        """log-probabilities of every site's outcomes at the start, (N, 4)."""
        problem = self.solved
        return np.stack([problem.frame.product_state_bias(vector) for vector in problem.bloch_vectors])

    def observables(self) -> tuple[Observable, ...]:
        """What the problem asks for."""
        return self.solved.asked
