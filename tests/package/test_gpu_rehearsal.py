"""`make gpu` on a CPU: all of it in tiny sizes, without packages that a GPU machine may lack; and what it leaves."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from benchmarks.gpu import archive, collect, driver, hiding, plan, points, trace
from benchmarks.gpu.__main__ import run
from benchmarks.gpu.plan import Part, Request, Stage
from repro.utils.errors import InputError
from tests.helpers.paths import ROOT


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def start(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a rehearsal leaves, packages hidden."""
    folder = tmp_path_factory.mktemp("rehearsal") / "out"
    options = ("--device", "cpu", "--dry", "--hide", "--minutes", "4.5", "--commit", "abc")
    done = start("-m", "benchmarks.gpu", "run", "--out", folder, *options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return folder


def test_all_checks_pass_and_every_part_leaves_its_rows(out: Path) -> None:
    checks = rows(out / plan.CHECKS)
    defined = sum(path.read_text().count("\ndef test_") for path in plan.TESTS.glob("test_*.py"))
    assert len(checks) == defined > 10
    assert {row["outcome"] for row in checks} == {"passed"}
    assert {row["commit"] for row in checks} == {"abc"}
    timings = rows(out / plan.TIMINGS)
    assert [(row["evaluator"], row["replayed"]) for row in timings] == [
        ("enumeration", ""), ("enumeration", "yes"), ("sampled", "")
    ]  # fmt: skip
    assert all(float(row["seconds"]) > 0 and 0 < float(row["share"]) < 1 and not row["error"] for row in timings)
    assert "aten::" in (out / plan.OPERATORS).read_text()
    assert json.loads(gzip.decompress((out / plan.TRACE).read_bytes()))["traceEvents"]


def test_points_stop_in_time_and_go_on_elsewhere(out: Path, tmp_path: Path) -> None:
    found = rows(out / plan.POINTS)
    assert {row["state"] for row in found} == {"finished", "stopped"}
    stopped = [row for row in found if row["state"] == "stopped"]
    assert len(stopped) >= 3 and float(stopped[-1]["t"]) > 0
    taken = archive.unpack(out / plan.RUNS, tmp_path)
    assert set(taken) == {row["point_id"] for row in found}
    endless = next(each for each in points.missing(dry=True) if each.point_id == stopped[0]["point_id"])
    assert len(points.history(endless, tmp_path)) == len(stopped)
    assert archive.unpack(out / plan.RUNS, tmp_path) == [], "what is there is left alone"


def test_few_files_without_folders_come_back(out: Path) -> None:
    assert len(list(out.iterdir())) <= 8
    assert not [path for path in out.iterdir() if path.is_dir() or path.stat().st_size > 5_000_000]


def test_a_rehearsal_is_not_shipped(out: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="measured on a cpu, expected a GPU"):
        collect.main(Request(out, tmp_path), tmp_path, collect.PAGE)
    with pytest.raises(InputError, match="expected the folder of `make gpu`"):
        collect.main(Request(tmp_path / "empty", tmp_path), tmp_path, collect.PAGE)
    assert list(tmp_path.iterdir()) == []


def test_what_a_gpu_has_measured_is_shipped_once_and_read_onto_the_page(out: Path, tmp_path: Path) -> None:
    """The rehearsal's tables, as if a GPU had written them; one check failed, one case ran out of memory."""
    there, results, page = tmp_path / "out", tmp_path / "results", tmp_path / "gpu.md"
    there.mkdir()
    for name in collect.SHIPPED:
        text = (out / name).read_text().replace(",cpu,", ",cuda,")
        (there / name).write_text(text.replace(",passed,", ",failed,", 1).replace(",0.0", ",0.0", 1))
    (there / plan.RUNS).write_bytes((out / plan.RUNS).read_bytes())
    page.write_text("before\n<!-- measured -->\nold\n<!-- end -->\nafter\n")
    for _ in range(2):
        assert collect.main(Request(there, tmp_path / "runs"), results, page) == 0
    assert len(rows(results / "gpu.csv")) == 3
    assert len(rows(results / "gpu_checks.csv")) == len(rows(out / plan.CHECKS))
    of_points = rows(results / "gpu_points.csv")
    assert sorted(row["state"] for row in of_points) == ["finished", "stopped"]
    assert sum(int(row["rows"]) for row in of_points) == len(rows(out / plan.POINTS))
    assert len(list((tmp_path / "runs" / "points").iterdir())) == 2
    text, number = page.read_text(), len(rows(out / plan.CHECKS))
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert f"{number - 1} of {number} checks passed." in text and "- failed: " in text
    timing, replayed = [line for line in text.splitlines() if line.startswith("| heisenberg-2x2 ")]
    assert "| enumeration |" in timing and "| enumeration, replayed |" in replayed
    assert f"| {1e3 * float(rows(out / plan.TIMINGS)[0]['seconds']):.3g} | 1e+03 |" in timing


def test_the_page_says_what_results_hold() -> None:
    page = collect.PAGE.read_text()
    assert collect.with_section(page, collect.section(ROOT / "results")) == page
    assert collect.section(ROOT / "nowhere") == collect.NOTHING


@pytest.mark.parametrize("module", ["tyro", "qutip", "wandb", "submitit", "filelock", "psutil", "rich", "pytest"])
def test_hidden_packages_are_not_there(module: str) -> None:
    code = (
        "from benchmarks.gpu import hiding; hiding.install_if_asked(); import importlib.util as u, numpy, packaging;"
        f"print(u.find_spec('{module}'))"
    )
    assert start("-c", code, **{hiding.VARIABLE: "1"}).stdout == "None\n"
    there = importlib.util.find_spec(module) is not None  # psutil is there with some other packages alone
    assert ("ModuleSpec" in start("-c", code).stdout) == there


SLEEPS = "import time; print('began', flush=True); time.sleep(60)"


def test_a_part_that_hangs_or_crashes_takes_no_other_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are processes: one sleeps, one kills itself, one is done; the sleeper's own child goes with it."""
    scripts = {"hangs": SLEEPS, "crashes": "import os; os.kill(os.getpid(), 9)", "works": "print('here')"}
    monkeypatch.setattr(driver, "LEAST", 0.5)
    monkeypatch.setattr(driver, "COMMAND", ("-c",))
    running = driver.Driver(Request(tmp_path, tmp_path, "cpu", dry=True))
    began = time.monotonic()
    running.run(Stage("all", tuple(Part(name, (code,)) for name, code in scripts.items()), 6, 2))
    assert time.monotonic() - began < 30
    log = (tmp_path / plan.LOG).read_text()
    assert "hangs: killed at its limit" in log and "crashes: ended with code -9" in log
    assert "[works] here" in log and "works: done" in log and "[hangs] began" in log
    assert sorted(running.failed) == ["crashes", "hangs"]


def test_parts_that_find_no_time_left_are_named(tmp_path: Path) -> None:
    running = driver.Driver(Request(tmp_path, tmp_path, "cpu", dry=True))
    running.run(Stage("late", (Part("late", ()),), driver.LEAST / 2))
    assert running.failed == ["late"]
    assert "late: not started: no time was left" in (tmp_path / plan.LOG).read_text()


def test_a_timeline_that_is_too_large_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = [{"cat": "cpu_op", "name": str(k * 7919 % 10007)} for k in range(3000)]
    kernel = {"cat": "kernel", "name": "gemm"}
    monkeypatch.setattr(trace, "MOST_BYTES", 2000)
    assert trace.write_trace({"traceEvents": [*noise, kernel]}, tmp_path / "trace") < 2000
    assert json.loads(gzip.decompress((tmp_path / "trace").read_bytes()))["traceEvents"] == [kernel]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "no folder for the results: expected --out FOLDER"),
        (["run", "--out", "here", "--device", "cuda:99", "--minutes", "1"], "device 'cuda:99': this machine has"),
        (["run", "--out", "here", "--device", "gpu"], "device 'gpu': expected cpu, cuda or cuda:N"),
        (["run", "--out", "here", "--device", "cpu", "--minutes", "0"], "--minutes 0: expected more than 0"),
        (["run", "--out", "here", "--device", "cpu", "--resume", "none.tar.gz"], "archive 'none.tar.gz': "),
        (["jump"], "invalid choice: 'jump'"),
        (["checks", "test_none", "--out", "."], "unknown file of tests/gpu 'test_none'"),
        (["point", "--dry", "--out", "."], "point (none): expected one id"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GPU_OUT", raising=False)
    with pytest.raises(InputError) as error:
        run(arguments)
    assert said in str(error.value) and "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_missing_points_begin_with_the_oldest_and_are_in_no_table() -> None:
    found = points.missing(dry=False)
    assert len({each.point_id for each in found}) == len(found)
    shipped = (ROOT / "results" / "fig2.csv").read_text() + (ROOT / "results" / "fig4.csv").read_text()
    assert not [each for each in found if each.point_id in shipped]
    figures = [each.figure for each in found]
    assert figures == sorted(figures, key=points.FIGURES.index)


def test_an_archive_is_read_as_it_was_written(tmp_path: Path) -> None:
    point = tmp_path / "runs" / "points" / "abc"
    point.mkdir(parents=True)
    (point / "last.ckpt").write_bytes(b"weights")
    (point / ".lock").touch()
    archive.pack(tmp_path / "runs", tmp_path / plan.RUNS)
    with tarfile.open(tmp_path / plan.RUNS) as tar:
        assert tar.getnames() == ["points/abc/last.ckpt"]
    assert archive.unpack(tmp_path / plan.RUNS, tmp_path / "other") == ["abc"]
    assert (tmp_path / "other" / "points" / "abc" / "last.ckpt").read_bytes() == b"weights"
