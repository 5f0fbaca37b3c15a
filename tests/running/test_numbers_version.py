"""Results know which version of the numbers they are of, and leave torch as the caller had it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from repro.running import checkpoints, folders, runner
from repro.running.folders import DONE, finished
from tests.helpers.points import EVOLVED, Interrupted, history, run, stop_in_iteration


def raise_version(patch: pytest.MonkeyPatch) -> None:
    for module in (checkpoints, folders, runner):
        patch.setattr(module, "NUMBERS", 2)


def test_results_of_another_version_are_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run(EVOLVED, tmp_path)
    before = history(folder)
    raise_version(monkeypatch)
    assert not finished(tmp_path, EVOLVED)
    (folder / "history.csv").write_text("wrong")
    assert history(run(EVOLVED, tmp_path)).equals(before)
    assert json.loads((folder / DONE).read_text())["numbers"] == 2 and finished(tmp_path, EVOLVED)


def test_a_run_begun_by_another_version_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = history(run(EVOLVED, tmp_path / "whole"))
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        stop_in_iteration(patch, 2, 1)
        run(EVOLVED, tmp_path)
    raise_version(monkeypatch)
    assert history(run(EVOLVED, tmp_path)).equals(whole)
    assert "gave other numbers; starting again" in caplog.text


def test_results_from_before_versions_are_of_the_first(tmp_path: Path) -> None:
    folder = run(EVOLVED, tmp_path)
    done = json.loads((folder / DONE).read_text())
    del done["numbers"]
    (folder / DONE).write_text(json.dumps(done))
    assert finished(tmp_path, EVOLVED)


def test_the_callers_torch_changes_no_number_and_is_left_alone(tmp_path: Path) -> None:
    plain = history(run(EVOLVED, tmp_path / "plain"))
    threads = torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(2)
    try:
        assert history(run(EVOLVED, tmp_path / "double")).equals(plain)
        assert (torch.get_default_dtype(), torch.get_num_threads()) == (torch.float64, 2)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(threads)
