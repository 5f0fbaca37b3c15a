"""Points: what identifies a computation, what is refused, and what the figures list."""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping
from typing import Any

import pytest

import experiments
from repro.config.listed import PROFILES, Listed, listed_of, profile_of
from repro.config.point import Point, point_of
from repro.config.settings import all_leaves, change, leaves
from repro.utils.errors import InputError

PLAIN, DYNAMICS = point_of(), point_of(method="dynamics")


def test_labels_and_the_way_a_number_is_written_change_no_id() -> None:
    shown = Listed(PLAIN, "fig2", "b", "paper", "other name")
    assert shown.point_id == PLAIN.point_id
    assert point_of(Jy=1, B=-0.0).point_id == point_of(Jy=1.0).point_id


@pytest.mark.parametrize(
    ("point", "changes"),
    [
        *((PLAIN, {name: value}) for name, value in {"Jx": 0.1, "Jy": 0.2, "Jz": 0.3, "B": 1.0}.items()),
        *((PLAIN, {name: value}) for name, value in {"rows": 2, "cols": 2, "periodic": False}.items()),
        *((PLAIN, {name: value}) for name, value in {"layers": 2, "width": 64, "heads": 2, "norm": "pre"}.items()),
        *((PLAIN, {name: value}) for name, value in {"strings": "8s", "seed": 1, "n_samples": 9}.items()),
        *((PLAIN, {name: value}) for name, value in {"iterations": 5, "learning_rate": 0.1, "gamma": 2.0}.items()),
        *((DYNAMICS, {name: value}) for name, value in {"tau": 0.1, "t_end": 3.0, "step_iterations": 7}.items()),
        (PLAIN, {"method": "dynamics"}),
        (DYNAMICS, {"method": "variational+dynamics"}),
        (DYNAMICS, {"method": "projection"}),
        (change(DYNAMICS, method="projection"), {"method": "collocation"}),
        (PLAIN, {"povm": "pauli4"}),
        (PLAIN, {"initial": "plus"}),
        (point_of(model="tfim"), {"g": 1.0}),
        (point_of(lattice="ring"), {"lattice": "chain"}),
    ],
)
def test_what_changes_the_numbers_changes_the_id(point: Point, changes: dict[str, Any]) -> None:
    assert change(point, **changes).point_id != point.point_id


# A changed value of every setting, so that a new one cannot be left out of the id unnoticed.
CHANGED: dict[str, Any] = (
    {"lattice": "ring", "rows": 2, "cols": 2, "periodic": False, "n_sites": 4, "model": "tfim", "povm": "pauli4"}
    | {"Jx": 0.1, "Jy": 0.2, "Jz": 0.3, "B": 1.0, "V": 1.0, "g": 1.0, "gamma": 2.0, "initial": "plus"}
    | {"layers": 2, "width": 64, "heads": 2, "feedforward": 8, "norm": "pre", "strings": "8s"}
    | {"spin_symmetry": "z", "positions": "learned", "dense_output": 4, "hilbert_schmidt": 0.5, "reuse": 4}
    | {
        "relative_entropy": True,
        "method": "dynamics",
        "estimator": "naive",
        "n_samples": 9,
        "iterations": 5,
        "learning_rate": 0.1,
    }
    | {"tau": 0.1, "t_end": 3.0, "step_iterations": 7, "first_steps": 3, "first_iterations": 9}
    | {"step_learning_rate": 0.1, "step_decay": "exponential", "step_factor": 0.5, "step_at": 0.5, "seed": 1}
    | {"substeps": 3, "first_substeps": 5, "ridge": 0.1, "lattice_images": 3, "momentum": 0.5}
    | {"rule": "adams-bashforth"}
    | {"sampling": "unmasked", "objective": "interpolated", "mixing": 0.5, "mixing_time": 2.0}
)
NEEDED: dict[str, Mapping[str, Any]] = {
    "n_sites": {"lattice": "ring"},
    "V": {"model": "tfim"},
    "g": {"model": "tfim"},
    **{name: {"method": "dynamics", "objective": "interpolated"} for name in ("mixing", "mixing_time")},
    **{name: {"method": "dynamics"} for name in ("objective", "relative_entropy")},
    **{name: {"method": "projection", "n_samples": None} for name in ("dense_output", "hilbert_schmidt")},
    "reuse": {"method": "collocation"},
    **{name: {"method": "tdvp"} for name in ("substeps", "first_substeps", "ridge", "lattice_images", "momentum")},
    "rule": {"method": "tdvp"},
    "spin_symmetry": {"povm": "tetrahedral-cubic"},
}
"""What a point must have for a setting to exist."""
NOT_POSITIVE = (0.0, -0.1, math.nan, math.inf)
BOTH_STAGES = point_of(method="variational+dynamics", n_samples=5, first_steps=2, first_iterations=8)


@pytest.mark.parametrize("name", all_leaves(Point))
def test_every_setting_is_in_the_id(name: str) -> None:
    point = change(BOTH_STAGES, **NEEDED.get(name, {}))
    assert change(point, **{name: CHANGED[name]}).point_id != point.point_id


