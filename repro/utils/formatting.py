"""How times and numbers are told."""

from __future__ import annotations

import math

TIME_DIGITS = 12
"""Significant digits of times: what sums of steps leave beyond them is noise, whatever the unit of time."""

HARDLY_SEEN = 5e-4
"""Four decimals leave one digit of it."""


def duration(seconds: float) -> str:
    """A wall time in the unit that suits it: "12.3 s", "4 min 05 s", "7 h 30 min"; nothing for NaN."""
    if math.isnan(seconds):
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {rest:02d} s"


def short(number: float) -> str:
    """A number to four decimals; one that would hardly be seen by them to two digits."""
    return f"{number:.4f}" if number == 0 or not abs(number) < HARDLY_SEEN else f"{number:.1e}"


def significant(number: float, digits: int = TIME_DIGITS) -> float:
    """A number to so many significant digits."""
    return float(f"{number:.{digits}g}")
