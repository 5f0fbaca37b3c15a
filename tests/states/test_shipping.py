"""States on their way from runs to the shipped results: with their table, never against it, others kept."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from repro.config.listed import Listed
from repro.reporting.assemble import write_figure
from repro.reporting.publish import publish
from repro.running import checkpoints
from repro.running.folders import CHECKPOINT, point_folder
from repro.states.shipped import load_state, shipped_points
from repro.states.shipping import last_rows, ship_states
from repro.utils.errors import InputError
from repro.utils.result_table import read_table, tidy
from tests.helpers import rows
from tests.helpers.points import COUPLED, STEPS, run

SEARCH = COUPLED.change(iterations=20, panel="a", profile="quick")
EVOLVED = COUPLED.change(method="dynamics", **STEPS, panel="b", profile="quick")
UNMASKED = COUPLED.change(iterations=5, layers=2, n_samples=50, sampling="unmasked", panel="c", profile="quick")
SAMPLED = COUPLED.change(iterations=5, estimator="sampled", n_samples=50, panel="d", profile="quick")
EVERY = (SEARCH, EVOLVED, UNMASKED, SAMPLED)


def computed(points: tuple[Listed, ...], runs: Path) -> None:
    for point in points:
        run(point, runs)
    write_figure("fig4", points, [], runs, runs / "fig4" / "quick")


def published(runs: Path, results: Path) -> None:
    publish("fig4", [], runs / "fig4", results)


def states(results: Path) -> set[str]:
    return {path.stem for path in (results / "states").glob("*")}


def weights(runs: Path, point: Listed) -> dict[str, torch.Tensor]:
    return checkpoints.load(point_folder(runs, point) / CHECKPOINT, point.point)["state_dict"]


def test_publishing_ships_the_last_weights(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    computed(EVERY, runs)
    published(runs, results)
    assert states(results) == {point.point_id for point in EVERY}
    for point in EVERY:
        state = load_state("fig4", f"{point.panel}-{point.label}", results)
        for name, value in weights(runs, point).items():
            assert torch.equal(value, state.model.state_dict()[name.removeprefix("model.")])
        assert state.settings == point.settings
        done = json.loads((point_folder(runs, point) / "done.json").read_text())
        assert state.commit == done["provenance"]["commit"]
    assert load_state("fig4", "b-*", results).t == 0.4
    assert load_state("fig4", "a-*", results).t == float("inf")


def test_a_later_part_keeps_the_states_of_other_points(tmp_path: Path) -> None:
    first, second, results = tmp_path / "first", tmp_path / "second", tmp_path / "results"
    computed((SEARCH, EVOLVED), first)
    published(first, results)
    before = {path.name: path.read_bytes() for path in (results / "states").iterdir()}
    computed((UNMASKED,), second)
    published(second, results)
    assert states(results) == {SEARCH.point_id, EVOLVED.point_id, UNMASKED.point_id}
    for name, content in before.items():
        assert (results / "states" / name).read_bytes() == content


def test_a_better_point_takes_the_state_of_the_worse_one_away(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    computed((SEARCH, EVOLVED), runs)
    published(runs, results)
    better = SEARCH.change(iterations=30, profile="paper")
    assert better.label == SEARCH.label
    run(better, runs)
    write_figure("fig4", [better], [], runs, runs / "fig4" / "paper")
    published(runs, results)
    assert states(results) == {better.point_id, EVOLVED.point_id}


def test_weights_that_contradict_the_table_are_not_shipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    computed((SEARCH, EVOLVED), runs)
    published(runs, results)
    path = point_folder(runs, SEARCH) / CHECKPOINT
    checkpoint = checkpoints.load(path, SEARCH.point)
    checkpoint["state_dict"]["model.transformer.readout.bias"] += torch.tensor([1e-4, 0, 0, 0])
    checkpoints.save(checkpoint, path)
    ship_states("fig4", runs, results)
    assert "is not shipped: its weights give sigma_" in caplog.text
    assert torch.equal(
        load_state("fig4", "a-*", results).model.transformer.readout.bias,
        checkpoint["state_dict"]["model.transformer.readout.bias"] - torch.tensor([1e-4, 0, 0, 0]),
    ), "what was shipped and agrees stays"
    shipped = results / "states" / f"{SEARCH.point_id}.safetensors"
    shipped.unlink()
    caplog.clear()
    ship_states("fig4", runs, results)
    assert not shipped.exists() and caplog.text.count("is not shipped") == 1


def test_another_figure_that_has_other_means_of_a_point_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    computed((SEARCH, EVOLVED), runs)
    published(runs, results)
    for name in ("figS2", "ledger"):
        publish(name, [], runs / "fig4", results)
    table = results / "figS2.csv"
    mean = repr(float(read_table(table).query("panel == 'a'").set_index("observable").loc["sigma_z", "mean"]))
    table.write_text(table.read_text().replace(mean, repr(float(mean) + 1e-4)))
    for again in (lambda: published(runs, results), lambda: ship_states("fig4", runs, results)):
        caplog.clear()
        again()
        [said] = [record.getMessage() for record in caplog.records if "publish" in record.getMessage()]
        assert "the table has" in said and said.endswith("publish figS2 from the same runs too")


def test_states_that_no_figure_draws_are_shipped_where_a_figure_shows_their_point(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    computed((SEARCH, EVOLVED), runs)
    publish("ledger", [], runs / "fig4", results)
    assert states(results) == set()
    computed((SEARCH,), runs)
    published(runs, results)
    publish("ledger", [], runs / "fig4", results)
    assert states(results) == {SEARCH.point_id}
    assert load_state("ledger", "a-*", results).t == math.inf


def test_a_shipped_state_that_its_table_has_left_goes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    computed((SEARCH,), runs)
    published(runs, results)
    text = (results / "fig4.csv").read_text()
    mean = repr(float(read_table(results / "fig4.csv").set_index("observable").loc["sigma_z", "mean"]))
    assert text.count(mean) == 1
    (results / "fig4.csv").write_text(text.replace(mean, repr(float(mean) + 1e-4)))
    ship_states("fig4", tmp_path / "none", results)
    assert states(results) == set() and "the table has" in caplog.text


@pytest.mark.parametrize("damage", ["garbage", "missing"])
def test_without_a_checkpoint_the_table_is_shipped_alone(damage: str, tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    computed((SEARCH, EVOLVED), runs)
    path = point_folder(runs, SEARCH) / CHECKPOINT
    path.unlink() if damage == "missing" else path.write_bytes(b"garbage")
    published(runs, results)
    assert states(results) == {EVOLVED.point_id}
    assert [point.has_state for point in shipped_points("fig4", results)] == [False, True]
    with pytest.raises(InputError, match="is not shipped: its weights were not kept"):
        load_state("fig4", "a-*", results)


def test_nothing_is_written_where_a_point_is_missing(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    computed((SEARCH,), runs)
    with pytest.raises(InputError, match="not finished"):
        publish("fig4", [("b", EVOLVED.label)], runs / "fig4", results)
    assert not results.exists()


def test_which_rows_are_of_the_last_state() -> None:
    def of(*given: tuple[float, str, float]) -> dict[str, tuple[float, float]]:
        return last_rows(tidy([rows.row(t=t, observable=name, mean=mean, error=0.0) for t, name, mean in given]))

    search = (math.inf, "sigma_z", 0.5), (math.inf, "purity", 0.3)
    assert of(*search) == {"sigma_z": (0.5, 0.0)}
    evolution = (0.0, "sigma_z", 1.0), (0.8, "sigma_z", 0.4), (math.inf, "sigma_z", 0.45)
    assert of(*evolution) == {"sigma_z": (0.4, 0.0)}, "at t = inf is an average of the last fifth"
    unmasked = (math.inf, "sigma_z", 0.7), (math.inf, "scored_sigma_z", 0.6)
    assert of(*unmasked) == {"sigma_z": (0.6, 0.0)}, "what p says, not what its unmasked draws say"
