"""The benchmark's rows and ratios."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from repro.cli.main import main
from repro.config.listed import listed_of
from repro.methods import benchmark

SMALL = listed_of(lattice="ring", n_sites=3, width=8, feedforward=4, n_samples=20)


def test_rows_and_ratios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tuple(benchmark.Case("small", SMALL.change(estimator=e).point) for e in ("naive", "sampled"))
    cases += (benchmark.Case("sampling", SMALL.change(estimator="sampled").point, sampling=True),)
    monkeypatch.setattr(benchmark, "suites", lambda: {"compare": cases})
    rows = tmp_path / "rows.json"
    assert main(["bench", "compare", "--repeat", "1", "--runs", str(tmp_path), "--json", str(rows)]) == 0
    found = json.loads(rows.read_text())
    assert [row["evaluator"] for row in found] == ["naive", "sampled", "sampling"]
    naive, tree, _ = found
    assert naive["nodes"] == 20 * (1 + 3 * 16 + 3 * 4) * 3  # itself, three bonds, three sites that decay
    assert 0 < tree["nodes"] <= 1 + 4 + 16  # every prefix of three outcomes
    assert all(row["seconds"] > 0 and row["peak_mb"] > 50 and row["gflop"] > 0 for row in found)
    assert benchmark.ratios(found)[0]["ratio"] == pytest.approx(naive["seconds"] / tree["seconds"])
    assert "faster than naive at 20 samples" in capsys.readouterr().out.replace("\n", " ")


def test_ratios_scale_to_the_same_samples() -> None:
    row = {"case": "c", "n_sites": 9}
    naive = {**row, "evaluator": "naive", "n_samples": 1200, "seconds": 6.0}
    exact = {**row, "evaluator": "enumeration", "n_samples": 0, "seconds": 0.03}
    (found,) = benchmark.ratios([naive, exact])
    assert found["ratio"] == pytest.approx(60 / 0.03)


def test_the_machines_matrix_rate_is_plausible() -> None:
    assert 0.1 < benchmark.matrix_rate(torch.device("cpu")) < 1e5


def test_unknown_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "compar", "--runs", str(tmp_path / "runs")]) == 2
    assert "did you mean 'compare'" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("system", "unit"), [("linux", 1024), ("darwin", 1)])
def test_peak_memory_without_proc(system: str, unit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc the system counts: Linux in units of 1024 bytes, macOS in bytes."""
    usage = type("Usage", (), {"ru_maxrss": 300 * 2**20 // unit})
    monkeypatch.setattr("resource.getrusage", lambda who: usage)
    monkeypatch.setattr(benchmark.Path, "exists", lambda path: False)
    monkeypatch.setattr("sys.platform", system)
    assert benchmark._peak_mb(torch.device("cpu")) == 300
