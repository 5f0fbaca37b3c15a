"""A finished point whose history or losses are cut, changed or gone is not finished: the same command restores it."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from repro.cli.main import main
from repro.cli.run import Run
from repro.cli.selection import select_points
from repro.config.listed import Listed
from repro.reporting.assemble import figure_table
from repro.running import status
from repro.running.folders import CHECKSUM, DONE, HISTORY, LOSSES, finished
from tests.helpers.points import COUPLED, STEPS, history, run, stop_in_iteration, without_checksum

KINDS = {
    "evolution": COUPLED.change(method="dynamics", **STEPS),
    "search": COUPLED.change(iterations=50),
    "two stages": COUPLED.change(method="variational+dynamics", iterations=50, **STEPS),
}


def cut_at_a_row(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def cut_within_a_row(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def with_another_digit(path: Path) -> None:
    path.write_text(path.read_text()[:-2] + "7\n")


def of_no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


SPOILT: tuple[Callable[[Path], None], ...] = (
    Path.unlink,
    cut_at_a_row,
    cut_within_a_row,
    with_another_digit,
    of_no_text,
)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_restored_from_the_checkpoint(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = KINDS[kind]
    folder = run(point, tmp_path)
    done = json.loads((folder / DONE).read_bytes())
    stop_in_iteration(monkeypatch, 0, 0)  # no iteration is left to do
    written = [HISTORY, LOSSES] if kind == "search" else [HISTORY]
    for name, spoil in product(written, SPOILT):
        whole = (folder / name).read_bytes()
        spoil(folder / name)
        assert not finished(tmp_path, point), spoil.__name__
        assert figure_table([point], tmp_path).empty
        run(point, tmp_path)
        assert (folder / name).read_bytes() == whole and finished(tmp_path, point)
        assert json.loads((folder / DONE).read_bytes()) == done


def test_without_a_checkpoint_it_is_computed_again(tmp_path: Path) -> None:
    point = KINDS["evolution"]
    folder = run(point, tmp_path)
    whole = history(folder)
    for path in folder.glob("*.ckpt"):
        path.unlink()
    cut_at_a_row(folder / HISTORY)
    assert history(run(point, tmp_path)).equals(whole)


@pytest.mark.parametrize("kind", KINDS)
def test_points_of_before_there_were_checksums(kind: str, tmp_path: Path) -> None:
    point = KINDS[kind]
    folder = run(point, tmp_path)
    whole = (folder / HISTORY).read_bytes()
    without_checksum(folder)
    assert finished(tmp_path, point) and not figure_table([point], tmp_path).empty
    for spoil in (Path.unlink, cut_within_a_row, of_no_text):
        spoil(folder / HISTORY)
        assert not finished(tmp_path, point), spoil.__name__
        run(point, tmp_path)
        assert (folder / HISTORY).read_bytes() == whole
        assert CHECKSUM in json.loads((folder / DONE).read_bytes())
        without_checksum(folder)


def test_status_says_so(tmp_path: Path) -> None:
    def state(point: Listed) -> status.State:
        return status.states([point], tmp_path)[0]

    point = KINDS["search"]
    folder = run(point, tmp_path)
    assert state(point).state == "done"
    cut_at_a_row(folder / HISTORY)
    assert state(point).state == "stopped" and "history.csv or losses.csv is damaged or missing" in state(point).reason


def test_list_and_collect_leave_it_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"iterations": 3, "width": 8, "feedforward": 8}
    [point] = select_points("fig4", "smoke", ["a-var-1x32-0s-Jy1.8"], SimpleNamespace(**changes))
    command = ["run", "fig4", "--profile", "smoke", "--only", "a-var-1x32-0s-Jy1.8", "--runs", str(tmp_path)]
    command += [word for name, value in changes.items() for word in (f"--{name}", str(value))]
    folder = run(point, tmp_path)
    assert main([*command, "--list"]) == 0
    assert capsys.readouterr().out.endswith("finished\n")
    cut_at_a_row(folder / HISTORY)
    assert main([*command, "--list"]) == 0
    assert capsys.readouterr().out.endswith("open\n")
    monkeypatch.setattr(Run, "_finish", lambda *_: None)
    assert main([*command, "--collect"]) == 0
    assert "fig4: 0 of 1 points are finished" in capsys.readouterr().err
