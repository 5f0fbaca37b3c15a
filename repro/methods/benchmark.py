"""Evaluators side by side: seconds, memory and network evaluations of one iteration (loss and gradient).

Every measurement runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from repro.ansatz.replay import Recorder, Replayed
from repro.ansatz.string_mixture import StringMixture
from repro.config.point import Point, point_of
from repro.config.settings import change, leaves
from repro.methods import losses
from repro.methods.build import build_ansatz, build_estimator, seeded_generator
from repro.methods.estimators import Enumeration, Estimator, Naive
from repro.methods.sampled import Sampled
from repro.utils.provenance import device_name

TFIM = point_of(lattice="ring", n_sites=16, model="tfim", povm="pauli4", estimator="sampled", n_samples=1200)
HEISENBERG = point_of(
    lattice="ring", n_sites=20, Jx=2.0, Jy=0.0, Jz=1.0, B=1.0, initial="left", estimator="sampled", n_samples=1200
)
SQUARE = point_of()
# The spread of every weight times the root of the width: conditionals uneven, but far from certain, at any size.
WEIGHT_SPREAD = 0.85
MATRIX = {"cpu": 1024, "cuda": 8192}
"""Rows of the matrices whose product gives the rate of a device: a small one would time a GPU's launches."""


@dataclass(frozen=True)
class Case:
    """One measurement.

    Attributes:
        name: what is compared with what.
        point: model, network, samples; its estimator is the evaluator that is timed, or "sampling".
        sampling: time the drawing of samples instead.
    """

    name: str
    point: Point
    sampling: bool = False


def _evaluators(name: str, point: Point, n_samples: int | None, naive_samples: int) -> Iterator[Case]:
    yield Case(name, change(point, estimator="naive", n_samples=naive_samples))
    yield Case(name, change(point, n_samples=n_samples))


