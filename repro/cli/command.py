"""What every subcommand has."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

DEFAULT_RUNS = Path("runs")
"""Folder for everything computed."""


class Command(Protocol):
    """A parsed command."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        ...
