"""The house: rooms one above the other, imports that point one way, folders and files that fit in the head."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

ROOMS = (
    *("utils", "physics", "ansatz", "config", "methods", "references"),
    *("running", "states", "claims", "reporting", "solver", "dashboard", "cli"),
)
"""From the ground up: a room may import those before it."""
PACKAGE = ROOT / "repro"
MOST_FILES, MOST_LINES = 20, 250


def imported(source: str) -> Iterator[str]:
    """Dotted names of everything that a file imports: at the top, in functions, under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden(room: str, source: str) -> list[str]:
    """What a file of a room must not import: rooms above its own, the package itself, experiments and figures."""
    allowed = ROOMS[: ROOMS.index(room) + 1]
    ours = [name.split(".") for name in imported(source) if name.split(".")[0] in ("repro", "experiments", "figures")]
    return [".".join(parts) for parts in ours if parts[0] != "repro" or parts[1] not in (*allowed, "__version__")]


def files(room: str) -> list[Path]:
    return sorted((PACKAGE / room).glob("*.py"))


def test_the_rooms_are_these() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(ROOMS)
    assert len([path for path in PACKAGE.iterdir() if path.is_file()]) <= 3


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_to_rooms_below(room: str) -> None:
    assert {path.name: found for path in files(room) if (found := forbidden(room, path.read_text()))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from repro.running import launch",
        "def f():\n    import repro.running.launch",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from repro.running.launch import Display",
        "import experiments.fig4",
        "from figures import style",
        "from repro import solve",
    ],
)
def test_an_import_that_points_up_is_seen(line: str) -> None:
    assert forbidden("methods", line)
    assert not forbidden("methods", "from repro.physics import lattice\nfrom repro.methods import losses")


def module(dotted: str) -> Path | None:
    """The file behind a dotted name, or behind the longest part of it that is one."""
    parts = dotted.split(".")
    paths = (ROOT.joinpath(*parts[:n]).with_suffix(".py") for n in range(len(parts), 1, -1))
    return next((path for path in paths if path.exists()), None)


def test_no_two_files_import_each_other() -> None:
    """Round a circle of any length, also in functions and under TYPE_CHECKING."""
    every = [path for room in ROOMS for path in files(room)]
    below = {path: {found for name in imported(path.read_text()) if (found := module(name))} for path in every}
    assert PACKAGE / "config/evolution.py" in below[PACKAGE / "config/method.py"]
    graphlib.TopologicalSorter(below).prepare()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_lives_in_it(room: str) -> None:
    text = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text()))
    assert text and "import" in text
    if room != "claims":
        assert len(ast.parse((PACKAGE / room / "__init__.py").read_text()).body) == 1, "a docstring and nothing else"


def tracked_folders() -> list[Path]:
    """Folders of Python files in the checkout."""
    tops = ("repro", "experiments", "figures", "tests", "benchmarks", "examples")
    return sorted({path.parent for top in tops for path in (ROOT / top).rglob("*.py")})


@pytest.mark.parametrize("folder", tracked_folders(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_folder_is_crowded_and_no_file_is_long(folder: Path) -> None:
    modules = list(folder.glob("*.py"))
    assert len(modules) <= MOST_FILES
    if folder.relative_to(ROOT).parts[0] in ("repro", "experiments", "figures"):
        long = {path.name: n for path in modules if (n := len(path.read_text().splitlines())) > MOST_LINES}
        assert not long
