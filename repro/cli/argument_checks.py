"""Checks of what a command line says, before a command starts anything. Each refuses with one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from repro.config.point_checks import PROFILES
from repro.utils.errors import InputError, unknown
from repro.utils.validation import shorten


def check_arguments(arguments: Sequence[str]) -> None:
    """Refuse what the parser would let pass: empty or unprintable text, an option given twice or without its values.

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


LISTS = ("--only", "--g")
"""Options that take several values; left empty, they would mean all."""


def _is_option(argument: str) -> bool:
    return argument.startswith("--")


def check_profile(profile: str, changed: bool = False) -> None:
    """Refuse a profile that does not exist.

    Args:
        profile: its name.
        changed: whether the folder of a run with changed points will do, such as "quick-changed".

    Raises:
        InputError: none of that name.
    """
    if profile.removesuffix("-changed" if changed else "") not in PROFILES:
        raise unknown("profile", profile, PROFILES)
