"""Files that cannot be used, corrupt, unfinished or in the way: one line, exit code 2, and they stay as they were."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from experiments import load
from repro.cli.main import main
from repro.running.folders import CHECKPOINT, point_folder
from repro.utils.result_table import write_table
from tests.helpers import rows
from tests.helpers.command_line import RUN, lines_of


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
