"""Values and refusals in messages: one printable line, whatever was given."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from repro.utils.errors import InputError, unknown
from repro.utils.validation import shorten


class Lines:
    """An object whose text has two lines."""

    def __str__(self) -> str:
        return "two\nlines"


class Unreadable:
    """An object whose text fails."""

    def __str__(self) -> str:
        raise RuntimeError


VALUES = [np.eye(9), "a\nb\x1b[31m\u2028c", Lines(), Unreadable(), 10**5000, b"\n", torch.ones(3, 3), [Lines(), "\n"]]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_any_value_is_told_in_one_printable_line(value: object) -> None:
    assert 0 < len(shorten(value)) <= 60
    assert shorten(value).isprintable()


def test_any_refusal_is_one_line_and_survives_a_process() -> None:
    error = InputError("a\n  b\tc\x07")
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == "a b\\tc\\x07"
    assert str(unknown("name", "on\ne", ["one"])).startswith("unknown name 'on e'; did you mean 'one'?")
