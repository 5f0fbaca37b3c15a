"""Run the tests of tests/gpu without pytest: plain functions that are given a device and an empty folder."""

from __future__ import annotations

import importlib
import inspect
import sys
import tempfile
import time
import traceback
import types
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.gpu.plan import CHECK_COLUMNS, CHECKS, TESTS, Request
from benchmarks.gpu.table import append, where
from repro.utils.errors import one_line, unknown

Check = Callable[..., None]
MESSAGE = 300


def main(request: Request, files: Sequence[str]) -> int:
    """Run the named files of tests/gpu, a row for every test; 0 where all have passed.

    Raises:
        InputError: no such file.
    """
    known = [path.stem for path in sorted(TESTS.glob("test_*.py"))]
    for name in files:
        if name not in known:
            raise unknown("file of tests/gpu", name, known)
    _tests_of_this_checkout()
    torch.set_num_threads(1)  # the CPU's side is small: threads cost more than they save
    facts, failed = where(request), 0
    for name in files or known:
        module = importlib.import_module(f"tests.gpu.{name}")
        for title, check in functions(module):
            row = {"check": f"{name.removeprefix('test_')}: {title}", **outcome(check, request.device)}
            append(request.out / CHECKS, CHECK_COLUMNS, [row | {k: v for k, v in facts.items() if k in CHECK_COLUMNS}])
            print(f"{row['outcome']}: {row['check']} ({row['seconds']} s) {row['message']}", flush=True)
            failed += row["outcome"] == "failed"
    return 1 if failed else 0


def functions(module: types.ModuleType) -> list[tuple[str, Check]]:
    """Tests of a module in the order of its lines, by what their names say."""
    found = [each for name, each in vars(module).items() if name.startswith("test_") and callable(each)]
    return [(each.__name__.removeprefix("test_").replace("_", " "), each) for each in found]


def outcome(check: Check, device: str) -> dict[str, str]:
    """How one test ended: passed, failed or skipped, seconds, and the first line of what was wrong."""
    started, result, message = time.perf_counter(), "passed", ""
    with tempfile.TemporaryDirectory() as folder:
        known = {"device": device, "tmp_path": Path(folder)}
        try:
            check(**{name: known[name] for name in inspect.signature(check).parameters})
        except Exception as error:
            result = "skipped" if type(error).__name__ == "SkippedError" else "failed"
            line = traceback.extract_tb(error.__traceback__)[-1].lineno
            message = one_line(f"{type(error).__name__}: {error}")[:MESSAGE] + f" (line {line})"
            if result == "failed":
                traceback.print_exc(file=sys.stdout)
    return {"outcome": result, "seconds": f"{time.perf_counter() - started:.1f}", "message": message}


def _tests_of_this_checkout() -> None:
    """An installed package that is called `tests` as well would otherwise be found first."""
    package = types.ModuleType("tests")
    package.__path__ = [str(TESTS.parent)]
    sys.modules["tests"] = package
