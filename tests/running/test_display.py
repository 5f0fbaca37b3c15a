"""Progress off a terminal: a line a minute, with how far every running point is and how much time is left."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console

from repro.running.display import Display, cost
from repro.running.folders import PROGRESS, RunSettings, point_folder
from tests.helpers.points import EVOLVED, SEARCHED

OTHER = SEARCHED.change(seed=1)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        patch.setattr(time, "monotonic", lambda: self.now)


def progress(runs: Path, point: object, done: int, **where: float) -> None:
    folder = point_folder(runs, point)  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PROGRESS).write_text(json.dumps({"done": done, "total": 10, "sigma_z": -0.25, **where}))


def display(runs: Path, points: list, terminal: bool = False) -> tuple[Display, io.StringIO]:
    out = io.StringIO()
    return Display(points, RunSettings(runs), Console(file=out, width=60, force_terminal=terminal)), out


def test_a_line_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    shown, out = display(tmp_path, [SEARCHED, OTHER])
    for _ in range(300):
        clock.now += 1.0
        shown.refresh()
    lines = out.getvalue().splitlines()
    silent = "0 of 2 points done; none of those that run has ended its first step; time left not known yet"
    assert lines == [silent] * 5

    progress(tmp_path, SEARCHED, 5, iteration=250)
    clock.now += 60.0
    shown.refresh()
    [line] = out.getvalue().splitlines()[5:]
    # a quarter of the work in 360 seconds
    assert (
        line
        == f"0 of 2 points done; running: {SEARCHED.label} iteration 250  <sigma_z>=-0.2500; about 18 min 00 s left"
    )


def test_a_finished_point_counts_and_is_a_line_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    shown, out = display(tmp_path, [SEARCHED, OTHER])
    progress(tmp_path, SEARCHED, 10, iteration=500)
    progress(tmp_path, OTHER, 5, iteration=250)
    clock.now += 59.0
    shown.refresh()
    assert out.getvalue() == ""
    shown.finish(SEARCHED, "")
    clock.now += 59.0
    shown.refresh()
    assert out.getvalue().count("\n") == 1, "no line within a minute after another"
    clock.now += 2.0
    shown.refresh()
    line = out.getvalue().splitlines()[1]
    assert line == f"1 of 2 points done; running: {OTHER.label} iteration 250  <sigma_z>=-0.2500; about 40.0 s left"


def test_many_points_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    points = [EVOLVED.change(seed=seed) for seed in range(5)]
    shown, out = display(tmp_path, points)
    for point in points:
        progress(tmp_path, point, 1, t=0.04)
    clock.now += 60.0
    shown.refresh()
    assert out.getvalue().count("\n") == 1 and out.getvalue().count("t=0.04") == 3
    assert " and 2 more; about 9 min 00 s left" in out.getvalue()


def test_on_a_terminal_the_bars_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    shown, out = display(tmp_path, [SEARCHED], terminal=True)
    clock.now += 120.0
    shown.refresh()
    assert "points done" not in out.getvalue()


def test_times_are_shown_in_the_users_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, out = Clock(monkeypatch), io.StringIO()
    shown = Display([EVOLVED], RunSettings(tmp_path, time_unit=5e6), Console(file=out, width=60))
    progress(tmp_path, EVOLVED, 5, t=2.75)
    clock.now += 60.0
    shown.refresh()
    shown.finish(EVOLVED, "")
    assert out.getvalue().count("t=5.5e-07  <sigma_z>=-0.2500") == 2


def test_what_earlier_commands_have_done_takes_no_time_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    progress(tmp_path, SEARCHED, 8, iteration=400)
    shown, out = display(tmp_path, [SEARCHED])
    progress(tmp_path, SEARCHED, 9, iteration=450)
    clock.now += 60.0
    shown.refresh()
    assert out.getvalue().endswith("about 1 min 00 s left\n"), "one of two epochs, and not nine of ten"


def test_draws_of_a_large_ring_do_not_cost_as_much_as_all_of_its_configurations() -> None:
    """Evaluations of a draw and its neighbours grow as N^2, those of all configurations as 4^N."""
    draws = {"lattice": "ring", "estimator": "sampled", "n_samples": 100}
    drawn = {n: cost(EVOLVED.change(n_sites=n, **draws)) for n in (10, 20, 40)}
    assert 3 < drawn[20] / drawn[10] < 5 and 3 < drawn[40] / drawn[20] < 5
    whole = {n: cost(EVOLVED.change(n_sites=n, lattice="ring")) for n in (9, 10)}
    assert whole[10] == pytest.approx(4 * whole[9])
    many = EVOLVED.change(n_sites=4, lattice="ring", estimator="sampled", n_samples=100_000)
    assert cost(many) == pytest.approx(cost(EVOLVED.change(n_sites=4, lattice="ring")))
    assert 1 < cost(EVOLVED.change(n_sites=1000, **draws)) / drawn[40] < 1000
