"""Which points a command is about: those of a figure's profile that it names, with the fields that it changes."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Sequence
from typing import Annotated, Any

import tyro

from repro.cli.argument_checks import check_profile
from repro.config.point import Point, override
from repro.utils.errors import InputError
from repro.utils.paths import experiments


def _override_type() -> type:
    """A dataclass with one optional option per field of a point."""
    types = {"str": str, "int": int, "float": float, "bool": bool}
    fields: list[tuple[str, Any, Any]] = []
    for f in dataclasses.fields(Point):
        if f.name not in ("figure", "panel", "profile"):
            kind = types[str(f.type)]
            metavar = "{True,False}" if kind is bool else kind.__name__.upper()
            option = Annotated[kind | None, tyro.conf.arg(help=f.metadata["help"], metavar=metavar)]  # type: ignore[valid-type]
            fields.append((f.name, option, None))
    return dataclasses.make_dataclass("Overrides", fields)


Overrides = _override_type()


def select_points(figure: str, profile: str, only: Sequence[str], overrides: Any) -> tuple[Point, ...]:
    """A figure's points: those that `--only` names, then changed by the overrides."""
    module = experiments().load(figure)
    check_profile(profile)
    listed = module.points(profile)
    for pattern in only:
        if not any(_matches(point, pattern) for point in listed):
            listing = f"repro run {figure} --profile {profile} --list"
            raise InputError(f"no point of {figure} ({profile}) matches '{pattern}'; what there is: {listing}")
    changes = {name: value for name, value in vars(overrides).items() if value is not None}
    if changes and not listed:
        raise InputError(f"{figure} ({profile}) has no points: there is no {min(changes)} to change")
    chosen = [point for point in listed if not only or any(_matches(point, pattern) for pattern in only)]
    return tuple(dict.fromkeys(override(point, changes) for point in chosen))


def _matches(point: Point, pattern: str) -> bool:
    names = (point.label, f"{point.panel}-{point.label}", point.point_id, point.panel)
    return any(fnmatch.fnmatchcase(name, pattern) for name in names)
