"""The one exception that means "the input cannot be used": one line, exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """What was given, where, and what was expected, in one line."""


def unknown(kind: str, given: str, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that is not among `known`, with the nearest right one."""
    names = list(known)
    nearest = difflib.get_close_matches(given, names, n=1)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
    return InputError(f"unknown {kind} '{given}'{hint} (expected one of: {', '.join(names)})")
