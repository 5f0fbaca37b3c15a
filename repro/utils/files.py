"""Files appear whole or not at all: written beside their place, then moved into it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from repro.utils.errors import InputError

SHIPPED_DIGITS = 10
"""Significant digits of the numbers in tables that are shipped: more would fill the repository with noise."""


def check_file(path: Path) -> None:
    """Refuse a path that no file can be written to, before any work is done for it.

    Raises:
        InputError: a folder, or a place that cannot be written.
    """
    try:
        if not path.name or path.is_dir():
            raise InputError(f"cannot write '{path}': it is a folder, expected a file")
        above = next(folder for folder in path.absolute().parents if folder.exists())
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot write '{path}': {getattr(error, 'strerror', None) or error}") from error
    if not above.is_dir():
        raise InputError(f"cannot write '{path}': '{above}' is a file, expected a folder")
    if not os.access(above, os.W_OK):
        raise InputError(f"cannot write '{path}': folder '{above}' is read-only")


def check_folder(folder: Path) -> None:
    """Refuse a path that is not a folder and cannot become one.

    Raises:
        InputError: a file, or a name that no folder can have.
    """
    try:
        taken = folder.exists() and not folder.is_dir()
    except (OSError, ValueError) as error:  # too long, or a zero byte
        raise InputError(f"folder {str(folder)[:60]!r}: {getattr(error, 'strerror', None) or error}") from error
    if taken or "\0" in str(folder):
        raise InputError(f"'{folder}' is a file, expected a folder" if taken else f"folder {str(folder)!r}: zero byte")


def check_can_hold_files(folder: Path) -> None:
    """Refuse a folder that cannot be made or written, by trying; what was made for that is removed again.

    Raises:
        InputError: no file can be put there.
    """
    check_folder(folder)
    made: list[Path] = []
    try:
        for each in (*reversed(folder.absolute().parents), folder.absolute()):
            if not each.exists():
                each.mkdir(exist_ok=True)
                made.append(each)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"cannot write to folder '{folder}': {error.strerror or error}") from error
    finally:
        for each in reversed(made):
            with contextlib.suppress(OSError):  # another process has put something there meanwhile
                each.rmdir()


def check_writable(folder: Path) -> None:
    """Make a folder, and refuse one that cannot be written.

    Raises:
        InputError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"folder '{folder}' cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"folder '{folder}' cannot be written")


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
    check_file(path)
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
