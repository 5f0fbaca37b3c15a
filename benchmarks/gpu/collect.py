"""Bring what a GPU machine has measured into results/, and from there onto docs/gpu.md, between two marks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu import archive
from benchmarks.gpu.plan import CHECKS, POINTS, RUNS, TIMINGS, Request
from repro.utils.errors import InputError
from repro.utils.files import write_atomic
from repro.utils.pages import between_marks, markdown_table
from repro.utils.paths import RESULTS, SOURCE

PAGE = SOURCE / "docs" / "gpu.md"
MARKS = ("<!-- measured -->", "<!-- end -->")
NOTHING = "Nothing of this project has been run on a GPU yet: whatever is said of GPUs here was tried on CPUs alone."
SHIPPED = {CHECKS: "gpu_checks.csv", TIMINGS: "gpu.csv", POINTS: "gpu_points.csv"}
LAST_ROW = ("figure", "panel", "point", "point_id", "state", "rows", "t", "iteration", "seconds")
TIMED = ("case", "evaluator", "network", "N_s", "ms", "goal", "of peak", "peak MB")
RUN = ("figure", "point", "state", "rows", "reached", "seconds")
FACTS = ("kind", "device", "torch", "commit", "date")
Row = dict[str, str]


def main(request: Request, results: Path = RESULTS, page: Path = PAGE) -> int:
    """Add the tables of a run to those in results/, take up its points, write the page again.

    Raises:
        InputError: no tables there, or those of a rehearsal on a CPU.
    """
    found = {name: read(request.out / name) for name in SHIPPED}
    found[POINTS] = last_rows(found[POINTS])
    rows = [row for of_table in found.values() for row in of_table]
    if not rows:
        raise InputError(f"'{request.out}': none of {', '.join(SHIPPED)} with a row; expected the folder of `make gpu`")
    if kinds := {row["kind"] for row in rows} - {"cuda"}:
        raise InputError(f"'{request.out}': measured on a {', '.join(sorted(kinds))}, expected a GPU")
    for name, shipped in SHIPPED.items():
        if found[name]:
            write(results / shipped, merged(read(results / shipped), found[name]))
    write_atomic(page, with_section(page.read_text(), section(results)))
    taken = archive.unpack(request.out / RUNS, request.runs) if (request.out / RUNS).exists() else []
    print(f"{len(rows)} rows in '{results}' and on '{page.name}'; {len(taken)} points taken up in '{request.runs}'")
    return 0


def read(path: Path) -> list[Row]:
    """Rows of a table, none where it is not there."""
    if not path.exists():
        return []
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def write(path: Path, rows: Sequence[Row]) -> None:
    """A table as a file; columns of all rows."""
    stream = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(path, stream.getvalue())


def merged(before: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """Both, what is the same once."""
    return list({tuple(row.items()): row for row in (*before, *new)}.values())


def last_rows(history: Sequence[Row]) -> list[Row]:
    """How far every point has come: the last row of each, and how many there are."""
    number, last = dict[str, int](), dict[str, Row]()
    for row in history:
        number[row["point_id"]] = number.get(row["point_id"], 0) + 1
        last[row["point_id"]] = row
    return [{name: (row | {"rows": str(number[key])})[name] for name in LAST_ROW + FACTS} for key, row in last.items()]


def section(results: Path) -> str:
    """What has been measured, machine by machine, newest first."""
    tables = {name: read(results / name) for name in SHIPPED.values()}
    machines = {(row["date"], row["device"], row["torch"], row["commit"]) for rows in tables.values() for row in rows}
    if not machines:
        return NOTHING
    parts = []
    for machine in sorted(machines, reverse=True):
        here = {name: [row for row in rows if _machine(row) == machine] for name, rows in tables.items()}
        parts.append(_of_machine(machine, here["gpu_checks.csv"], here["gpu.csv"], here["gpu_points.csv"]))
    return "\n\n".join(parts)


def _machine(row: Row) -> tuple[str, str, str, str]:
    return row["date"], row["device"], row["torch"], row["commit"]


def _of_machine(machine: tuple[str, str, str, str], checks: list[Row], timings: list[Row], points: list[Row]) -> str:
    date, device, torch, commit = machine
    cuda = timings[0]["cuda"] if timings else ""
    lines = [f"### {device}, {date}", "", f"PyTorch {torch}{f', CUDA {cuda}' if cuda else ''}, commit {commit}.", ""]
    passed = sum(row["outcome"] == "passed" for row in checks)
    lines += [f"{passed} of {len(checks)} checks passed." if checks else "No checks were run."]
    lines += [f"- {row['outcome']}: {row['check']}: {row['message']}" for row in checks if row["outcome"] != "passed"]
    if timings:
        lines += ["", markdown_table(TIMED, map(_timing, timings))]
    if points:
        lines += ["", markdown_table(RUN, map(_point, points))]
    return "\n".join(lines)


def _timing(row: Row) -> list[str]:
    network = f"{row['layers']}x{row['width']}, {row['strings']}"
    how = row["evaluator"] + (", replayed" if row.get("replayed") else "")
    start = [row["case"], how, network, row["n_samples"] or "exact"]
    if row["error"]:
        return [*start, row["error"].replace("|", "/"), "", "", ""]
    goal = f"{1e3 * float(row['goal']):.3g}" if row["goal"] else ""
    return [
        *start,
        f"{1e3 * float(row['seconds']):.3g}",
        goal,
        f"{float(row['share']):.1%}",
        f"{float(row['peak_mb']):.0f}",
    ]


def _point(row: Row) -> list[str]:
    reached = f"t = {float(row['t']):.4g}" if row["t"] else f"iteration {row['iteration']}"
    return [row["figure"], row["point"], row["state"], row["rows"], reached, f"{float(row['seconds']):.0f}"]


def with_section(page: str, text: str) -> str:
    """The page with another text between its marks.

    Raises:
        InputError: no marks.
    """
    return between_marks(page, MARKS, text)
