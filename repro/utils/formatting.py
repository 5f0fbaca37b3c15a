"""How times are told to people."""

from __future__ import annotations

import math


def duration(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes; nothing for NaN."""
    if math.isnan(seconds):
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {rest:02d} s"
