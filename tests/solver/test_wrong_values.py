"""Every argument of `repro.solve`, each with ten wrong values: an InputError of one line before anything is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import repro
from repro.solver.plan import CHANGEABLE
from repro.utils.errors import InputError
from tests.helpers.solving import TINY, pair


class Unreadable:
    """An object whose own text fails."""

    def __str__(self) -> str:
        raise RuntimeError


NOTHING_TAKES: list[Any] = [
    *("no\nlines", [1], {}, object(), 1j, np.array([[0.5, 1], [2, 3]]), [[1], [2, 3]], torch.zeros(3)),
    *(Unreadable(), "\x1b[31m", 10**5000, float("nan"), b"1"),
]
NUMBER: list[Any] = ["1", True, float("inf"), -1.0]
COUNT: list[Any] = ["1", True, 2.5, -1, 10**12]
FLAG: list[Any] = ["no", "yes", 1, 0, None, "True", 1.0]
NAME: list[Any] = [None, 0, True, 2.5, "nobody's"]
ARGUMENTS: dict[str, list[Any]] = {
    **{name: [*NUMBER, 0, 1e-320, 1e30] for name in ("t_end", "step")},
    **dict.fromkeys(("steady", "exact", "quiet"), FLAG),
    **{name: [None, *COUNT] for name in ("seed", "seeds", "jobs", "threads")},
    **dict.fromkeys(("method", "estimator", "device"), NAME),
    "iterations": [0, *COUNT],
    "memory": [None, 0, *NUMBER],
    "runs": [None, 0, True, b"runs", "a\0b", "x" * 5000],
}
WRONG = [(name, value) for name, values in ARGUMENTS.items() for value in (*values, *NOTHING_TAKES)]
CHANGES = [(name, value) for name in CHANGEABLE for value in NOTHING_TAKES]
A_FOLDER = ("no\nlines", "\x1b[31m")


def refusal(arguments: dict[str, Any]) -> str:
    with pytest.raises(InputError) as error:
        repro.solve(pair(), **{"t_end": 1.0, **TINY, "iterations": 2, **arguments})
    return str(error.value)


def named(case: tuple[str, Any]) -> str:
    name, value = case
    return f"{name}-{type(value).__name__}"


@pytest.mark.parametrize("case", WRONG + CHANGES, ids=named)
def test_a_wrong_value_is_one_line_that_names_it(
    case: tuple[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, value = case
    monkeypatch.chdir(tmp_path)
    if name == "runs" and isinstance(value, str) and value in A_FOLDER:
        pytest.skip("a folder may have this name")
    message = refusal({name: value})
    assert len(message) < 400 and message.isprintable()
    assert {"runs": "folder", "strings": "string"}.get(name, name) in message
    assert not {"tau", "step_iterations"} & set(re.findall(r"\w+", message))
    assert not list(tmp_path.iterdir())


def test_messages_speak_of_what_the_user_gave() -> None:
    assert refusal({"step": 1e-9}).startswith("step: 1e+09 time steps until t_end")
    assert refusal({"t_end": None, "steady": True, "step": 1e-9}).startswith("step: 1e+10 time steps")
    assert refusal({"device": 0}) == "device = 0: expected a name"
    assert refusal({"quiet": 1}) == "quiet = 1: expected True or False"


def test_cooling_is_true_or_false() -> None:
    with pytest.raises(InputError, match="imaginary_time = 'no': expected True or False"):
        pair(imaginary_time="no")


def test_numbers_of_other_kinds_are_numbers(tmp_path: Path) -> None:
    from decimal import Decimal

    given: dict[str, Any] = {"t_end": Decimal("0.5"), "step": np.float32(0.25), "exact": np.False_, "seed": np.int64(1)}
    table = repro.solve(pair(), **{**TINY, "iterations": 1, **given}, runs=tmp_path).table
    assert table["t"].max() == 0.5
