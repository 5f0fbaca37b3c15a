"""Which points a command is about: those of a figure's profile that it names, with the settings that it changes."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import tyro

from repro.config.listed import Listed, profile_of
from repro.config.point import Point
from repro.config.settings import all_leaves, applicable
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
    module = experiments().load(figure)
    profile = profile_of(profile)
    listed = module.points(profile)
    for pattern in only:
        if not any(_matches(point, pattern) for point in listed):
            listing = f"repro run {figure} --profile {profile} --list"
            raise InputError(f"no point of {figure} ({profile}) matches '{pattern}'; what there is: {listing}")
    changes = changes_of(overrides)
    if changes and not listed:
        raise InputError(f"{figure} ({profile}) has no points: there is no {min(changes)} to change")
    chosen = [point for point in listed if not only or any(_matches(point, pattern) for pattern in only)]
    for_each = [applicable(point.point, changes) for point in chosen]
    if set(changes) - set().union(*for_each):
        chosen[0].change(**changes)  # says which it does not have
    changed = [point.change(**those) for point, those in zip(chosen, for_each, strict=True)]
    return tuple(dict.fromkeys(changed))


def _matches(listed: Listed, pattern: str) -> bool:
    names = (listed.label, f"{listed.panel}-{listed.label}", listed.point_id, listed.panel)
    return any(fnmatch.fnmatchcase(name, pattern) for name in names)
