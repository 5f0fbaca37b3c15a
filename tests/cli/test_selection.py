"""Options that change points: those that have the setting, and at least one has to."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments import load
from repro.cli.main import main
from repro.cli.selection import exact_line_of, select_of_figures, select_points
from repro.config.settings import leaves
from repro.utils.errors import InputError

BOTH = ("a-dyn-1x32-0s-Jy1.8", "a-var-1x32-0s-Jy1.8")


def test_an_option_changes_the_points_that_have_the_setting() -> None:
    plain = select_points("fig4", "smoke", BOTH, SimpleNamespace())
    changed = select_points("fig4", "smoke", BOTH, SimpleNamespace(t_end=1.5, iterations=7, Jy=1.35))
    for before, after in zip(plain, changed, strict=True):
        expected = {"Jy": 1.35} | ({"t_end": 1.5} if "t_end" in before.settings else {"iterations": 7})
        moved = {name for name in before.settings if before.settings[name] != after.settings[name]}
        assert moved == set(expected) and expected.items() <= after.settings.items()


def test_a_setting_that_no_chosen_point_has_is_refused() -> None:
    with pytest.raises(InputError, match="has no setting t_end"):
        select_points("fig4", "smoke", BOTH[1:], SimpleNamespace(t_end=1.5, iterations=7))
    with pytest.raises(InputError, match="has no setting V"):
        select_points("fig4", "smoke", BOTH, SimpleNamespace(V=1.0, t_end=1.5))


def test_settings_that_come_with_another_choice_are_there() -> None:
    (changed,) = select_points("fig4", "smoke", BOTH[1:], SimpleNamespace(method="dynamics", t_end=1.5))
    assert changed.settings["method"] == "dynamics" and changed.settings["t_end"] == 1.5


def test_an_exact_line_is_of_the_changed_model() -> None:
    """Jy of Fig. 4 is what its line goes over; Fig. S5's line is one point."""
    plain = load("fig4").exact_line("smoke")
    assert exact_line_of("fig4", "smoke", {}) == exact_line_of("fig4", "smoke", {"iterations": 7, "Jy": 1.35}) == plain
    changed = exact_line_of("fig4", "smoke", {"Jx": 0.1, "Jy": 1.35, "rows": 2, "cols": 3, "gamma": 2.0})
    assert [leaves(p)["Jy"] for p in changed] == [leaves(p)["Jy"] for p in plain]
    assert {(leaves(p)["Jx"], p.lattice.name, p.system.rate) for p in changed} == {(0.1, "2x3 periodic", 2.0)}
    (alone,) = exact_line_of("figS5", "smoke", {"g": 0.7, "V": 0.5})
    assert (leaves(alone)["g"], leaves(alone)["V"]) == (0.7, 0.5)


def test_a_line_without_a_steady_state_is_none() -> None:
    assert exact_line_of("fig4", "smoke", {"gamma": 0.0}) == ()


FIGURES = ("fig1", "fig3", "fig4", "figS1", "figS2")


def select(*only: str, **changes: object) -> dict[str, list[str]]:
    selected = select_of_figures(FIGURES, "smoke", only, SimpleNamespace(**changes))
    return {figure: [point.label for point in points] for figure, points in selected.items()}


def test_figures_without_a_named_point_are_passed_over() -> None:
    chosen = select("*Jy1.8", "var-1x32-N4-g1.6")
    assert list(chosen) == ["fig3", "fig4", "figS1", "figS2"]
    assert chosen["fig3"] == ["var-1x32-N4-g1.6"] and all(label.endswith("Jy1.8") for label in chosen["fig4"])
    assert list(select()) == list(FIGURES) and select()["fig1"] == []


def test_figures_without_the_setting_are_passed_over() -> None:
    chosen = select(Jy=1.35)
    assert list(chosen) == ["fig4", "figS1", "figS2"]
    assert chosen["figS2"] == ["var-1x32-N4-g1.6", "var-2x32-0s-Jy1.35"]
    assert list(select("*Jy1.8", Jy=1.35)) == ["fig4", "figS1", "figS2"]
    assert list(select(g=1.1, t_end=1.0)) == ["fig3", "fig4", "figS1", "figS2"]


def test_what_no_figure_has_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"no point of any figure \(smoke\) matches '\*Jy7'; .* repro run all --profile"
    ):
        select("*Jy1.8", "*Jy7")
    with pytest.raises(InputError, match="has no setting V"):
        select("*Jy1.8", V=1.0)
    with pytest.raises(InputError, match="has no setting t_end"):
        select("var-*", Jy=1.35, t_end=1.0)


def test_the_commands_take_all_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--profile", "smoke", "--runs", str(tmp_path), "--only", "*Jy1.8"]
    for changes in ([], ["--Jy", "1.35"]):
        assert main(["run", "all", *options, *changes, "--list"]) == 0
        listed = capsys.readouterr().out
        assert ("Jy1.35" if changes else "Jy1.8") in listed and "var-1x32-0s-Jy1.0" not in listed
        assert main(["status", *options, *changes]) == 0
        assert capsys.readouterr().out == "nothing of smoke has been begun\n"
    assert main(["status", *options[:-1], "nothing"]) == 2
    assert capsys.readouterr().err.startswith("repro: no point of any figure (smoke) matches 'nothing'; ")
