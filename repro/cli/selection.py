"""Which points a command is about: those of a figure's profile that it names, with the settings that it changes."""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import tyro

from repro.config.listed import Listed, profile_of
from repro.config.point import Point
from repro.config.settings import all_leaves, applicable, change, leaves
from repro.config.systems import System
from repro.utils.errors import InputError
from repro.utils.paths import experiments

EXACT = "exact"
"""What `--n-samples` takes for sums over all configurations."""
TYPES: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool, "int | None": int | Literal["exact"]}
METAVARS = {"str": "STR", "int": "INT", "float": "FLOAT", "bool": "{True,False}", "int | None": "INT|exact"}


def _override_type() -> type:
    """A dataclass with one optional option per setting that a point can have."""
    options: list[tuple[str, Any, Any]] = []
    for name, leaf in all_leaves(Point).items():
        kind = "str" if "choice" in leaf.metadata else str(leaf.type)
        text = leaf.metadata.get("text") or leaf.metadata["help"]
        option: Any = Annotated[TYPES[kind] | None, tyro.conf.arg(help=text, metavar=METAVARS[kind])]
        options.append((name, option, None))
    return dataclasses.make_dataclass("Overrides", options)


Overrides = _override_type()


def changes_of(overrides: Any) -> Mapping[str, Any]:
    """The settings that a command changes, by name."""
    given = {name: value for name, value in vars(overrides).items() if value is not None}
    return given | ({"n_samples": None} if given.get("n_samples") == EXACT else {})


def select_points(figure: str, profile: str, only: Sequence[str], overrides: Any) -> tuple[Listed, ...]:
    """A figure's points: those that `--only` names, each changed by the overrides whose settings it has.

    Raises:
        InputError: no such figure, profile or point, or a setting that no chosen point has.
    """
    return select_of_figures((figure,), profile, only, overrides)[figure]


def select_of_figures(
    figures: Sequence[str], profile: str, only: Sequence[str], overrides: Any
) -> dict[str, tuple[Listed, ...]]:
    """The points of each figure, as `select_points`; figures where nothing is named or changed are left out.

    Raises:
        InputError: no such figure or profile; a name that no figure's points have, a setting that no chosen point has.
    """
    profile = profile_of(profile)
    listed = {figure: experiments().load(figure).points(profile) for figure in figures}
    for pattern in only:
        if not any(_matches(point, pattern) for points in listed.values() for point in points):
            which, shown = (figures[0],) * 2 if len(figures) == 1 else ("any figure", "all")
            listing = f"repro run {shown} --profile {profile} --list"
            raise InputError(f"no point of {which} ({profile}) matches '{pattern}'; what there is: {listing}")
    if not only:
        return _changed(listed, profile, changes_of(overrides))
    chosen = {
        figure: [p for p in points if any(_matches(p, each) for each in only)] for figure, points in listed.items()
    }
    return _changed({figure: points for figure, points in chosen.items() if points}, profile, changes_of(overrides))


def exact_line_of(figure: str, profile: str, changes: Mapping[str, Any]) -> tuple[Point, ...]:
    """The points of a figure's exact line, of the model and lattice that a command changes them to.

    What the line goes over, a coupling that its points do not share, stays; points that the changes leave without a
    steady state are left out.
    """
    line = experiments().load(figure).exact_line(profile)
    of_system = {name: value for name, value in changes.items() if name in all_leaves(System)}
    over = {name for name in of_system if len({leaves(point).get(name) for point in line}) > 1}
    of_system = {name: value for name, value in of_system.items() if name not in over}
    found = []
    for point in line if of_system else ():
        with contextlib.suppress(InputError):
            found.append(change(point, **applicable(point, of_system)))
    return tuple(dict.fromkeys(found)) if of_system else line


def _changed(
    chosen: Mapping[str, Sequence[Listed]], profile: str, changes: Mapping[str, Any]
) -> dict[str, tuple[Listed, ...]]:
    """Every figure's points, each with those changes whose settings it has; figures without one are left out."""
    for_each = {figure: [applicable(point.point, changes) for point in points] for figure, points in chosen.items()}
    had = {figure: set[str]().union(*those) for figure, those in for_each.items()}
    if missing := set(changes) - set().union(*had.values()):
        points = [point for of_figure in chosen.values() for point in of_figure]
        if not points:
            raise InputError(f"{', '.join(chosen)} ({profile}) has no points: there is no {min(changes)} to change")
        known = applicable(points[0].point, changes)
        points[0].change(**{name: changes[name] for name in changes if name in missing or name in known})  # says it
    return {
        figure: tuple(dict.fromkeys(p.change(**its) for p, its in zip(points, for_each[figure], strict=True)))
        for figure, points in chosen.items()
        if had[figure] or not changes
    }


def _matches(listed: Listed, pattern: str) -> bool:
    names = (listed.label, f"{listed.panel}-{listed.label}", listed.point_id, listed.panel)
    return any(fnmatch.fnmatchcase(name, pattern) for name in names)
