"""Arrays kept in a file: whole, or as if they were not there."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from repro.utils.files import write_atomic

DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
"""What numpy raises for a file that is missing, cut short, changed or foreign."""


def read_arrays(file: Path) -> dict[str, np.ndarray] | None:
    """Every array of a file, None where it is missing or damaged."""
    try:
        with np.load(file) as kept:
            return {name: kept[name] for name in kept.files}
    except (*DAMAGED, TypeError, AttributeError):  # the last two: a single array in place of several
        return None


def write_arrays(file: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name, compressed; the file appears whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    write_atomic(file, stream.getvalue())
