"""What a run on a GPU machine is told, and which parts it has, most valuable first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from repro.utils.paths import SOURCE

CHECKS, TIMINGS, POINTS, OPERATORS, TRACE = "checks.csv", "gpu.csv", "points.csv", "operators.txt", "trace.json.gz"
RUNS, LOG = "runs.tar.gz", "log.txt"
CHECK_COLUMNS = ("check", "outcome", "seconds", "message", "kind", "device", "torch", "commit", "date")
FINISHING = 15.0
"""Seconds kept at the end for packing."""
LEAVING = 25.0
"""Seconds before the end of their stage at which points stop after a time step."""
TESTS = SOURCE / "tests" / "gpu"


@dataclass(frozen=True)
class Request:
    """What is to be done where.

    Attributes:
        out: the folder that comes back.
        runs: the folder that points are computed in.
        device: "cuda", "cuda:1", or "cpu" for a rehearsal.
        dry: tiny sizes, for a rehearsal.
        minutes: for everything.
        commit: of the code, where the machine has no git checkout.
        until: when a point is to stop (time.time()); 0: never.
    """

    out: Path
    runs: Path
    device: str = "cuda"
    dry: bool = False
    minutes: float = 8.0
    commit: str = ""
    until: float = 0.0

    @property
    def options(self) -> tuple[str, ...]:
        """As options of the command line of a part."""
        dry = ("--dry",) if self.dry else ()
        commit = ("--commit", self.commit) if self.commit else ()
        return ("--out", str(self.out), "--runs", str(self.runs), "--device", self.device, *dry, *commit)


@dataclass(frozen=True)
class Part:
    """One process.

    Attributes:
        name: in the log.
        arguments: what follows `python -m benchmarks.gpu`.
    """

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """Parts that run side by side, and how long.

    Attributes:
        name: in the log.
        parts: in the order in which they start.
        seconds: after which all are killed, or less where less is left.
        jobs: parts at a time.
    """

    name: str
    parts: tuple[Part, ...]
    seconds: float
    jobs: int = 1


def stages(request: Request) -> tuple[Stage, ...]:
    """All but the points, which get what is left.

    Checks run side by side, one process a file: a fault of the device in one spoils no other. Timings run alone.
    """
    files = sorted(path.stem for path in TESTS.glob("test_*.py"))
    groups = [("checks", files)] if request.dry else [(name.removeprefix("test_"), [name]) for name in files]
    checks = tuple(Part(name, ("checks", *members, *request.options)) for name, members in groups)
    return (
        Stage("checks", checks, 150, len(checks)),
        Stage("timings", (Part("timings", ("timings", *request.options)),), 120),
        Stage("trace", (Part("trace", ("trace", *request.options)),), 45),
    )
