"""What the page of this machine is given: rows as they are measured, states, failures, whatever is half written."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments import load
from repro.config.listed import Listed
from repro.dashboard import begun, feed
from repro.dashboard.curves import COLUMNS
from repro.dashboard.feed import ALL, Feed
from repro.references.of_point import prepare
from repro.running import events
from repro.running.folders import CHECKPOINT, DONE, HISTORY, PROGRESS, point_folder
from tests.helpers.points import EVOLVED, SEARCHED, Interrupted, run, stop_in_iteration

SHOWN = EVOLVED.change(figure="figX", panel="a", profile="smoke", name="decay")


@pytest.fixture(autouse=True)
def looks_every_time_at_few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(begun, "PROFILES", ("smoke",))
    monkeypatch.setattr(begun.experiments(), "names", lambda: ("fig2", "fig4"))


def one(answer: dict[str, Any], listed: Listed = SHOWN) -> dict[str, Any]:
    """What is said of a point."""
    [found] = [point for point in answer["points"] if point["id"] == listed.point_id]
    return found


def column(curve: dict[str, Any], name: str) -> np.ndarray:
    return np.array([row[COLUMNS.index(name)] for row in curve["rows"]], dtype=float)


def test_a_finished_evolution_beside_the_closed_form(tmp_path: Path) -> None:
    prepare([SHOWN.point], tmp_path, lambda name: None)
    history = pd.read_csv(run(SHOWN, tmp_path) / HISTORY)
    answer = Feed(tmp_path).answer()
    assert json.loads(json.dumps(answer, allow_nan=False))["figure"] == "figX"
    told = one(answer)
    assert (told["label"], told["panel"], told["profile"], told["state"]) == ("decay", "a", "smoke", "done")
    curve = answer["curves"][SHOWN.point_id]
    t = column(curve, "at")
    assert curve["end"] == pytest.approx(0.4)
    assert curve["axis"] == "t" and t == pytest.approx(np.arange(5) * 0.1)
    for name in ("sigma_x", "sigma_y", "sigma_z", "loss", "residual"):
        assert column(curve, name) == pytest.approx(history[name], rel=1e-6, abs=1e-12, nan_ok=True)
    # two spins that decay alone, from all up
    assert column(curve, "sigma_z_exact") == pytest.approx(2 * np.exp(-t) - 1, abs=1e-6)
    assert column(curve, "sigma_x_exact") == pytest.approx(0 * t, abs=1e-6)


def test_a_search_beside_its_steady_state(tmp_path: Path) -> None:
    prepare([SEARCHED.point], tmp_path, lambda name: None)
    run(SEARCHED.change(figure="figX"), tmp_path)
    answer = Feed(tmp_path).answer()
    curve = answer["curves"][SEARCHED.point_id]
    assert curve["end"] == 50
    assert curve["axis"] == "iteration" and column(curve, "at").tolist() == [0, 20, 40, 50]
    assert column(curve, "sigma_z_exact") == pytest.approx([-1] * 4, abs=1e-6)


def test_only_new_rows_are_sent(tmp_path: Path) -> None:
    listed = SHOWN.change(seed=3)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        stop_in_iteration(patch, epoch=2, iteration=1)
        run(listed, tmp_path)
    watched = Feed(tmp_path)
    first = watched.answer()
    assert (one(first, listed)["state"], one(first, listed)["total"]) == ("stopped", 4)
    assert 1 <= one(first, listed)["done"] <= 2  # written at most twice a second
    rows = first["curves"][listed.point_id]["rows"]
    assert len(rows) == 3 and first["curves"][listed.point_id]["from"] == 0
    same = watched.answer(first["session"], first["revision"])
    assert same["curves"] == {} and same["revision"] == first["revision"]
    run(listed, tmp_path)
    second = watched.answer(first["session"], first["revision"])
    news = second["curves"][listed.point_id]
    assert news["from"] == 3 and len(news["rows"]) == 2
    whole = watched.answer("another server", first["revision"])["curves"][listed.point_id]
    assert (whole["from"], whole["rows"]) == (0, [*rows, *news["rows"]])


def test_other_rows_replace_what_a_page_has(tmp_path: Path) -> None:
    path = run(SHOWN, tmp_path) / HISTORY
    watched = Feed(tmp_path)
    first = watched.answer()
    table = pd.read_csv(path)
    table["sigma_z"] += 0.1
    table.to_csv(path, index=False)
    news = watched.answer(first["session"], first["revision"])["curves"][SHOWN.point_id]
    assert news["from"] == 0 and len(news["rows"]) == len(table)


@pytest.mark.parametrize("name", [HISTORY, CHECKPOINT, PROGRESS, DONE, events.EVENTS])
@pytest.mark.parametrize("part", [0.0, 0.4, 0.95])
def test_a_file_that_is_half_written_breaks_nothing(name: str, part: float, tmp_path: Path) -> None:
    folder = run(SHOWN, tmp_path)
    if name == CHECKPOINT:
        (folder / HISTORY).unlink()
    path = folder / name
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    watched = Feed(tmp_path)
    answer = watched.answer(figure=ALL)
    assert json.dumps(answer, allow_nan=False) and one(answer)
    if name == CHECKPOINT:  # that of the epoch before is whole
        assert len(answer["curves"][SHOWN.point_id]["rows"]) == 4
    assert watched.answer(answer["session"], answer["revision"], ALL)["points"]


def test_a_damaged_checkpoint_leaves_what_was_read(tmp_path: Path) -> None:
    folder = run(SHOWN, tmp_path)
    (folder / HISTORY).unlink()
    watched = Feed(tmp_path)
    before = watched.answer()
    assert len(before["curves"][SHOWN.point_id]["rows"]) == 5
    for path in folder.glob("*.ckpt"):
        path.write_bytes(b"x")
    assert watched.answer(before["session"], before["revision"])["curves"] == {}
    assert len(watched.answer()["curves"][SHOWN.point_id]["rows"]) == 5


def test_a_failure_is_told(tmp_path: Path) -> None:
    folder = point_folder(tmp_path, SHOWN)
    folder.mkdir(parents=True)
    events.record(folder, "started", figure="figX", panel="a", profile="smoke", label="decay")
    events.mark_failed(folder, SHOWN.point_id, "decay", "loss is nan in epoch 2")
    answer = Feed(tmp_path).answer()
    assert (one(answer)["state"], one(answer)["reason"]) == ("failed", "loss is nan in epoch 2")
    assert answer["curves"][SHOWN.point_id]["rows"] == []


def test_what_is_still_to_come_and_points_of_two_figures(tmp_path: Path) -> None:
    fig4, fig2 = load("fig4").points("smoke"), load("fig2").points("smoke")
    both = {point.point_id for point in fig4} & {point.point_id for point in fig2}
    assert both, "a point of both figures is what this test needs"
    first = next(point for point in fig4 if point.point_id in both)
    for listed in (first, next(point for point in fig2 if point.point_id != first.point_id)):
        folder = point_folder(tmp_path, listed)
        folder.mkdir(parents=True, exist_ok=True)
        labels = {"figure": listed.figure, "panel": listed.panel, "profile": "smoke", "label": listed.label}
        events.record(folder, "started", **labels, settings=listed.settings)
    answer = Feed(tmp_path).answer(figure="fig2")
    assert {point["id"] for point in answer["points"]} == {point.point_id for point in (*fig4, *fig2)}
    shown = {point["id"]: set(point["figures"]) for point in answer["points"]}
    assert all(shown[key] == {"fig4", "fig2"} for key in both)
    assert {point["state"] for point in answer["points"]} == {"stopped", "open"}
    assert len({point["id"] for point in answer["points"]}) == len(answer["points"])


def test_changed_settings_have_their_exact_curve(tmp_path: Path) -> None:
    """A point that no figure lists (`--Jy 1.35`) is known by what its start says."""
    listed = SHOWN.change(t_end=0.3)
    prepare([listed.point], tmp_path, lambda name: None)
    folder = run(listed, tmp_path)
    (folder / DONE).unlink()
    curve = Feed(tmp_path).answer()["curves"][listed.point_id]
    assert column(curve, "sigma_z_exact") == pytest.approx(2 * np.exp(-column(curve, "at")) - 1, abs=1e-6)


def test_folders_from_before_starts_said_what_they_are_for(tmp_path: Path) -> None:
    listed = load("fig4").points("smoke")[0]
    for name, file, facts in (
        (listed.point_id, PROGRESS, {"label": "x", "done": 1, "total": 2}),
        ("unknown00000", PROGRESS, {"label": "own", "done": 1, "total": 2}),
        ("nothing00000", "other", {}),
    ):
        (tmp_path / "points" / name).mkdir(parents=True)
        (tmp_path / "points" / name / file).write_text(json.dumps(facts))
    told = {point["id"]: point for point in Feed(tmp_path).answer()["points"]}
    assert (told[listed.point_id]["figure"], told[listed.point_id]["label"]) == ("fig4", listed.label)
    assert (told["unknown00000"]["figure"], told["unknown00000"]["label"]) == ("", "own")
    assert told["nothing00000"]["label"] == "nothing00000"


def test_a_users_problem_is_shown_under_its_name(tmp_path: Path) -> None:
    folder = point_folder(tmp_path, SHOWN)
    folder.mkdir(parents=True)
    for unit in ({"time_unit": "x"}, {"time_unit": 0}, {}):  # damaged, or of an earlier version
        events.record(folder, "started", figure="mine", panel="steady", profile="workstation", label="pair", **unit)
        told = one(Feed(tmp_path).answer())
    assert (told["figure"], told["figures"], told["profile"], told["label"]) == ("mine", ["mine"], "", "pair")


def test_nothing_is_written_and_an_empty_folder_is_no_error(tmp_path: Path) -> None:
    assert Feed(tmp_path).answer()["points"] == []
    assert not list(tmp_path.iterdir())
    run(SHOWN, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    told = one(Feed(tmp_path).answer())
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert told["left"] == 0 and not math.isnan(told["spent"])
