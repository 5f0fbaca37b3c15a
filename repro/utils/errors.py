"""The one exception that means "the input cannot be used": one line, exit code 2."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

WHAT_WOULD_FIT = "what would fit"
"""Said before advice by messages about memory."""


class InputError(ValueError):
    """Input that cannot be used; its message says in one line what was given, where, and what was expected."""

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(str(message)))


def one_line(text: str) -> str:
    """A text as one line that any terminal can show: breaks become spaces, what is not printable its escape."""
    joined = re.sub(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*", " ", text.strip())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in joined)


def unknown(kind: str, given: object, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that is not among `known`, with the nearest right one."""
    names = list(known)
    text = one_line(str(given))
    text = text if len(text) <= 60 else f"{text[:57]}..."
    folded = {name.lower(): name for name in names}
    nearest = difflib.get_close_matches(text, names, n=1) or difflib.get_close_matches(text.lower(), folded, n=1)
    hint = f"; did you mean '{folded.get(nearest[0], nearest[0])}'?" if nearest else ""
    return InputError(f"unknown {kind} '{text}'{hint} (expected one of: {', '.join(names)})")
