"""Lists of resolved settings: `<figure>.json` of the shipped results, `settings.json` of runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from repro.utils.errors import InputError

POINTS = "points"
EXPECTED = f"expected an object with a list '{POINTS}' of resolved settings"


def read_points(path: Path, needed: bool = True) -> list[dict[str, Any]]:
    """Resolved settings of every point of a list.

    Args:
        path: the list.
        needed: refuse an object without points; else it has none.

    Raises:
        InputError: a file that cannot be read, or is no list of settings.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error.strerror or error}") from error
    except ValueError as error:
        raise damaged(path) from error
    points = found.get(POINTS, None if needed else []) if isinstance(found, dict) else None
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise damaged(path)
    return points


def damaged(path: Path) -> InputError:
    """What to raise for a list that lacks what is needed."""
    return InputError(f"{path}: {EXPECTED}")
