"""Points: what identifies a computation, what is refused, and what the figures list."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

import experiments
from repro.config.point import Point, override
from repro.config.point_checks import PROFILES
from repro.utils.errors import InputError

DYNAMICS = Point(method="dynamics")


@pytest.mark.parametrize(
    ("point", "changes"),
    [
        (Point(), {"figure": "fig2", "panel": "b", "profile": "paper"}),
        (Point(), {"tau": 0.1, "t_end": 3.0, "step_iterations": 7, "step_factor": 0.5}),
        (Point(), {"V": 1.0, "g": 1.0}),
        (DYNAMICS, {"iterations": 7, "learning_rate": 0.5}),
        (Point(model="tfim"), {"Jx": 0.1, "Jy": 0.2, "Jz": 0.3, "B": 1.0}),
        (Point(lattice="ring", cols=4), {"rows": 1, "periodic": False}),
        (Point(Jy=1.0), {"Jy": 1, "B": -0.0}),
    ],
)
def test_what_changes_no_number_changes_no_id(point: Point, changes: dict[str, Any]) -> None:
    assert dataclasses.replace(point, **changes).point_id == point.point_id


@pytest.mark.parametrize(
    ("point", "changes"),
    [
        *((Point(), {name: value}) for name, value in {"Jx": 0.1, "Jy": 0.2, "Jz": 0.3, "B": 1.0}.items()),
        *((Point(), {name: value}) for name, value in {"rows": 2, "cols": 2, "periodic": False}.items()),
        *((Point(), {name: value}) for name, value in {"layers": 2, "width": 64, "heads": 2, "norm": "pre"}.items()),
        *((Point(), {name: value}) for name, value in {"strings": "8s", "seed": 1, "n_samples": 9}.items()),
        *((Point(), {name: value}) for name, value in {"iterations": 5, "learning_rate": 0.1, "gamma": 2.0}.items()),
        *((DYNAMICS, {name: value}) for name, value in {"tau": 0.1, "t_end": 3.0, "step_iterations": 7}.items()),
        (Point(), {"method": "dynamics"}),
        (DYNAMICS, {"method": "variational+dynamics"}),
        (DYNAMICS, {"method": "projection"}),
        (dataclasses.replace(DYNAMICS, method="projection"), {"method": "collocation"}),
        (Point(), {"povm": "pauli4"}),
        (Point(), {"initial": "down"}),
        (Point(model="tfim"), {"g": 1.0}),
    ],
)
def test_what_changes_the_numbers_changes_the_id(point: Point, changes: dict[str, Any]) -> None:
    assert dataclasses.replace(point, **changes).point_id != point.point_id


# A changed value of every field, so that a new one cannot be left out of the hash unnoticed.
CHANGED: dict[str, Any] = (
    {"lattice": "chain", "rows": 2, "cols": 2, "periodic": False, "model": "tfim", "povm": "pauli4"}
    | {"Jx": 0.1, "Jy": 0.2, "Jz": 0.3, "B": 1.0, "V": 1.0, "g": 1.0, "gamma": 2.0, "initial": "down"}
    | {"layers": 2, "width": 64, "heads": 2, "feedforward": 8, "norm": "pre", "strings": "8s"}
    | {"positions": "learned", "dense_output": 4, "hilbert_schmidt": 0.5, "reuse": 4}
    | {"method": "dynamics", "estimator": "naive", "n_samples": 9, "iterations": 5, "learning_rate": 0.1}
    | {"tau": 0.1, "t_end": 3.0, "step_iterations": 7, "first_steps": 3, "first_iterations": 9}
    | {"step_learning_rate": 0.1, "step_decay": "exponential", "step_factor": 0.5, "step_at": 0.5, "seed": 1}
    | {"sampling": "unmasked", "objective": "interpolated", "mixing": 0.5, "mixing_time": 2.0}
)
HEISENBERG = Point(method="variational+dynamics", n_samples=5, first_steps=2, first_iterations=8)
NAMES = [f.name for f in dataclasses.fields(Point) if f.name not in ("figure", "panel", "profile")]


@pytest.mark.parametrize("name", NAMES)
def test_every_field_that_is_used_is_in_the_id(name: str) -> None:
    point = dataclasses.replace(HEISENBERG, model="tfim") if name in ("V", "g") else HEISENBERG
    if name in ("objective", "mixing", "mixing_time"):
        point = dataclasses.replace(HEISENBERG, method="dynamics")
    if name in ("dense_output", "hilbert_schmidt"):
        point = dataclasses.replace(HEISENBERG, method="projection", n_samples=0)
    if name == "reuse":
        point = dataclasses.replace(HEISENBERG, method="collocation")
    if name.startswith("mixing"):
        point = dataclasses.replace(point, objective="interpolated")
    assert dataclasses.replace(point, **{name: CHANGED[name]}).point_id != point.point_id


def test_every_field_says_what_it_is() -> None:
    assert all(f.metadata.get("help") for f in dataclasses.fields(Point))


@pytest.mark.parametrize(
    "changes",
    [
        *({name: value} for name in ("tau", "t_end", "learning_rate") for value in (0.0, -0.1, math.nan, math.inf)),
        *({name: math.nan} for name in ("Jx", "Jy", "Jz", "B", "V", "g", "gamma")),
        *({name: 0} for name in ("rows", "cols", "iterations", "step_iterations", "layers", "width")),
        *({name: -1} for name in ("n_samples", "seed", "first_steps", "gamma")),
        *({name: "nonsense"} for name in ("lattice", "model", "povm", "initial", "method", "estimator", "strings")),
        *({name: "nonsense"} for name in ("profile", "norm", "step_decay", "positions")),
        {"width": 31},
        {"heads": 3},
        {"lattice": "ring", "cols": 6, "strings": "8s"},
        {"estimator": "naive", "n_samples": 0},
        {"method": "projection", "hilbert_schmidt": -1.0},
        {"method": "collocation", "hilbert_schmidt": 1.0},
        {"method": "projection", "n_samples": 10, "hilbert_schmidt": 1.0},
        {"method": "collocation", "reuse": 0},
        {"method": "projection", "reuse": 2},
        {"objective": "nonsense"},
        {"objective": "sign", "method": "dynamics"},
        {"objective": "interpolated"},
        {"objective": "sign", "mixing": 1.1},
        {"sampling": "unmasked"},
        {"sampling": "unmasked", "estimator": "sampled", "n_samples": 10},
    ],
)
def test_a_bad_value_is_refused_in_one_line(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError) as error:
        override(Point(), changes)
    assert "\n" not in str(error.value)
    assert "expected" in str(error.value) or "use '0s'" in str(error.value)


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'layers'"):
        override(Point(), {"layer": 2})


def test_the_last_step_reaches_the_end() -> None:
    for tau, t_end in ((0.008, 5.0), (0.02, 5.0), (0.05, 1.0), (0.04, 5.0)):
        n = Point(tau=tau, t_end=t_end).n_steps
        assert 2 * tau * n >= t_end - 1e-9 > 2 * tau * (n - 1)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("figure", experiments.names())
def test_names_are_unique_within_a_panel(figure: str, profile: str) -> None:
    points = experiments.load(figure).points(profile)
    assert len({(p.panel, p.label) for p in points}) == len(points)
    assert {(p.figure, p.profile) for p in points} <= {(figure, profile)}
    assert points or figure == "fig1"


def test_the_papers_own_choices_leave_no_trace_in_the_id() -> None:
    """Ids of points computed before these fields existed: shipped results keep their names."""
    assert Point().point_id == "478029b61d73"
    assert DYNAMICS.point_id == "da314a836f42"


@pytest.mark.parametrize("figure", [name for name in experiments.names() if name != "fig1"])
def test_better_profiles_have_every_point_that_quick_requires(figure: str) -> None:
    module = experiments.load(figure)
    quick = {(p.panel, p.label) for p in module.points("quick")}
    for profile in ("desk", "paper"):
        missing = quick - {(p.panel, p.label) for p in module.points(profile)}
        assert not missing, profile


def test_figures_share_what_is_the_same_computation() -> None:
    ids = {name: {p.point_id for p in experiments.load(name).points("paper")} for name in experiments.names()}
    assert ids["figS1"] < ids["fig4"]
    longer = {dataclasses.replace(p, t_end=8.0).point_id for p in experiments.load("fig2").points("paper")}
    assert len(longer & ids["fig4"]) == 2  # Fig. 4's evolutions go on where Fig. 2's have ended
    assert len(ids["figS5"] & ids["fig3"]) == 1
    assert ids["figS2"] < ids["fig3"] | ids["fig4"]


def _fig4(profile: str, **fields: Any) -> list[Point]:
    points = experiments.load("fig4").points(profile)
    return [p for p in points if all(getattr(p, name) == value for name, value in fields.items())]


def test_fig4_paper_is_the_papers_grid() -> None:
    grid = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8]
    for layers, width in ((1, 32), (1, 64), (2, 32), (2, 64)):
        size = {"layers": layers, "width": width, "method": "variational"}
        assert [p.Jy for p in _fig4("paper", panel="a", **size)] == grid
        assert [p.strings for p in _fig4("paper", panel="b", Jy=1.8, **size)] == ["0s", "1s", "2s", "4s", "8s"]
    for method in ("dynamics", "variational+dynamics"):
        assert [p.Jy for p in _fig4("paper", panel="a", layers=1, width=32, strings="0s", method=method)] == grid
    for point in _fig4("paper"):
        model = (point.Jx, point.Jz, point.B, point.gamma, point.povm, point.initial, point.rows, point.cols)
        assert model == (0.9, 1.0, 0.0, 1.0, "tetrahedral", "up", 3, 3)
        assert (point.tau, point.n_samples, point.iterations, point.norm) == (0.008, 12000, 500, "none")


def test_fig4_quick_has_every_curve_family_on_the_papers_lattice() -> None:
    assert {(p.rows, p.cols) for p in _fig4("quick")} == {(3, 3)}
    for method in ("variational", "dynamics", "variational+dynamics"):
        assert {1.0, 1.8} <= {p.Jy for p in _fig4("quick", panel="a", method=method)}
    assert {p.strings for p in _fig4("quick", panel="b")} == {"0s", "1s", "2s", "4s", "8s"}
    assert len({p.layers for p in _fig4("quick", panel="a")}) > 1
    assert {p.Jy for p in experiments.load("fig4").exact_line("quick")} == {p.Jy for p in _fig4("paper")}
