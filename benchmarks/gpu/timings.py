"""Seconds of a loss and its gradient on the device, beside the share of its measured float32 matrix rate."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from benchmarks.gpu.plan import TIMINGS, Request
from benchmarks.gpu.table import append, where
from repro.ansatz.replay import Action, recorder_of
from repro.config.settings import change
from repro.methods import benchmark
from repro.methods.batch_size import GIB
from repro.utils.errors import one_line
from repro.utils.free_memory import free_memory

COLUMNS = (
    *("case", "evaluator", "n_sites", "n_samples", "strings", "layers", "width", "seconds", "goal", "share", "error"),
    *("replayed", "peak_mb", "nodes", "gflop", "gflops_of_machine", "memory_gib", "kind", "device", "torch", "cuda"),
    *("pytorch_lightning", "python", "commit", "date"),
)
REPEAT = 11
MEMORY_SHARE = 0.5
"""Of the free memory, for one evaluation of the tree."""


@dataclass(frozen=True)
class Timed:
    """A case, and the seconds that issue 25 asks of an H100, where it does."""

    case: benchmark.Case
    goal: float | None = None

    def ways(self, settings: benchmark.Settings) -> Sequence[benchmark.Settings]:
        """Evaluated at every iteration; exact sums then as they are replayed."""
        estimator = self.case.point.estimator
        if estimator.kind != "enumeration" or estimator.n_samples is not None:
            return (settings,)
        record = run_again if settings.device == "cpu" else recorder_of(settings.device)
        return settings, dataclasses.replace(settings, record=record)


def run_again(action: Action, device: torch.device) -> Action:
    """In place of a graph, for a rehearsal: whatever is asked for is evaluated."""
    return action


def cases(dry: bool) -> tuple[Timed, ...]:
    """Those with a goal first."""
    square, chain = benchmark.SQUARE, change(benchmark.HEISENBERG, n_samples=12000)
    ten = change(chain, n_sites=10, estimator="enumeration", n_samples=None)
    ising = change(benchmark.TFIM, n_samples=12000)
    if dry:
        small = change(square, rows=2, cols=2)
        few = change(chain, n_sites=6, n_samples=50)
        return Timed(benchmark.Case("heisenberg-2x2", small), 1.0), Timed(benchmark.Case("heisenberg-6-ring", few))
    return (
        Timed(benchmark.Case("heisenberg-3x3", square), 0.0015),
        Timed(benchmark.Case("heisenberg-3x3", change(square, layers=2, width=64)), 0.010),
        Timed(benchmark.Case("heisenberg-10-ring", ten), 0.006),
        Timed(benchmark.Case("tfim-16-ring", ising), 0.040),
        Timed(benchmark.Case("heisenberg-40-ring", change(chain, n_sites=40)), 0.4),
        Timed(benchmark.Case("heisenberg-20-ring", chain)),
        Timed(benchmark.Case("heisenberg-3x3", change(square, layers=2, width=32))),
        Timed(benchmark.Case("heisenberg-3x3", change(square, strings="8s"))),
        Timed(benchmark.Case("heisenberg-3x3", change(square, n_samples=12000))),
        Timed(benchmark.Case("heisenberg-20-ring", change(chain, n_samples=100))),
        Timed(benchmark.Case("tfim-16-ring", change(ising, layers=2, n_samples=1200))),
    )


def main(request: Request) -> int:
    """A row for every case as soon as it is measured; 0 where none failed."""
    facts, failed = where(request), 0
    memory = int(MEMORY_SHARE * free_memory(request.device)) if request.device != "cpu" else GIB
    settings = benchmark.Settings(request.device, repeat=3 if request.dry else REPEAT, memory=memory)
    for timed, way in [(each, way) for each in cases(request.dry) for way in each.ways(settings)]:
        started = time.perf_counter()
        known = {"memory_gib": f"{memory / GIB:.1f}", "replayed": "yes" if way.record else ""}
        row = {**_sizes(timed), **_measured(timed, way), **facts, **known}
        append(request.out / TIMINGS, COLUMNS, [{name: row.get(name, "") for name in COLUMNS}])
        print(_line(row, time.perf_counter() - started), flush=True)
        failed += bool(row["error"])
    return 1 if failed else 0


def _line(row: dict[str, object], seconds: float) -> str:
    how = f"{row['evaluator']}{', replayed' if row['replayed'] else ''}"
    size = f"{row['case']} {how} {row['layers']}x{row['width']} {row['strings']} {row['n_samples']}"
    numbers = f"{row.get('seconds')} s, goal {row['goal']}, share {row.get('share')}"
    return f"{size}: {row['error'] or numbers} ({seconds:.0f} s in all)"


def _sizes(timed: Timed) -> dict[str, object]:
    """What is known of a case before it is measured."""
    point = timed.case.point
    return {
        "case": timed.case.name,
        "evaluator": point.estimator.kind,
        "n_sites": point.lattice.n_sites,
        "n_samples": point.estimator.n_samples,
        "strings": point.ansatz.strings,
        "layers": point.ansatz.layers,
        "width": point.ansatz.width,
        "goal": timed.goal,
        "error": "",
    }


def _measured(timed: Timed, settings: benchmark.Settings) -> dict[str, object]:
    """The numbers of a case, or the one line that it failed with."""
    try:
        row = benchmark.measured(timed.case, settings)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if settings.device != "cpu":
            torch.cuda.empty_cache()
        return {"error": one_line(f"{type(error).__name__}: {error}")[:300]}
    share = row["gflop"] / row["seconds"] / row["gflops_of_machine"]
    numbers = {name: f"{row[name]:.4g}" for name in ("seconds", "peak_mb", "gflop", "gflops_of_machine")}
    return {**numbers, "nodes": row["nodes"], "share": f"{share:.4f}"}
