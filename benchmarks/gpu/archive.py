"""The folders of points as one file: what comes back from a borrowed machine has no deep folders."""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.gpu.plan import RUNS, Request
from repro.utils.errors import InputError
from repro.utils.files import write_atomic

PACK_SECONDS = 60.0


@contextlib.contextmanager
def packing(request: Request) -> Iterator[Callable[[], None]]:
    """Gives a function that packs the points' folders now and then; they are packed at the end whatever happens."""
    last = time.monotonic()

    def now_and_then() -> None:
        nonlocal last
        if time.monotonic() - last > PACK_SECONDS:
            pack(request.runs, request.out / RUNS)
            last = time.monotonic()

    try:
        yield now_and_then
    finally:
        pack(request.runs, request.out / RUNS)


def pack(runs: Path, archive: Path) -> None:
    """The points' folders as one file, replaced whole: points may still be computed meanwhile."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for path in sorted((runs / "points").glob("*/*")):
            with contextlib.suppress(FileNotFoundError):  # replaced in this moment: the next time has it
                if not path.name.startswith("."):
                    tar.add(path, path.relative_to(runs))
    write_atomic(archive, stream.getvalue())


def unpack(archive: Path, runs: Path) -> list[str]:
    """Take up packed points, but none that is there already; ids of those taken.

    Raises:
        InputError: no such archive.
    """
    try:
        with tarfile.open(archive) as tar:
            members = [m for m in tar.getmembers() if m.isfile()]
            new = [m for m in members if not (runs / Path(m.name).parent).exists()]
            tar.extractall(runs, new, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"archive '{archive}': {error}; expected a {RUNS} of an earlier run") from error
    return sorted({Path(m.name).parent.name for m in new})
