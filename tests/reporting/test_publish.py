"""Publishing ships the best finished version of every point, and nothing half done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from repro.reporting.places import Place
from repro.reporting.publish import publication, publish
from repro.utils.errors import InputError
from repro.utils.result_table import read_table, tidy, write_table
from tests.helpers import rows
from tests.helpers.tables import same_numbers

LABELS = [("a", "one"), ("b", "two")]


def write_run(folder: Path, profile: str, means: dict[str, float], unfinished: tuple[str, ...] = ()) -> None:
    """A run whose points "one" and "two" have these means."""
    table, points = [], []
    for panel, label in LABELS:
        if label in means:
            settings = {"panel": panel, "point": label, "point_id": f"{profile}-{label}", "profile": profile}
            if label not in unfinished:
                table.append(rows.row(**settings, mean=means[label], smallest_eigenvalue=means[label] / 4))
            points.append({"label": label, **settings})
    write_table(tidy(table), folder / profile / "table.csv")
    (folder / profile / "settings.json").write_text(json.dumps({"points": points}))
    (folder / profile / "reference.csv").write_text(f"Jy,observable,mean\n1.8,sigma_z,-0.25\n# {profile}\n")


def shipped(results: Path) -> dict[str, Any]:
    table = read_table(results / "fig4.csv")
    return {row["point"]: (row["profile"], row["mean"]) for row in table.to_dict("records")}


def test_ships_the_best_profile_of_each_point(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    write_run(runs, "quick", {"one": 0.1, "two": 0.2})
    publish("fig4", LABELS, runs, results)
    assert shipped(results) == {"one": ("quick", 0.1), "two": ("quick", 0.2)}
    assert same_numbers(read_table(results / "fig4.csv"), read_table(runs / "quick" / "table.csv"))

    write_run(runs, "paper", {"one": 0.3, "two": 0.4}, unfinished=("two",))
    publish("fig4", LABELS, runs, results)
    assert shipped(results) == {"one": ("paper", 0.3), "two": ("quick", 0.2)}
    ids = [point["point_id"] for point in json.loads((results / "fig4.json").read_text())["points"]]
    assert ids == ["paper-one", "quick-two"]
    assert "paper" in (results / "fig4_reference.csv").read_text()


def test_what_is_shipped_stays_unless_better(tmp_path: Path) -> None:
    first, second, results = tmp_path / "first", tmp_path / "second", tmp_path / "results"
    write_run(first, "paper", {"one": 0.3, "two": 0.4})
    publish("fig4", LABELS, first, results)
    write_run(second, "quick", {"one": 0.1, "two": 0.2})
    publish("fig4", LABELS, second, results)
    assert shipped(results) == {"one": ("paper", 0.3), "two": ("paper", 0.4)}
    write_run(second, "paper", {"two": 0.5})
    publish("fig4", LABELS, second, results)
    assert shipped(results) == {"one": ("paper", 0.3), "two": ("paper", 0.5)}


def test_a_worse_profile_does_not_replace_the_exact_line_of_a_better_one(tmp_path: Path) -> None:
    first, second, results = tmp_path / "first", tmp_path / "second", tmp_path / "results"
    write_run(first, "workstation", {"one": 0.3})
    publish("fig4", [], first, results)
    write_run(second, "quick", {"two": 0.2})
    publish("fig4", [], second, results)
    assert "workstation" in (results / "fig4_reference.csv").read_text()
    assert shipped(results) == {"one": ("workstation", 0.3), "two": ("quick", 0.2)}


def test_without_a_run_what_is_shipped_is_written_again(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    with pytest.raises(InputError, match="nothing is computed"):
        publish("fig4", LABELS, runs, results)
    write_run(runs, "paper", {"one": 0.3, "two": 0.4})
    publish("fig4", LABELS, runs, results)
    before = {path.name: path.read_bytes() for path in results.iterdir()}
    publish("fig4", LABELS, tmp_path / "none", results)
    assert {path.name: path.read_bytes() for path in results.iterdir()} == before


def test_ships_ten_digits(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "quick", {"one": 1 / 3, "two": -2e-9 / 3})
    publish("fig4", LABELS, tmp_path / "runs", tmp_path / "results")
    assert [mean for _, mean in shipped(tmp_path / "results").values()] == [0.3333333333, -6.666666667e-10]
    eigenvalues = read_table(tmp_path / "results" / "fig4.csv")["smallest_eigenvalue"]
    assert eigenvalues.tolist() == [0.08333333333, -1.666666667e-10]


def test_ships_long_tables_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.utils.result_table.ROWS_PER_FILE", 1)
    write_run(tmp_path / "runs", "quick", {"one": 0.1, "two": 0.2})
    written = publish("fig4", LABELS, tmp_path / "runs", tmp_path / "results")
    assert [path.name for path in written[:3]] == ["fig4.csv", "fig4.part2.csv", "fig4.parts.json"]
    assert shipped(tmp_path / "results") == {"one": ("quick", 0.1), "two": ("quick", 0.2)}


def test_refuses_what_is_incomplete(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    with pytest.raises(InputError, match="nothing is computed"):
        publish("fig4", LABELS, runs, results)
    write_run(runs, "quick", {"one": 0.1, "two": 0.2}, unfinished=("two",))
    with pytest.raises(InputError, match=r"1 points are not finished \(first: b-two\)"):
        publish("fig4", LABELS, runs, results)
    assert not results.exists()


def test_refuses_the_smoke_profile(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "smoke", {"one": 0.1, "two": 0.2})
    (tmp_path / "runs" / "smoke").rename(tmp_path / "runs" / "quick")
    with pytest.raises(InputError, match="only the profiles paper, workstation, quick"):
        publish("fig4", LABELS, tmp_path / "runs", tmp_path / "results")


@pytest.mark.parametrize("content", ["{}", "[]", '{"points": [1]}', '{"points": [{}]}', "{", None])
def test_refuses_damaged_settings(tmp_path: Path, content: str | None) -> None:
    write_run(tmp_path / "runs", "quick", {"one": 0.1, "two": 0.2})
    path = tmp_path / "runs" / "quick" / "settings.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(InputError, match=r"settings\.json"):
        publish("fig4", LABELS, tmp_path / "runs", tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_a_point_is_shipped_under_the_best_profile_that_has_its_settings(tmp_path: Path) -> None:
    """Computed as one of another profile, or shipped as such before."""
    runs, results = tmp_path / "runs", tmp_path / "results"
    write_run(runs, "workstation", {"one": 0.3, "two": 0.4})
    one, two = Place("a", "one", "workstation-one", "paper"), Place("b", "two", "workstation-two", "quick")
    publication("fig4", LABELS, runs, results, [one, two]).write()
    expected = {"one": ("paper", 0.3), "two": ("workstation", 0.4)}
    assert shipped(results) == expected
    described = json.loads((results / "fig4.json").read_text())["points"]
    assert [point["profile"] for point in described] == ["paper", "workstation"]
    publish("fig4", LABELS, runs, tmp_path / "before")
    publication("fig4", LABELS, tmp_path / "none", tmp_path / "before", [one]).write()
    assert shipped(tmp_path / "before") == expected


def test_a_point_is_shipped_in_every_panel_that_has_its_settings(tmp_path: Path) -> None:
    """Computed for one panel, it takes the place of a worse one in another; nothing else moves."""
    runs, results = tmp_path / "runs", tmp_path / "results"
    write_run(runs, "quick", {"one": 0.1, "two": 0.2})
    publish("fig4", LABELS, runs, results)
    write_run(runs, "paper", {"one": 0.3})
    listed = [Place("b", "two", "paper-one", "paper"), Place("a", "one", "paper-one", "paper")]
    publication("fig4", LABELS, runs, results, listed).write()
    table = read_table(results / "fig4.csv")
    assert [*table["panel"]] == ["a", "b"] and [*table["point_id"]] == ["paper-one"] * 2
    assert shipped(results) == {"one": ("paper", 0.3), "two": ("paper", 0.3)}
    points = json.loads((results / "fig4.json").read_text())["points"]
    assert [(p["panel"], p["label"]) for p in points] == LABELS
    (tmp_path / "none").mkdir()
    publication("fig4", LABELS, tmp_path / "none", results, listed).write()
    assert same_numbers(read_table(results / "fig4.csv"), table)


def test_of_equal_profiles_what_is_listed_now_stays(tmp_path: Path) -> None:
    """A folder of an older list of points is found again after a newer one was shipped."""
    old, new, results = tmp_path / "old", tmp_path / "new", tmp_path / "results"
    write_evolution(old, "workstation", 0.1, tau=0.1)
    write_evolution(new, "workstation", 0.2, tau=0.08)
    for runs, expected in ((new, 0.2), (old, 0.2)):
        publication("fig4", [], runs, results, [Place("a", "one", "workstation-0.2", "workstation")]).write()
        assert shipped(results) == {"one": ("workstation", expected)}
    publish("fig4", [], old, results)
    assert shipped(results) == {"one": ("workstation", 0.1)}, "with nothing listed the run is the newer one"


def test_damaged_losses_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    write_run(runs, "quick", {"one": 0.1, "two": 0.2})
    (runs / "quick" / "losses.csv").write_text("panel,iteration,loss\na,1,0.5\n")
    with pytest.raises(InputError, match=r"losses\.csv: column 'point' is missing"):
        publish("fig4", LABELS, runs, results)
    assert not results.exists()


def write_evolution(folder: Path, profile: str, mean: float, **settings: float) -> None:
    """A run of one evolution with these settings."""
    own = {"panel": "a", "point": "one", "point_id": f"{profile}-{mean}", "profile": profile}
    write_table(tidy([rows.row(**own, mean=mean, tau=settings["tau"])]), folder / profile / "table.csv")
    described = {"label": "one", **own, "t_end": 5.0, **settings}
    described.pop("point")
    (folder / profile / "settings.json").write_text(json.dumps({"points": [described]}))
    (folder / profile / "reference.csv").write_text("Jy,observable,mean\n")


def others(results: Path) -> list[tuple[str, float]]:
    table = read_table(results / "fig4_others.csv")
    return [(row["profile"], row["mean"]) for row in table.to_dict("records")]


def test_evolutions_at_other_settings_stay_beside_the_papers(tmp_path: Path) -> None:
    first, second, results = tmp_path / "first", tmp_path / "second", tmp_path / "results"
    write_evolution(first, "quick", 0.1, tau=0.1)
    write_evolution(first, "workstation", 0.2, tau=0.08)
    publish("fig4", [], first, results)
    assert shipped(results) == {"one": ("workstation", 0.2)} and not (results / "fig4_others.csv").exists()
    write_evolution(second, "paper", 0.3, tau=0.008)
    written = publish("fig4", [], second, results)
    assert shipped(results) == {"one": ("paper", 0.3)} and others(results) == [("workstation", 0.2)]
    assert {results / "fig4_others.csv", results / "fig4_others.json"} <= set(written)
    # of a run that knows nothing of them
    write_evolution(second, "paper", 0.4, tau=0.008)
    publish("fig4", [], second, results)
    assert shipped(results) == {"one": ("paper", 0.4)} and others(results) == [("workstation", 0.2)]
    write_evolution(first, "workstation", 0.25, tau=0.08)
    publish("fig4", [], first, results)
    assert shipped(results) == {"one": ("paper", 0.4)} and others(results) == [("workstation", 0.25)]


def test_a_shorter_run_of_the_same_evolution_is_no_other_setting(tmp_path: Path) -> None:
    runs, results = tmp_path / "runs", tmp_path / "results"
    write_evolution(runs, "workstation", 0.2, tau=0.008, t_end=0.2)
    write_evolution(runs, "paper", 0.3, tau=0.008)
    publish("fig4", [], runs, results)
    assert shipped(results) == {"one": ("paper", 0.3)} and not (results / "fig4_others.csv").exists()