@pytest.mark.parametrize("name", all_leaves(Point))
def test_every_setting_says_what_it_is(name: str) -> None:
    leaf = all_leaves(Point)[name]
    assert leaf.metadata.get("help") or leaf.metadata.get("text")


@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"method": "dynamics", name: value}
            for name in ("tau", "t_end")
            for value in (0.0, -0.1, math.nan, math.inf)
        ),
        *({"learning_rate": value} for value in (0.0, -0.1, math.nan, math.inf)),
        *({name: math.nan} for name in ("Jx", "Jy", "Jz", "B", "gamma")),
        *({"model": "tfim", name: math.nan} for name in ("V", "g")),
        *({name: 0} for name in ("rows", "cols", "iterations", "layers", "width", "n_samples")),
        *({name: -1} for name in ("n_samples", "seed", "gamma")),
        *({"method": "dynamics", name: -1} for name in ("first_steps", "step_iterations")),
        *({name: "nonsense"} for name in ("lattice", "model", "povm", "initial", "method", "estimator", "strings")),
        *({name: "nonsense"} for name in ("norm", "positions", "sampling", "objective", "spin_symmetry")),
        {"spin_symmetry": "z"},
        {"method": "dynamics", "step_decay": "nonsense"},
        {"method": "dynamics", "step_at": 1.5},
        {"width": 31},
        {"heads": 3},
        {"lattice": "ring", "strings": "8s"},
        {"estimator": "sampled"},
        {"estimator": "naive"},
        {"gamma": 0.0},
        {"method": "dynamics", "tau": 1e-9},
        {"method": "projection", "estimator": "naive", "n_samples": 10},
        {"method": "projection", "dense_output": 2, "n_samples": 10},
        {"method": "projection", "hilbert_schmidt": 1.0, "n_samples": 10},
        {"method": "collocation", "sampling": "unmasked", "n_samples": 10},
        {"objective": "interpolated"},
        {"method": "dynamics", "estimator": "sampled", "n_samples": 9, "relative_entropy": True},
        {"method": "variational+dynamics", "relative_entropy": True},
        {"method": "dynamics", "objective": "sign"},
        {"method": "variational+dynamics", "objective": "sign"},
        {"objective": "sign", "mixing": 1.1},
        {"sampling": "unmasked"},
        {"initial": "down"},
        {"method": "tdvp", "rule": "euler"},
    ],
)
def test_a_bad_value_is_refused_in_one_line(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError) as error:
        change(PLAIN, **changes)
    assert "\n" not in str(error.value)
    assert "expected" in str(error.value) or "use '0s'" in str(error.value)


@pytest.mark.parametrize(
    ("point", "name"),
    [
        (DYNAMICS, "learning_rate"),
        (PLAIN, "V"),
        (PLAIN, "tau"),
        (PLAIN, "reuse"),
        (DYNAMICS, "mixing"),
        (point_of(lattice="ring"), "rows"),
        (point_of(estimator="sampled", n_samples=9), "sampling"),
    ],
)
def test_a_setting_that_a_point_does_not_have_is_refused(point: Point, name: str) -> None:
    with pytest.raises(InputError, match=f"has no setting {name} .*; it has lattice, .*, seed$") as error:
        change(point, **{name: CHANGED[name]})
    assert "\n" not in str(error.value) and name not in str(error.value).partition("it has")[2].split(", ")


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'layers'"):
        change(PLAIN, layer=2)


def test_a_change_of_kind_carries_over_what_both_kinds_have() -> None:
    drawn = change(DYNAMICS, tau=0.1, n_samples=50, step_factor=0.3)
    changed = leaves(change(drawn, method="projection", estimator="sampled"))
    assert (changed["tau"], changed["n_samples"], changed["step_factor"]) == (0.1, 50, 0.3)


def test_the_flat_view_is_the_whole_point() -> None:
    for point in (PLAIN, DYNAMICS, BOTH_STAGES, point_of(model="tfim", lattice="chain", n_sites=5)):
        assert point_of(**leaves(point)) == point


def test_what_is_built_from_settings_does_not_travel() -> None:
    point = point_of(rows=2, cols=2)
    size = len(pickle.dumps(point))
    assert point.liouvillian is point.liouvillian and point.lattice is point.lattice
    assert len(pickle.dumps(point)) == size and pickle.loads(pickle.dumps(point)) == point


def test_old_names_of_profiles_are_read() -> None:
    assert profile_of("desk") == "workstation"
    with pytest.raises(InputError, match="unknown profile 'dest'"):
        profile_of("dest")
    with pytest.raises(InputError, match="unknown profile"):
        listed_of(profile="nonsense")


def test_the_last_step_reaches_the_end() -> None:
    for tau, t_end in ((0.008, 5.0), (0.02, 5.0), (0.05, 1.0), (0.04, 5.0)):
        evolution = point_of(method="dynamics", tau=tau, t_end=t_end).method.evolution
        assert evolution is not None
        n = evolution.n_steps
        assert 2 * tau * n >= t_end - 1e-9 > 2 * tau * (n - 1)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("figure", experiments.names())
