"""The states that are shipped: which there are, by figure and name, and `load_state`.

`results/states/<point id>.safetensors` holds the last weights of one point, whichever figures show it;
`results/<figure>.json` says how they call it.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.config.listed import LABELS, full_name
from repro.utils.errors import InputError, unknown
from repro.utils.files import check_folder
from repro.utils.paths import RESULTS
from repro.utils.point_settings import damaged, read_points
from repro.utils.validation import check_text, shorten

if TYPE_CHECKING:
    from repro.states.state import State

FOLDER = "states"
ENDING = ".safetensors"
MOST_NAMED = 8


@dataclass(frozen=True)
class ShippedPoint:
    """A point of a shipped table.

    Attributes:
        figure: its table, such as "fig4", or "fig4_others" for evolutions at other settings.
        panel, label, profile, point_id: how the table calls it.
        settings: every setting by name.
        path: where its state is, or would be.
    """

    figure: str
    panel: str
    label: str
    profile: str
    point_id: str
    settings: Mapping[str, Any]
    path: Path

    @property
    def name(self) -> str:
        """Panel and label, which `load_state` takes."""
        return full_name(self.panel, self.label)

    @property
    def has_state(self) -> bool:
        """Whether its weights are shipped."""
        return self.path.is_file()

    def called(self, pattern: str) -> bool:
        """Whether a name, or a pattern of names, means this point."""
        names = (self.label, f"{self.panel}-{self.label}", self.name, self.point_id)
        return any(fnmatch.fnmatchcase(name, pattern) for name in names)


def figures(results: Path = RESULTS) -> tuple[str, ...]:
    """Shipped tables that have points."""
    paths = [path for path in sorted(results.glob("*.json")) if read_points(path, needed=False)]
    if not paths:
        raise InputError(
            f"no shipped tables in '{results}': the trained states are in a checkout of the project, not in the "
            "installed package"
        )
    return tuple(path.stem for path in paths)


def shipped_points(figure: str, results: Path = RESULTS) -> tuple[ShippedPoint, ...]:
    """Points of a shipped table, those without a state too.

    Raises:
        InputError: no such table, or a damaged list of settings.
    """
    known = figures(results)
    if check_text("figure", figure) not in known:
        raise unknown("figure", figure, known)
    path = results / f"{figure}.json"
    try:
        return described_points(figure, read_points(path), results)
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged(path) from error


def described_points(figure: str, described: Iterable[Mapping[str, Any]], results: Path) -> tuple[ShippedPoint, ...]:
    """Points of a table from their settings and labels, as `<figure>.json` has them."""
    return tuple(_point(figure, each, results) for each in described)


def load_state(figure: str, name: str, results: Path | str = RESULTS) -> State:
    """The trained state of a shipped point: a distribution to draw from, and any Pauli string's mean.

        p(a) = p_theta(a) with the last weights theta,   rho = sum_a p(a) N^(a).

    Of an evolution it is the state at its last time, whose means are the table's last rows before t = inf (those
    average the last fifth); of a search it is what the table's rows at t = inf have.

    Example:
        ```python
        import repro

        state = repro.load_state("fig4", "dyn-1x32-0s-Jy1.8")
        print(state.mean("Z"), state.mean("Z0 Z1"), state.smallest_eigenvalue())
        ```

    Args:
        figure: a shipped table, such as "fig4" (`repro states` lists them).
        name: of a point, as `--only` takes it: label, panel and label, id, or a pattern that one point matches.
        results: folder of shipped results.

    Raises:
        InputError: no such figure, no point or several of that name, a state that is not shipped or is damaged.
    """
    from repro.states.state_file import read_state

    if not isinstance(results, str | os.PathLike):
        raise InputError(f"results = {shorten(results)}: expected a folder")
    check_folder(folder := Path(results))
    points = shipped_points(figure, folder)
    found = {each.point_id: each for each in points if each.called(check_text("name", name))}
    if not found:
        raise _none_of_that_name(figure, name, points)
    if len(found) > 1:
        raise InputError(f"{len(found)} points of {figure} match {shorten(name)}: {_few(found.values())}; expected one")
    [point] = found.values()
    if not point.has_state:
        raise InputError(
            f"the state of {point.name} ({figure}) is not shipped: its weights were not kept; "
            f"repro states {figure} lists those that are"
        )
    state = read_state(point.path)
    if state.point.point_id != point.point_id:
        raise InputError(
            f"state '{point.path}': it is that of point {state.point.point_id}, not {point.point_id} ({point.name}); "
            "take it from the repository again"
        )
    return state


def _none_of_that_name(figure: str, name: str, points: Sequence[ShippedPoint]) -> InputError:
    nearest = difflib.get_close_matches(name, [text for each in points for text in (each.name, each.label)], n=3)
    hint = f"; did you mean {' or '.join(repr(each) for each in nearest)}?" if nearest else ""
    return InputError(f"no point of {figure} matches {shorten(name)}{hint} (repro states {figure} lists what there is)")


def _few(points: Iterable[ShippedPoint]) -> str:
    names = [each.name for each in points]
    return ", ".join(names[:MOST_NAMED]) + (" ..." if len(names) > MOST_NAMED else "")


def _point(figure: str, given: Mapping[str, Any], results: Path) -> ShippedPoint:
    settings = {key: value for key, value in given.items() if key not in (*LABELS, "label", "point_id")}
    names = {key: given[key] for key in ("panel", "label", "profile", "point_id")}
    if not all(isinstance(name, str) for name in names.values()):
        raise TypeError
    path = results / FOLDER / f"{names['point_id']}{ENDING}"
    return ShippedPoint(figure, **names, settings=settings, path=path)
