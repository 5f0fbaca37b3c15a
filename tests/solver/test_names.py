"""Names of a user's own: drawn as plain text; a name that reads as an observable is that observable."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

import pandas as pd
import pytest

from repro.solver.drawing import draw
from repro.utils.errors import InputError
from tests.helpers.solving import pair

NAMES = [r"$\frac{1}$", "a_b^{", "$", r"\$x$ and $y", "_x", "__", "100 %", r"\alpha", "z" * 300]


def table(name: str, t: tuple[float, ...]) -> pd.DataFrame:
    return pd.DataFrame({"t": t, "observable": name, "mean": 0.1, "error": 0.0, "exact": 0.1})


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_drawn_as_it_is_written(name: str) -> None:
    figure = draw(pd.concat([table(name, (0.0, 1.0)), table(name, (math.inf,))], ignore_index=True), name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(io.BytesIO(), format="png")
        figure.savefig(io.BytesIO(), format="pdf")
    evolving, steady = figure.axes
    (legend,) = evolving.get_legend().get_texts()
    for text in (legend, steady.get_xticklabels()[0], evolving._left_title):  # type: ignore[attr-defined]
        shown, mathematics = text._preprocess_math(text.get_text())
        assert mathematics is False
        assert name[:30] in shown


TAKEN: list[tuple[str, list[tuple[float, str]]]] = [
    ("Z0", [(2.0, "Z0")]),
    ("Z1  X0", [(1.0, "X0 Y1")]),
    ("Z9", [(1.0, "Z0")]),
    ("Z", [(1.0, "Z0")]),
    (" X ", [(1.0, "Y0")]),
    ("Z*", [(0.5, "Z0"), (0.5, "Z1")]),
    ("purity", [(1.0, "Z0")]),
    ("I", [(1.0, "Z0")]),
    ("Z0 Z1 connected", [(1.0, "Z0 Z1")]),
]


@pytest.mark.parametrize(("name", "terms"), TAKEN, ids=[name for name, _ in TAKEN])
def test_a_name_that_means_something_else_is_refused(name: str, terms: Any) -> None:
    with pytest.raises(InputError, match="the name reads as another observable") as error:
        pair(observables={name: terms})
    assert repr(name) in str(error.value)


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("Z0", [(1.0, "Z0")]),
        ("Z1 X0", [(0.5, "X0 Z1")] * 2),
        ("Z", [(0.5, "Z0"), (0.5, "Z1")]),
        ("Zed", [(2.0, "Z0")]),
        ("j0", [(2.0, "Z0")]),
    ],
)
def test_a_name_that_means_itself_is_kept(name: str, terms: Any) -> None:
    assert [each.name for each in pair(observables={name: terms}).asked] == [name]