def suites() -> dict[str, tuple[Case, ...]]:
    """Cases by suite."""
    tree = change(HEISENBERG, n_samples=1000)
    large = change(TFIM, n_samples=12000)
    return {
        "compare": (
            *_evaluators("tfim-16-ring", TFIM, 1200, 1200),
            *_evaluators("heisenberg-20-ring", HEISENBERG, 1200, 400),
            *_evaluators("heisenberg-3x3", SQUARE, None, 1200),
            *_evaluators("heisenberg-3x3-8s", change(SQUARE, strings="8s"), None, 150),
            Case("heisenberg-3x3", change(SQUARE, estimator="sampled", n_samples=1200)),
        ),
        "sites": tuple(Case("sites", change(tree, n_sites=n, n_samples=300)) for n in (8, 12, 16, 20, 28, 40)),
        "samples": tuple(Case("samples", change(TFIM, n_samples=n)) for n in (300, 1200, 4800, 12000)),
        "network": tuple(
            Case("network", change(TFIM, layers=layers, width=width, n_samples=300))
            for layers in (1, 2, 3)
            for width in (32, 64)
        ),
        "enumeration": tuple(
            Case("enumeration", change(SQUARE, layers=layers, width=width))
            for layers, width in ((1, 32), (1, 64), (2, 32), (2, 64))
        ),
        "sampling": tuple(Case("sampling", change(tree, n_sites=n), sampling=True) for n in (8, 16, 32, 64, 100)),
        "large": (Case("tfim-16-ring", large), Case("heisenberg-40-ring", change(tree, n_sites=40))),
    }


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        device: "cpu" or "cuda".
        threads: CPU threads.
        repeat: timed iterations, after one that is not.
        memory: bytes for the sampled estimator.
        record: how exact sums are recorded, to be timed as they are replayed; None: every iteration is evaluated.
    """

    device: str = "cpu"
    threads: int = 1
    repeat: int = 3
    memory: int | None = None
    record: Recorder | None = None


def measure(cases: Sequence[Case], settings: Settings, say: Callable[[dict[str, Any]], None]) -> list[dict[str, Any]]:
    """One row per case, each from its own process: case, evaluator, sizes, seconds, peak_mb, nodes, gflop, device."""
    rows = []
    for case in cases:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            rows.append(pool.submit(measured, case, settings).result())
        say(rows[-1])
    return rows


def iteration_of(
    case: Case, device: torch.device, memory: int | None
) -> tuple[Callable[[], None], tuple[StringMixture, Estimator]]:
    """What is timed, ready to be called again and again on fresh random numbers, and its network and estimator."""
    point = case.point
    model = build_ansatz(point).to(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(point.seed)
        for parameter in model.parameters():
            parameter.data.copy_(WEIGHT_SPREAD / math.sqrt(point.ansatz.width) * torch.randn(parameter.shape))
    estimator = build_estimator(point, memory)
    numbers = iter(range(10**6))

    def iteration() -> None:
        generator = seeded_generator(device, point.seed, 0, 0, next(numbers))
        if case.sampling:
            model.sample(point.estimator.n_samples or 0, generator)
            return
        loss, _ = losses.variational(estimator.evaluate(model, generator))
        model.zero_grad()
        loss.backward()

    return iteration, (model, estimator)


def _replayed(model: StringMixture, estimator: Enumeration, record: Recorder) -> Callable[[], None]:
    """What is timed, recorded and replayed; refused where the loss is not finite, so that nothing can be replayed."""
    replayed = Replayed(lambda: losses.variational(estimator.evaluate(model, None)), model.parameters(), record)

    def iteration() -> None:
        loss, _ = replayed()
        if replayed.given_up:
            raise RuntimeError("the loss of a replay is not finite")
        model.zero_grad()
        loss.backward()

    return iteration


def measured(case: Case, settings: Settings) -> dict[str, Any]:
    """One row, see `measure`, measured in this process."""
    torch.set_num_threads(settings.threads)
    device, point = torch.device(settings.device), case.point
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    iteration, (model, estimator) = iteration_of(case, device, settings.memory)
    with FlopCounterMode(display=False) as flops:
        iteration()
    if settings.record and isinstance(estimator, Enumeration) and point.estimator.exact_sums:
        iteration = _replayed(model, estimator, settings.record)
        iteration()
    seconds = [_seconds(iteration, device) for _ in range(1 if isinstance(estimator, Naive) else settings.repeat)]
    flat = leaves(point)
    size = {name: flat[name] for name in ("layers", "width", "strings", "n_samples")}
    return {
        "case": case.name,
        "evaluator": "sampling" if case.sampling else point.estimator.kind,
        "n_sites": model.n_sites,
        **size,
        "seconds": statistics.median(seconds),
        "peak_mb": _peak_mb(device),
        "nodes": 0 if case.sampling else _nodes(estimator, model, device),
        "gflop": flops.get_total_flops() / 1e9,
        "gflops_of_machine": matrix_rate(device),
        "device": device_name(settings.device),
    }


def _seconds(action: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    action()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def _peak_mb(device: torch.device) -> float:
    """Peak memory of this process (the whole of it on a CPU, tensors on a GPU), in MB of 2^20 bytes."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    import resource

    bytes_of_unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * bytes_of_unit / 2**20


def _nodes(estimator: object, model: Any, device: torch.device) -> int:
    """Positions that go through the network in one iteration."""
    N, S = model.n_sites, model.n_components
    if isinstance(estimator, Enumeration):
        return (4**N - 1) // 3
    if isinstance(estimator, Sampled):
        return estimator.tree(model, model.sample(estimator.n_samples, seeded_generator(device, 0))).n_nodes
    assert isinstance(estimator, Naive)
    copies = sum(4 ** len(term.sites) for term in estimator.liouvillian.terms)
    return estimator.n_samples * (1 + copies) * N * S


def matrix_rate(device: torch.device) -> float:
    """GFLOP/s of a large matrix product in float32: the most that this device could do."""
    n = MATRIX[device.type]
    a = torch.randn(n, n, device=device)
    a @ a
    seconds = min(_seconds(lambda: a @ a, device) for _ in range(5))
    return 2 * n**3 / seconds / 1e9


def ratios(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per case: naive seconds over another evaluator's, per sample where their numbers of samples differ.

    Enumeration is compared with the paper's 12000 draws.
    """
    found = []
    naive = {row["case"]: row for row in rows if row["evaluator"] == "naive"}
    for row in rows:
        if row["evaluator"] == "naive" or row["case"] not in naive:
            continue
        against = naive[row["case"]]
        samples = row["n_samples"] or 12000
        scaled = against["seconds"] * samples / against["n_samples"]
        found.append(
            {"case": row["case"], "evaluator": row["evaluator"], "samples": samples, "n_sites": row["n_sites"]}
            | {"measured_at": against["n_samples"], "ratio": scaled / row["seconds"]}
        )
    return found
