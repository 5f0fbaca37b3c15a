"""The command line, without packages that a GPU machine may lack: see `benchmarks.gpu`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from benchmarks.gpu import hiding

hiding.install_if_asked()

from benchmarks.gpu.plan import Request  # noqa: E402
from repro.utils.errors import InputError  # noqa: E402

LONGEST = 60.0


class Parser(argparse.ArgumentParser):
    """A parser whose refusals are one line."""

    def error(self, message: str) -> NoReturn:
        """Refuse.

        Raises:
            InputError: always.
        """
        raise InputError(f"{message} (python -m benchmarks.gpu run --help lists what there is)")


def parser() -> argparse.ArgumentParser:
    """Options of all parts."""
    found = Parser(prog="benchmarks.gpu", description="A GPU in one command.")
    found.add_argument(
        "what", choices=("run", "checks", "timings", "trace", "point", "collect"), help="run: everything"
    )
    found.add_argument("which", nargs="*", help="checks: files of tests/gpu; point: an id")
    found.add_argument("--out", default=os.environ.get("GPU_OUT", ""), help="folder of the results, or GPU_OUT")
    found.add_argument("--device", default="cuda", help="cuda or cuda:N; cpu for a rehearsal")
    found.add_argument("--minutes", type=float, default=8.0, help="for everything")
    found.add_argument("--runs", type=Path, help="folder of the points (default: a new one; collect: runs)")
    found.add_argument("--resume", type=Path, help="runs.tar.gz of an earlier run: its points go on")
    found.add_argument("--commit", default="", help="of this code, where there is no git checkout")
    found.add_argument("--dry", action="store_true", help="tiny sizes")
    found.add_argument("--hide", action="store_true", help="find no packages but those that a GPU machine has")
    found.add_argument("--until", type=float, default=0.0, help=argparse.SUPPRESS)
    return found


def check(given: argparse.Namespace) -> None:
    """Refuse options that cannot be used, before anything is made.

    Raises:
        InputError: no folder, or no time.
    """
    if not given.out:
        raise InputError(
            "no folder for the results: expected --out FOLDER, or the variable GPU_OUT (make gpu OUT=FOLDER)"
        )
    if not 0 < given.minutes <= LONGEST:
        raise InputError(f"--minutes {given.minutes:g}: expected more than 0 and at most {LONGEST:g}")


def request_of(given: argparse.Namespace) -> Request:
    """What the options ask for."""
    runs = given.runs or Path("runs" if given.what == "collect" else tempfile.mkdtemp(prefix="gpu-runs-"))
    out = Path(given.out).absolute()
    return Request(out, runs.absolute(), given.device, given.dry, given.minutes, given.commit, given.until)


def run(arguments: list[str]) -> int:
    """One part, or all."""
    given = parser().parse_args(arguments)
    check(given)
    if given.what == "collect":
        from benchmarks.gpu import collect

        return collect.main(request_of(given))
    if given.what == "run":
        return everything(given)
    request = request_of(given)
    if given.what == "checks":
        from benchmarks.gpu import checks

        return checks.main(request, given.which)
    if given.what == "point":
        from benchmarks.gpu import points

        return points.main(request, given.which)
    from benchmarks.gpu import timings, trace

    return (timings if given.what == "timings" else trace).main(request)


def everything(given: argparse.Namespace) -> int:
    """All parts, one after the other.

    Raises:
        InputError: a device that this machine has not, before anything is written.
    """
    from benchmarks.gpu import archive, driver

    if given.hide:
        os.environ[hiding.VARIABLE] = "1"
        hiding.install_if_asked()
    from repro.running.devices import check_device

    check_device(given.device)
    request = request_of(given)
    if given.resume:
        archive.unpack(given.resume, request.runs)
    return driver.main(request)


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:]))
    except InputError as error:
        print(f"gpu: {error}", file=sys.stderr)
        sys.exit(2)
