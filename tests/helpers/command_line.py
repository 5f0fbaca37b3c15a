"""A command line to start from, and the lines of what a command said."""

from __future__ import annotations

RUN = ("run", "fig4", "--profile", "smoke")
EVOLVED = (*RUN, "--only", "a-dyn-*")
SEARCHED = (*RUN, "--only", "a-var-1x32-*")


def lines_of(text: str) -> list[str]:
    """The lines that are not blank."""
    return [line for line in text.splitlines() if line.strip()]
