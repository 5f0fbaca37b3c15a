"""Pages that code writes a part of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from repro.utils.errors import InputError


def markdown_table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown of cells that are text."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines))


def between_marks(page: str, marks: tuple[str, str], text: str) -> str:
    """A page with another text between two marks.

    Args:
        page: the whole page.
        marks: where the text begins and ends; they stay.
        text: what comes between them.

    Raises:
        InputError: a page without the marks.
    """
    before, begin, rest = page.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise InputError(f"page {page[:40]!r}...: no {marks[0]} ... {marks[1]}, expected the place of the tables")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"
