"""Checks of what a command line says, before a command starts anything. Each refuses with one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from repro.config.listed import CHANGED, profile_of
from repro.utils.errors import InputError
from repro.utils.validation import shorten


def check_arguments(arguments: Sequence[str]) -> None:
    """Refuse what the parser would accept: empty or unprintable text, an option given twice or without its values.

    Raises:
        InputError: for the first of them.
    """
    options = [a.partition("=")[0].replace("_", "-") for a in arguments if _is_option(a)]
    for argument in arguments:
        if not argument.isprintable():
            raise InputError(f"argument {shorten(ascii(argument)[1:-1])}: expected printable text in UTF-8")
    for before, argument in zip(["repro", *arguments], arguments, strict=False):
        if not argument or (_is_option(argument) and argument.endswith("=")):
            raise InputError(f"empty text after {argument or before}: expected a value, or leave it out")
    for option, times in Counter(options).items():
        if times > 1:
            raise InputError(f"{option} is given {times} times: expected once, values of a list one after the other")
    for option, following in zip(arguments, [*arguments[1:], "--"], strict=False):
        if option in LISTS and _is_option(following):
            raise InputError(f"{option}: expected at least one value")


LISTS = ("--only", "--g", "--observables")
"""Options that take several values; left empty, they would mean all."""


def _is_option(argument: str) -> bool:
    return argument.startswith("--")


def computed_folder(runs: Path, figure: str, profile: str) -> Path:
    """Where a run has put a figure's table.

    Args:
        runs: folder of computed points.
        figure: its name.
        profile: such as "quick", or "quick-changed" where settings were changed; old names are read.

    Raises:
        InputError: no such profile.
    """
    plain = profile.removesuffix(CHANGED)
    current = runs / figure / profile.replace(plain, profile_of(plain))
    return current if current.exists() else runs / figure / profile
