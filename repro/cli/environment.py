"""What a command does about the environment that it is started in, before anything else is imported."""

from __future__ import annotations

import os
import sys

from repro.utils import launchers
from repro.utils.errors import InputError

SYSTEMS = ("linux", "darwin")


def prepare() -> None:
    """Draw into files alone, print what the terminal cannot show as escapes, forget ranks that no launcher has set.

    Raises:
        InputError: another system than Linux or macOS, or a launcher whose rank is no number.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if sys.platform not in SYSTEMS:
        raise InputError(f"system '{sys.platform}': expected Linux or macOS (on Windows: its Subsystem for Linux)")
    os.environ["MPLBACKEND"] = "agg"
    launchers.forget_left_over()
    launchers.rank()
