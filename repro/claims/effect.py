"""Effects, the intervals that they are known within, and the scale of verdicts that follows from them.

An effect is a number and a bound that the claim puts on it. It is on the claim's side, or on the other, where its whole
interval is: two standard errors either way, or where a single run gives no error, a factor of two either way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

REPRODUCED, CONTRADICTED, NOT_SEEN = "reproduced", "contradicted", "not seen at our settings"
UNDECIDED, OPEN = "undecided", "open"
VERDICTS = {
    REPRODUCED: "every effect is on the claim's side of its bound by more than its error",
    CONTRADICTED: "an effect is on the other side by more than its error, at the paper's settings",
    NOT_SEEN: "an effect is on the other side by more than its error, and a named setting is not the paper's",
    UNDECIDED: "an effect is within its error of its bound",
    OPEN: "the tables lack what the test needs",
}
SIGMAS = 2.0
"""Standard errors that make an interval."""
CLEAR = 2.0
"""What a single run says holds within such a factor."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error (0 where nothing is random, infinite of a single value)."""

    mean: float
    error: float

    def __str__(self) -> str:
        return f"{self.mean:.3f}" + (f" +- {self.error:.3f}" if 0 < self.error < math.inf else "")

    def __sub__(self, other: Estimate) -> Estimate:
        """The difference of independent values."""
        return Estimate(self.mean - other.mean, math.hypot(self.error, other.error))


def estimate(values: ArrayLike) -> Estimate:
    """Mean and standard error of independent values; the error of a single one is infinite."""
    array = np.asarray(values, dtype=float)
    error = float(array.std(ddof=1) / math.sqrt(len(array))) if len(array) > 1 else math.inf
    return Estimate(float(array.mean()), error)


@dataclass(frozen=True)
class Effect:
    """A number that decides a claim, and what the claim asks of it.

    Attributes:
        what: the number in words.
        value: it.
        bound: that it has to be above, or at most.
        error: standard error, infinite of a single run.
        above: whether the claim asks for more than the bound, else for at most the bound.
        runs: independent values behind it.
        rests: beginnings of the names of what it is of, such as "Fig. S3"; without any it is of all that the claim is.
    """

    what: str
    value: float
    bound: float
    error: float = math.inf
    above: bool = False
    runs: int = 1
    rests: tuple[str, ...] = ()

    @property
    def interval(self) -> tuple[float, float]:
        """Where the number is known to be."""
        if math.isinf(self.error):
            low, high = sorted((self.value / CLEAR, self.value * CLEAR))
            return low, high
        return self.value - SIGMAS * self.error, self.value + SIGMAS * self.error

    @property
    def side(self) -> int:
        """1 on the claim's side of the bound, -1 on the other, 0 where the interval holds the bound."""
        low, high = self.interval
        if self.above:
            return 1 if low > self.bound else -1 if high < self.bound else 0
        return 1 if high <= self.bound else -1 if low > self.bound else 0

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.what} {self.value:.3g} (from {low:.3g} to {high:.3g}; asked: {self.where(self.above)})"

    @property
    def turned(self) -> str:
        """Where the number would have to be for the other answer."""
        return f"{self.what} {self.where(self.above != (self.side > 0))}"

    def where(self, above: bool) -> str:
        """A side of the bound in words."""
        return f"{'above' if above else 'at most'} {self.bound:.3g}"

    @property
    def needed(self) -> str:
        """What would decide an undecided one."""
        distance = abs(self.value - self.bound)
        if self.runs < 2 or math.isinf(self.error):
            return f"further seeds of {self.what}"
        if distance == 0:
            return f"many more runs of {self.what}"
        runs = math.ceil(self.runs * (SIGMAS * self.error / distance) ** 2)
        return f"about {runs} runs in place of {self.runs} for {self.what}"


def of(
    what: str, found: Estimate, bound: float, above: bool = False, runs: int = 2, rests: tuple[str, ...] = ()
) -> Effect:
    """An effect from an estimate."""
    return Effect(what, found.mean, bound, found.error, above, runs, rests)


def verdict(effects: Sequence[Effect], differences: Sequence[str]) -> str:
    """The word for a claim.

    Args:
        effects: one at least.
        differences: named settings that are not the paper's.
    """
    sides = [effect.side for effect in effects]
    if min(sides) > 0:
        return REPRODUCED
    if min(sides) < 0:
        return NOT_SEEN if differences else CONTRADICTED
    return UNDECIDED


def deciding(effects: Sequence[Effect]) -> list[Effect]:
    """The effects that the verdict follows from: those that fail, else those that are open, else all."""
    worst = min(effect.side for effect in effects)
    return [effect for effect in effects if effect.side == worst]
