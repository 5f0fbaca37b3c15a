"""Names of a user's own: drawn as plain text; a name that reads as an observable is that observable."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

import pandas as pd
import pytest

from repro.physics.observables import Observable
from repro.solver.drawing import draw
from repro.utils.errors import InputError
from tests.helpers.solving import pair

NAMES = [r"$\frac{1}$", "a_b^{", "$", r"\$x$ and $y", "_x", "__", "100 %", r"\alpha", "z" * 300]


def table(name: str, t: tuple[float, ...]) -> pd.DataFrame:
    return pd.DataFrame({"t": t, "observable": name, "mean": 0.1, "error": 0.0, "exact": 0.1, "exact_error": 0.0})


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


def by_hand(name: Any, terms: Any, **others: Any) -> Observable:
    """The same combination of strings as an observable that did not go through the parser."""
    read = [(c, tuple((int(word[1:]), word[0]) for word in text.split())) for c, text in terms]
    return Observable(name, tuple(read), **others)


@pytest.mark.parametrize(("name", "terms"), TAKEN, ids=[name for name, _ in TAKEN])
def test_an_observable_made_by_hand_has_no_other_names(name: str, terms: Any) -> None:
    with pytest.raises(InputError, match="the name reads as another observable") as error:
        pair(observables=[by_hand(name, terms)])
    assert repr(name) in str(error.value)


BAD: list[tuple[Any, str]] = [
    (by_hand("<a>", [(1.0, "Z0")]), "observable '<a>': expected a printable name"),
    (by_hand(" ", [(1.0, "Z0")]), "expected a printable name"),
    (by_hand("a\nb", [(1.0, "Z0")]), "expected a printable name"),
    (by_hand(3, [(1.0, "Z0")]), "expected a printable name"),
    (by_hand("a", [(1.0, "Z9")]), "the lattice has sites 0 to 1"),
    (by_hand("a", [(1.0, "Q0")]), "'Q0' is no Pauli matrix"),
    (by_hand("a", [(1.0, "Z0 X0")]), "site 0 occurs twice"),
    (by_hand("a", [(math.nan, "Z0")]), "coefficient"),
    (by_hand("a", [("2", "Z0")]), "coefficient"),
    (by_hand("a", []), "has no terms"),
    (Observable("a", 5), "expected pairs such as"),  # type: ignore[arg-type]
    (Observable("a", (("Z0", 1.0),)), "expected pairs such as"),  # type: ignore[arg-type]
    (Observable("a", purity="no"), "purity"),  # type: ignore[arg-type]
    (by_hand("a", [(1.0, "Z0")], purity=True), "expected the purity alone"),
    (Observable("Purity", purity=True), "reads as another observable"),
    (Observable("Z", purity=True), "reads as another observable"),
    (by_hand("Z0 Z1", [(1.0, "Z0 Z1")], factors=(((0, "Z"),), ((1, "Z"),))), "reads as another observable"),
    (by_hand("Z0 Z1 connected", [(2.0, "Z0 Z1")], factors=(((0, "Z"),), ((1, "Z"),))), "reads as another"),
    (by_hand("X0 Z1 connected", [(1.0, "Z0 Z1")], factors=(((0, "Z"),), ((1, "Z"),))), "reads as another"),
    (by_hand("a", [(1.0, "Z0 Z1")], factors=(((0, "Z"),), ((0, "Z"),))), "share a site"),
]


@pytest.mark.parametrize(("one", "message"), BAD, ids=[str(k) for k in range(len(BAD))])
def test_an_observable_made_by_hand_is_checked_as_one_made_from_text(one: Observable, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        pair(observables=[one])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_an_observable_made_by_hand_may_have_a_name_of_its_own(name: str) -> None:
    made = [by_hand(name, [(2.0, "Z1 X0")]), Observable("my purity", purity=True)]
    assert [each.name for each in pair(observables=made).asked] == [name.strip(), "my purity"]
    (from_text,) = pair(observables={name: [(2.0, "X0 Z1")]}).asked
    assert pair(observables=made).asked[0] == from_text
    with pytest.raises(InputError, match="two different ones of that name"):
        pair(observables=[made[0], by_hand(name, [(1.0, "Y0")])])


def test_what_the_parser_makes_passes_by_hand() -> None:
    """A problem that is read from its description is the same one."""
    asked = pair(observables=["Z", "Z*", "X1 Y0", "I", "purity", {"j0": [(2.0, "Z0")]}], correlators=["Z"]).asked
    assert pair(observables=asked).asked == asked


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
