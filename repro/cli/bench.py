"""`repro bench`: the evaluators on this machine. Fields are options; docstrings are their help."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.table import Table

from repro.cli.command import DEFAULT_RUNS
from repro.utils.errors import unknown
from repro.utils.files import check_file, check_writable, write_atomic
from repro.utils.validation import MOST_PROCESSES, check_int, check_memory

COLUMNS = ("case", "evaluator", "n_sites", "n_samples", "strings", "layers", "width", "seconds", "peak_mb", "nodes")


@dataclass
class Bench:
    """Time the evaluators side by side: naive, tree of samples, enumeration; and how the cost grows.

    One iteration is a loss and its gradient (1x32 unless the table says otherwise). The naive evaluator is the authors'
    way: every flipped neighbour of every sample through the network. All suites take about ten minutes on one core.
    """

    suite: tyro.conf.Positional[tuple[str, ...]] = ()
    """compare, sites, samples, network, enumeration, sampling, large; none: all of them"""
    json: Path | None = None
    """also write the rows (a list of objects) to this file"""
    device: str = "cpu"
    """cpu or cuda"""
    threads: int = 1
    """CPU threads"""
    repeat: int = 3
    """timed iterations of each case (the naive evaluator gets one); their median counts"""
    memory: float = 4.0
    """GiB that one evaluation of the sampled estimator may take"""
    runs: Path = DEFAULT_RUNS
    """the plot goes to its folder `bench`"""

    def run(self) -> int:
        """Measure, print, draw."""
        from repro.methods import benchmark
        from repro.methods.batch_size import GIB
        from repro.running.devices import check_device

        check_device(self.device)
        known = benchmark.suites()
        for name in self.suite:
            if name not in known:
                raise unknown("suite", name, known)
        check_int("repeat", self.repeat, 1)
        check_int("threads", self.threads, 1, MOST_PROCESSES)
        check_memory(self.memory)
        if self.json:
            check_file(self.json)
        folder = self.runs / "bench"
        check_writable(folder)
        cases = [case for name in self.suite or known for case in known[name]]
        settings = benchmark.Settings(self.device, self.threads, self.repeat, int(self.memory * GIB))
        console = Console(stderr=True)
        console.print(f"{len(cases)} measurements", highlight=False)
        rows = benchmark.measure(
            cases, settings, lambda row: console.print(_line(row), highlight=False, soft_wrap=True)
        )
        self._report(rows, benchmark.ratios(rows), folder)
        return 0

    def _report(self, rows: Sequence[dict[str, Any]], ratios: Sequence[dict[str, Any]], folder: Path) -> None:
        from repro.reporting import benchmark_drawing

        text = json.dumps(list(rows), indent=1)
        for path in filter(None, (folder / "bench.json", self.json)):
            write_atomic(path, text)
        benchmark_drawing.draw(rows, folder / "bench.png")
        console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120)
        console.print(_table(rows))
        for row in ratios:
            console.print(
                f"{row['case']}: {row['evaluator']} is {row['ratio']:.0f} times faster than naive at "
                f"{row['samples']} samples (naive measured at {row['measured_at']})",
                highlight=False,
            )
        console.print(f"rows and plot: {folder}", highlight=False, soft_wrap=True)


def _line(row: dict[str, Any]) -> str:
    return f"{row['case']:20s} {row['evaluator']:12s} N={row['n_sites']:<3d} {row['seconds']:8.3f} s"


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    grid = Table(title=f"one iteration on {rows[0]['device']}")
    for name in (*COLUMNS, "GFLOP", "of peak"):
        grid.add_column(name.replace("n_", ""), justify="left" if name in ("case", "evaluator") else "right")
    for row in rows:
        share = row["gflop"] / row["seconds"] / row["gflops_of_machine"]
        cells = [f"{row['seconds']:.3f}" if name == "seconds" else str(row[name]) for name in COLUMNS[:-2]]
        nodes = f"{row['nodes']:,}" if row["nodes"] else ""
        grid.add_row(*cells, f"{row['peak_mb']:.0f}", nodes, f"{row['gflop']:.2f}", f"{share:.0%}")
    return grid
