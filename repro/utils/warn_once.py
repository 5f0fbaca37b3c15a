"""One warning a command and kind of failure, whichever of its processes meets it first."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

_MARKS = "REPRO_WARNED"
_warned: set[str] = set()


@contextlib.contextmanager
def of_command(folder: Path) -> Iterator[None]:
    """Warn once for all processes started within; the marks that they leave in `folder` are removed at the end."""
    marks = folder.resolve() / f".warned-{secrets.token_hex(4)}"
    os.environ[_MARKS] = str(marks)
    try:
        yield
    finally:
        os.environ.pop(_MARKS, None)
        with contextlib.suppress(OSError):
            for mark in folder.glob(f"{marks.name}-*"):
                mark.unlink()


def first(kind: str) -> bool:
    """Record a failure, and tell whether it is the first of its kind."""
    seen, path = had(kind), _mark(kind)
    _warned.add(str(path or kind))
    if path and not seen:
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            return False
        except OSError:
            pass  # a full disk: at least this process remembers
    return not seen


def had(kind: str) -> bool:
    """Whether this failure has been met before."""
    path = _mark(kind)
    return str(path or kind) in _warned or (path is not None and path.exists())


def _mark(kind: str) -> Path | None:
    marks = os.environ.get(_MARKS)
    return Path(f"{marks}-{kind}") if marks else None
