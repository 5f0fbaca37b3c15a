"""How times and numbers are told."""

from __future__ import annotations

import math

TIME_DIGITS = 12
"""Significant digits of times: what sums of steps leave beyond them is noise, whatever the unit of time."""


def duration(seconds: float) -> str:
    """A wall time in the unit that suits it: "12.3 s", "4 min 05 s", "7 h 30 min"; nothing for NaN."""
    if math.isnan(seconds):
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {rest:02d} s"


def significant(number: float, digits: int = TIME_DIGITS) -> float:
    """A number to so many significant digits."""
    return float(f"{number:.{digits}g}")
