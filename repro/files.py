"""Files appear whole or not at all: written beside their place, then moved into it."""

from __future__ import annotations

import os
from pathlib import Path

from repro.errors import InputError


def write_atomic(path: Path | str, data: bytes | str, keep: Path | None = None) -> Path:
    """Write `data` (text as UTF-8) to `path`; a reader sees the old file or the new one, never a part.

    Args:
        path: the file.
        data: its new content.
        keep: where the file that was there goes, in the same folder; by default nowhere.

    Raises:
        InputError: if the folder cannot be made or written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                stream.write(data.encode() if isinstance(data, str) else data)
                stream.flush()
                os.fsync(stream.fileno())
            if keep and path.is_file():
                path.replace(keep)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot write '{path}': {error.strerror or error}") from error
    return path
