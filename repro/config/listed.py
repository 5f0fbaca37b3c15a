"""Points as figures list them: where a point is shown and in which profile. Nothing here changes a number or an id."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from repro.config.point import Point, point_of
from repro.config.settings import change, leaves
from repro.utils.errors import unknown

PROFILES = ("smoke", "quick", "workstation", "paper")
BEST_FIRST = ("paper", "workstation", "quick")
"""Profiles that results are published of, that nearest the paper's settings first."""
CHANGED = "-changed"
"""End of the name of a folder with a figure of points whose settings a command has changed."""
OTHERS = "others"
"""Ending of a table of points at other settings, which is shipped beside the figure's own."""
OLD_PROFILES = {"desk": "workstation"}
"""Names that profiles had before; they are still read."""
LABELS = ("figure", "panel", "profile", "name")


def profile_of(name: str) -> str:
    """The profile of a name, old ones included.

    Raises:
        repro.utils.errors.InputError: none of that name.
    """
    known = OLD_PROFILES.get(name, name)
    if known not in PROFILES:
        raise unknown("profile", name, PROFILES)
    return known


def rank(profile: str) -> int:
    """How near a profile is to the paper's settings, 0 the nearest; those that are not published come last."""
    return BEST_FIRST.index(profile) if profile in BEST_FIRST else len(BEST_FIRST)


def full_name(panel: str, label: str) -> str:
    """A point's name within a figure from those of its panel, if any, and its own."""
    return f"{panel}-{label}" if panel else label


@dataclass(frozen=True)
class Listed:
    """A point in a list.

    Attributes:
        point: what is computed.
        figure, panel, profile: where it is shown, and how much of the figure is computed.
        name: how it is called, where the point's own label is not enough.
    """

    point: Point
    figure: str = ""
    panel: str = ""
    profile: str = "quick"
    name: str = ""

    def __post_init__(self) -> None:
        profile_of(self.profile)

    @property
    def label(self) -> str:
        """Short readable name, unique within a panel."""
        return self.name or self.point.label

    @property
    def full_name(self) -> str:
        """Panel and label, unique within a figure; as `--only` takes it."""
        return full_name(self.panel, self.label)

    @property
    def point_id(self) -> str:
        """The point's id."""
        return self.point.point_id

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The point's settings by name."""
        return leaves(self.point)

    def change(self, **changes: Any) -> Listed:
        """The same with some labels or settings changed.

        Raises:
            repro.utils.errors.InputError: as `repro.config.settings.change`.
        """
        labels = {name: value for name, value in changes.items() if name in LABELS}
        settings = {name: value for name, value in changes.items() if name not in LABELS}
        return dataclasses.replace(self, point=change(self.point, **settings) if settings else self.point, **labels)


def listed_of(**given: Any) -> Listed:
    """A listed point from labels and settings by name; see `repro.config.point.point_of`."""
    return Listed(point_of(**{name: value for name, value in given.items() if name not in LABELS})).change(
        **{name: value for name, value in given.items() if name in LABELS}
    )
