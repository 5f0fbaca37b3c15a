"""The one exception that means "the input cannot be used": one line, exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used; its message says in one line what was given, where, and what was expected."""


def unknown(kind: str, given: object, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that is not among `known`, with the nearest right one."""
    names = list(known)
    text = str(given)
    folded = {name.lower(): name for name in names}
    nearest = difflib.get_close_matches(text, names, n=1) or difflib.get_close_matches(text.lower(), folded, n=1)
    hint = f"; did you mean '{folded.get(nearest[0], nearest[0])}'?" if nearest else ""
    return InputError(f"unknown {kind} '{text}'{hint} (expected one of: {', '.join(names)})")
