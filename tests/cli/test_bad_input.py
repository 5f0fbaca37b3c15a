"""Input that cannot be used: one clear line, exit code 2, nothing written."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from experiments import load
from repro.cli.main import main
from repro.running.folders import CHECKPOINT, point_folder
from repro.utils.result_table import write_table
from tests.helpers import rows

RUN = ("run", "fig4", "--profile", "smoke")
LACKING = f"cuda:{torch.cuda.device_count()}"

# command line, what its message must say
REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("run", "fig44"), "unknown figure 'fig44'; did you mean 'fig4'"),
    (("run", "fig4", "--profile", "smok"), "unknown profile 'smok'; did you mean 'smoke'"),
    (("run", "fig4", "--only", "nothing-like-this"), "no point of fig4 (quick) matches 'nothing-like-this'"),
    (("list", "fig5"), "unknown figure"),
    (("list", "fig4", "--profile", "huge"), "unknown profile"),
    ((*RUN, "--device", "tpu"), "device 'tpu': expected cpu, cuda or cuda:N"),
    ((*RUN, "--device", "cpu:1"), "device 'cpu:1'"),
    ((*RUN, "--device", LACKING), f"device '{LACKING}'"),
    ((*RUN, "--rows", "5", "--cols", "5"), "25 sites"),
    ((*RUN, "--lattice", "ring", "--cols", "13", "--only", "var-*-0s-*"), "13 sites"),
    ((*RUN, "--tau", "-0.1"), "tau = -0.1: expected a number above 0"),
    ((*RUN, "--tau", "0"), "tau = 0.0"),
    ((*RUN, "--tau", "nan"), "tau = nan"),
    ((*RUN, "--tau", "fast"), "--tau = fast: expected a number"),
    ((*RUN, "--t-end", "inf"), "t_end = inf"),
    ((*RUN, "--Jy", "nan"), "Jy = nan: expected a finite number"),
    ((*RUN, "--gamma", "-1"), "gamma = -1.0"),
    ((*RUN, "--lattice", "ring", "--strings", "8s"), "strings '8s' on a 2-ring"),
    ((*RUN, "--lattice", "hexagonal"), "unknown lattice"),
    ((*RUN, "--strings", "3s"), "unknown string mixture '3s'"),
    ((*RUN, "--model", "hubbard"), "unknown model"),
    ((*RUN, "--povm", "sic"), "unknown povm"),
    ((*RUN, "--initial", "sideways"), "unknown initial"),
    ((*RUN, "--method", "exact"), "unknown method"),
    ((*RUN, "--n-samples", "-1"), "n_samples = -1"),
    ((*RUN, "--n-samples", "12.5"), "--n-samples = 12.5: expected a whole number"),
    ((*RUN, "--estimator", "naive"), "expected the number of draws"),
    ((*RUN, "--method", "projection", "--estimator", "naive", "--n-samples", "9"), "expected estimator enumeration or"),
    ((*RUN, "--method", "collocation", "--estimator", "naive", "--n-samples", "9"), "method collocation: expected"),
    ((*RUN, "--method", "projection", "--sampling", "unmasked", "--n-samples", "9"), "and sampling masked"),
    ((*RUN, "--dense-output", "4"), "expected method projection with exact sums"),
    ((*RUN, "--method", "projection", "--dense-output", "0"), "expected a number above 0"),
    ((*RUN, "--width", "31"), "width = 31: expected an even number"),
    ((*RUN, "--width", "0"), "width = 0"),
    ((*RUN, "--heads", "3"), "heads = 3: expected a divisor of the width 32"),
    ((*RUN, "--layers", "0"), "layers = 0"),
    ((*RUN, "--norm", "batch"), "unknown norm"),
    ((*RUN, "--rows", "0"), "rows = 0"),
    ((*RUN, "--iterations", "0"), "iterations = 0"),
    ((*RUN, "--seed", "-3"), "seed = -3"),
    ((*RUN, "--seed", "x"), "--seed = x: expected a whole number"),
    ((*RUN, "--periodic", "maybe"), "invalid choice 'maybe' for argument '--periodic'"),
    ((*RUN, "--jobs", "many"), "--jobs"),
    ((*RUN, "--jobs", "0"), "jobs = 0"),
    ((*RUN, "--threads", "-2"), "threads = -2"),
    ((*RUN, "--wandb", "sometimes"), "unknown tracking mode 'sometimes'"),
    ((*RUN, "--learning-rat", "1e-3"), "did you mean --learning-rate?"),
    ((*RUN, "--step-decay", "linear"), "unknown step_decay"),
    (("run",), "required"),
    ((), "Expected one of {list, run"),
    (("simulate",), "Unrecognized options: simulate"),
    (("plot",), "expected a figure or --all"),
    (("plot", "fig9"), "unknown figure"),
    (("publish", "fig4", "--results", "shipped"), "figure 'fig4': nothing is computed in 'runs/fig4'"),
    (("publish", "fig7"), "unknown figure"),
    (("reference", "fig7"), "unknown figure"),
]


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=[" ".join(a) or "nothing" for a, _ in REFUSED])
def test_one_line_and_nothing_written(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(lines_of(captured.err)) == 1, captured.err
    assert captured.err.startswith("repro: ")
    assert said in captured.err
    assert list(tmp_path.iterdir()) == []


def test_the_real_command_prints_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "repro.cli", *RUN, "--tau", "-0.1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert lines_of(done.stderr) == ["repro: tau = -0.1: expected a number above 0"]
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_corrupt_checkpoint_is_one_line_and_stays(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    point = next(p for p in load("fig4").points("smoke") if p.label == "var-1x32-0s-Jy1.8")
    checkpoint = point_folder(tmp_path, point) / CHECKPOINT
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"garbage")
    assert main((*RUN, "--runs", str(tmp_path), "--only", point.label, "--jobs", "1")) == 2
    said = lines_of(capfd.readouterr().err)
    assert [line for line in said if re.search("checkpoint .* cannot be read .*; remove it", line)] == said[-1:]
    assert "Traceback" not in "".join(said)
    assert checkpoint.read_bytes() == b"garbage"
    assert not (tmp_path / "fig4").exists()


@pytest.mark.parametrize(
    "command",
    [RUN, ("reference", "fig4", "--profile", "smoke"), ("publish", "fig4", "--results", "shipped")],
)
def test_a_file_where_a_folder_should_be(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    occupied = tmp_path / "runs"
    occupied.write_text("mine")
    assert main((*command, "--runs", str(occupied))) == 2
    said = lines_of(capsys.readouterr().err)
    assert len(said) == 1
    assert "runs" in said[0]
    assert occupied.read_text() == "mine"


def quick_run(runs: Path, *, without: int = 0) -> None:
    """A made-up run of all quick points but the last `without`, as the run command leaves it."""
    points = load("fig4").points("quick")
    names = [{"panel": p.panel, "point_id": p.point_id, "profile": "quick"} for p in points]
    finished = list(zip(points, names, strict=True))[: len(points) - without]
    folder = runs / "fig4" / "quick"
    write_table([rows.row(**name, point=p.label, t=math.inf) for p, name in finished], folder / "table.csv")
    described = [{**name, "label": p.label} for p, name in zip(points, names, strict=True)]
    (folder / "settings.json").write_text(json.dumps({"points": described}))
    (folder / "reference.csv").write_text("Jy,g,observable,mean\n1.8,2.0,sigma_z,-0.25\n")


def test_an_unfinished_figure_is_not_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quick_run(tmp_path / "runs", without=1)
    results = tmp_path / "results"
    assert main(("publish", "fig4", "--runs", str(tmp_path / "runs"), "--results", str(results))) == 2
    said = lines_of(capsys.readouterr().err)
    last = load("fig4").points("quick")[-1]
    assert len(said) == 1
    assert f"1 points are not finished (first: {last.panel}-{last.label})" in said[0]
    assert not results.exists()


@pytest.mark.parametrize(
    "command", [("publish", "fig4", "--results"), ("plot", "fig4", "--profile", "quick", "--runs")]
)
def test_a_file_where_results_should_go(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    quick_run(tmp_path / "runs")
    occupied = tmp_path / "results"
    occupied.write_text("mine")
    assert main((*command, str(occupied))) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(lines_of(captured.err)) == 1
    assert str(occupied) in captured.err
    assert occupied.read_text() == "mine"


def test_an_unknown_mode_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "ofline")
    assert main(RUN) == 2
    assert lines_of(capsys.readouterr().err) == [
        "repro: unknown WANDB_MODE 'ofline'; did you mean 'offline'? (expected one of: online, offline, disabled)"
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_was_tampered_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "fig4" / "smoke"
    folder.mkdir(parents=True)
    (folder / "table.csv").write_text("figure,t\nfig4,zero\n")
    (folder / "reference.csv").write_text("Jy,g,observable,mean\n")
    (folder / "settings.json").write_text(json.dumps({}))
    assert main(("plot", "fig4", "--profile", "smoke", "--runs", str(tmp_path))) == 2
    said = lines_of(capsys.readouterr().err)
    assert len(said) == 1
    assert "table.csv" in said[0]