def test_names_are_unique_within_a_panel(figure: str, profile: str) -> None:
    points = experiments.load(figure).points(profile)
    assert len({(p.panel, p.label) for p in points}) == len(points)
    assert {(p.figure, p.profile) for p in points} <= {(figure, profile)}
    assert points or figure == "fig1"


def test_the_papers_own_choices_leave_no_trace_in_the_id() -> None:
    """Ids of points computed before these settings existed: shipped results keep their names."""
    assert PLAIN.point_id == "478029b61d73"
    assert DYNAMICS.point_id == "da314a836f42"


@pytest.mark.parametrize("figure", [name for name in experiments.names() if name != "fig1"])
def test_better_profiles_have_every_point_that_quick_requires(figure: str) -> None:
    module = experiments.load(figure)
    quick = {(p.panel, p.label) for p in module.points("quick")}
    for profile in ("workstation", "paper"):
        missing = quick - {(p.panel, p.label) for p in module.points(profile)}
        assert not missing, profile


def test_figures_share_what_is_the_same_computation() -> None:
    ids = {name: {p.point_id for p in experiments.load(name).points("paper")} for name in experiments.names()}
    assert ids["figS1"] < ids["fig4"]
    longer = {p.change(t_end=8.0).point_id for p in experiments.load("fig2").points("paper")}
    assert len(longer & ids["fig4"]) == 2  # Fig. 4's evolutions go on where Fig. 2's have ended
    assert len(ids["figS5"] & ids["fig3"]) == 1
    assert ids["figS2"] < ids["fig3"] | ids["fig4"] | ids["ledger"]
    assert len(ids["figS2"] & (ids["fig3"] | ids["fig4"])) == 2


def _fig4(profile: str, panel: str | None = None, **settings: Any) -> list[Listed]:
    points = experiments.load("fig4").points(profile)
    return [p for p in points if settings.items() <= p.settings.items() and panel in (None, p.panel)]


def _over(name: str, listed: list[Listed]) -> list[Any]:
    return [p.settings[name] for p in listed]


def test_fig4_paper_is_the_papers_grid() -> None:
    grid = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8]
    for layers, width in ((1, 32), (1, 64), (2, 32), (2, 64)):
        size = {"layers": layers, "width": width, "method": "variational"}
        assert _over("Jy", _fig4("paper", "a", **size)) == grid
        assert _over("strings", _fig4("paper", "b", Jy=1.8, **size)) == ["0s", "1s", "2s", "4s", "8s"]
    for method in ("dynamics", "variational+dynamics"):
        assert _over("Jy", _fig4("paper", "a", layers=1, width=32, strings="0s", method=method)) == grid
    model = {"Jx": 0.9, "Jz": 1.0, "B": 0.0, "gamma": 1.0, "povm": "tetrahedral", "initial": "up", "rows": 3, "cols": 3}
    for point in _fig4("paper"):
        assert (model | {"n_samples": 12000, "norm": "none"}).items() <= point.settings.items()
        assert point.settings.get("tau", 0.008) == 0.008 and point.settings.get("iterations", 500) == 500


def test_fig4_quick_has_every_curve_family_on_the_papers_lattice() -> None:
    assert {(p.settings["rows"], p.settings["cols"]) for p in _fig4("quick")} == {(3, 3)}
    for method in ("variational", "dynamics", "variational+dynamics"):
        assert {1.0, 1.8} <= set(_over("Jy", _fig4("quick", "a", method=method)))
    assert set(_over("strings", _fig4("quick", "b"))) == {"0s", "1s", "2s", "4s", "8s"}
    assert len(set(_over("layers", _fig4("quick", "a")))) > 1
    exact = {leaves(point)["Jy"] for point in experiments.load("fig4").exact_line("quick")}
    assert exact == set(_over("Jy", _fig4("paper")))


METHODS = ("variational", "dynamics", "variational+dynamics", "projection", "collocation", "tdvp")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_samples", [None, 100])
def test_an_outcome_of_no_probability_at_the_start_is_refused_where_nothing_shows_what_becomes_of_it(
    method: str, n_samples: int | None
) -> None:
    # <down| 1 + sigma_z |down> = 0: the first direction of the tetrahedron points up
    settings: dict[str, Any] = {"method": method, "n_samples": n_samples, "povm": "tetrahedral"}
    point_of(**settings, initial="up")
    point_of(**settings | {"povm": "tetrahedral-cubic"}, initial="down")
    if n_samples is None and method in ("projection", "collocation"):
        point_of(**settings, initial="down")
        return
    with pytest.raises(InputError, match=r"outcome 0 of POVM tetrahedral .* expected povm tetrahedral-cubic"):
        point_of(**settings, initial="down")
    # the third element of 4-Pauli is |r><r| / 3
    with pytest.raises(InputError, match="outcome 2 of POVM pauli4"):
        point_of(**settings | {"povm": "pauli4"}, initial="left")
