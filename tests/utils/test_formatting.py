"""Times as people read them."""

from __future__ import annotations

import math

import pytest

from repro.utils.formatting import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (12.34, "12.3 s"),
        (60.0, "1 min 00 s"),
        (245.0, "4 min 05 s"),
        (3599.6, "1 h 00 min"),
        (3 * 3600 + 5 * 60, "3 h 05 min"),
        (math.nan, ""),
    ],
)
def test_a_duration_reads_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
