"""Where an iteration's time goes: one of enumeration and one of the tree, by operator and as a timeline."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks.gpu.plan import OPERATORS, TRACE, Request
from benchmarks.gpu.table import where
from repro.config.point import Point
from repro.config.settings import change
from repro.methods import benchmark
from repro.methods.batch_size import GIB

ROWS = 30
MOST_BYTES = 5_000_000
SORTED_BY = ("self_device_time_total", "self_cuda_time_total", "self_cpu_time_total")
HOST_CALLS = ("cudaLaunchKernel", "cudaLaunchKernelExC", "cudaMemcpyAsync", "cudaStreamSynchronize", "cudaMalloc")
WARM_UP = 3
KEPT = ("kernel", "gpu_memcpy", "gpu_memset", "user_annotation", "gpu_user_annotation")


def profiled(dry: bool) -> dict[str, Point]:
    """What is looked at, by name."""
    if dry:
        return {"enumeration 2x2": change(benchmark.SQUARE, rows=2, cols=2)}
    return {"enumeration 3x3": benchmark.SQUARE, "tree 16 sites": change(benchmark.TFIM, n_samples=12000)}


def main(request: Request) -> int:
    """Write the table of operators, then the timeline."""
    device = torch.device(request.device)
    with (request.out / OPERATORS).open("w") as stream:
        facts = where(request)
        stream.write(f"{facts['device']}, torch {facts['torch']}, commit {facts['commit']}, {facts['date']}\n")
        kept: list[dict[str, Any]] = []
        for name, point in profiled(request.dry).items():
            found = _one_iteration(name, point, device)
            stream.write(f"\n{name}\n{_host_calls(found)}\n{_table(found, device)}\n")
            stream.flush()
            print(f"{name}: {_host_calls(found)}", flush=True)
            kept.append(_timeline(found, request.out))
    merged = kept[0] | {"traceEvents": [event for each in kept for event in each["traceEvents"]]}
    size = write_trace(merged, request.out / TRACE)
    print(f"timeline of {size / 1e6:.1f} MB", flush=True)
    return 0


def _one_iteration(name: str, point: Point, device: torch.device) -> profile:
    iteration, _ = benchmark.iteration_of(benchmark.Case(name, point), device, 4 * GIB)
    for _ in range(WARM_UP):
        iteration()
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if device.type == "cuda" else [])
    with profile(activities=activities) as found, record_function(name):
        iteration()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return found


def _host_calls(found: profile) -> str:
    """How often the host launched, copied and waited."""
    counted = Counter[str]({each.key: each.count for each in found.key_averages() if each.key in HOST_CALLS})
    return ", ".join(f"{name} {counted[name]}" for name in HOST_CALLS if counted[name]) or "no calls of the device"


def _table(found: profile, device: torch.device) -> str:
    """The operators that take longest; what the sorting is called differs between versions."""
    averages = found.key_averages()
    for key in SORTED_BY if device.type == "cuda" else SORTED_BY[2:]:
        try:
            return str(averages.table(sort_by=key, row_limit=ROWS, max_name_column_width=60))
        except AttributeError:
            continue
    return str(averages.table(row_limit=ROWS))


def _timeline(found: profile, folder: Path) -> dict[str, Any]:
    path = folder / ".trace.json"
    try:
        found.export_chrome_trace(str(path))
        return json.loads(path.read_text(errors="replace"))
    finally:
        path.unlink(missing_ok=True)


def write_trace(trace: dict[str, Any], path: Path) -> int:
    """Write a timeline, what runs on the device alone if all of it is too large; the file's size."""
    packed = gzip.compress(json.dumps(trace).encode())
    if len(packed) > MOST_BYTES:
        events = [event for event in trace["traceEvents"] if event.get("cat") in KEPT]
        packed = gzip.compress(json.dumps(trace | {"traceEvents": events}).encode())
    if len(packed) > MOST_BYTES:
        packed = gzip.compress(json.dumps({"traceEvents": [], "note": f"larger than {MOST_BYTES} bytes"}).encode())
    path.write_bytes(packed)
    return len(packed)
