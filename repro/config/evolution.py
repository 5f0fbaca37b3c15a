"""What all methods share, and what all evolutions in time steps share. Times are in units of 1/gamma."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from repro.config.estimator import Enumeration, Naive, Sampled
from repro.config.objective import StepAdam
from repro.config.settings import Settings, part, setting
from repro.utils.errors import InputError

MOST_STEPS, LONGEST = 10**7, 1e5
"""Time steps and time (units 1/gamma) of an evolution end here."""
AnyEstimator = Enumeration | Sampled | Naive


@dataclass(frozen=True)
class Method(Settings):
    """Base of all methods.

    Attributes:
        short: in a point's name.
        from_initial_state: whether it evolves the initial product state, so that an exact evolution compares.
        networks: how many are trained at once.
        leaves_zero: whether, with exact sums, it gives an outcome that had no probability one.
    """

    short: ClassVar[str] = ""
    from_initial_state: ClassVar[bool] = False
    networks: ClassVar[int] = 1
    leaves_zero: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """What a point's name says of its loss."""
        return ""

    @property
    def draws_images(self) -> bool:
        """Whether it needs permutations of sites that leave the system as it is."""
        return False

    @property
    def total_iterations(self) -> int:
        """Adam iterations in all."""
        raise NotImplementedError

    @property
    def evolution(self) -> Evolution | None:
        """The evolution in time steps, if it has one."""
        return None

    @property
    def search(self) -> Method | None:
        """The search that comes first, as a computation of its own."""
        return None

    def check_estimator(self, estimator: AnyEstimator) -> None:
        """Refuse estimators that it cannot work with.

        Raises:
            InputError: one of them.
        """


@dataclass(frozen=True)
class Evolution(Method):
    """Base of evolutions in time steps of 2 tau."""

    tau: float = setting(0.008, "half the time step", above=0)
    t_end: float = setting(5.0, "length of the evolution", above=0, most=LONGEST)

    from_initial_state: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.t_end / MOST_STEPS > self.step:
            raise InputError(f"tau = {self.tau} with t_end = {self.t_end}: expected at most {MOST_STEPS} time steps")

    @property
    def evolution(self) -> Evolution | None:
        """Itself."""
        return self

    @property
    def step(self) -> float:
        """The time step 2 tau."""
        return 2 * self.tau

    @property
    def n_steps(self) -> int:
        """Time steps that reach t_end."""
        return math.ceil(self.t_end / self.step - 1e-9)

    @property
    def last_time(self) -> float:
        """Time of the last state: t_end or up to one time step more."""
        return self.step * self.n_steps

    def iterations(self, step: int) -> int:
        """Iterations of a time step (0 is the first)."""
        raise NotImplementedError

    @property
    def total_iterations(self) -> int:
        """Iterations in all."""
        first = min(self.steps_apart, self.n_steps)
        return first * self.iterations(0) + (self.n_steps - first) * self.iterations(first)

    @property
    def steps_apart(self) -> int:
        """Time steps at the start that all have another number of iterations than later ones."""
        return 0


@dataclass(frozen=True)
class AdamEvolution(Evolution):
    """Base of evolutions that train the network in every time step."""

    adam: StepAdam = part(StepAdam)

    def iterations(self, step: int) -> int:
        """Adam iterations of a time step (0 is the first)."""
        return self.adam.iterations(step)

    @property
    def steps_apart(self) -> int:
        """Time steps at the start that have first_iterations."""
        return self.adam.first_steps
