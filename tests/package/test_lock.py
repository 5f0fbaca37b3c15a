"""The lock file says what the constraints say, for every package that a set-up takes, and names no place to get it."""

from __future__ import annotations

import re
from importlib import metadata

from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.helpers.paths import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; (.*?))?(?: \\)?$")
OF_OTHER_EXTRAS = {"mqt-yaqs", "netket", "jax", "jaxlib", "flax"}
"""Pinned for the extras rbm and rivals, which the lock does not have."""
NOT_PINNED = {"qsimcirq"}
"""Of the extra gates: what it needs would hold pinned versions back."""


def constraints() -> dict[str, str]:
    lines = [line.strip() for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines if line)}


def lock() -> dict[str, tuple[str, str]]:
    """Name -> (version, marker)."""
    found = (PIN.match(line) for line in (ROOT / "requirements.lock").read_text().splitlines())
    return {canonicalize_name(pin[1]): (pin[2], pin[3] or "") for pin in found if pin}


def needed(requirement: str, extras: frozenset[str] = frozenset()) -> dict[str, str]:
    """What this environment has installed for a requirement, and for what that needs: name -> version."""
    todo, found = [(canonicalize_name(requirement), extras)], {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        name, wanted = todo.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        found[name] = metadata.version(name)
        for line in metadata.requires(name) or []:
            each = Requirement(line)
            environments = [default_environment() | {"extra": extra} for extra in ("", *wanted)]
            if each.marker is None or any(each.marker.evaluate(one) for one in environments):
                todo.append((canonicalize_name(each.name), frozenset(each.extras)))
    return found


def test_both_have_the_same_versions() -> None:
    pinned, locked = constraints(), lock()
    assert {name for name in pinned if name not in locked} == OF_OTHER_EXTRAS
    assert {name: locked[name][0] for name in pinned if name in locked} == {
        name: version for name, version in pinned.items() if name in locked
    }


def test_what_the_lock_has_beyond_them_is_of_other_systems() -> None:
    """CUDA for torch on Linux, and what macOS and PyPy take: not what these constraints were computed with."""
    beyond = {name: marker for name, (_, marker) in lock().items() if name not in constraints()}
    assert all(re.search("sys_platform|implementation_name", marker) for marker in beyond.values())
    on_windows = default_environment() | {"sys_platform": "win32", "implementation_name": "cpython"}
    assert not [name for name, marker in beyond.items() if Marker(marker).evaluate(on_windows)]


def test_everything_that_a_set_up_takes_is_locked() -> None:
    """Found another way: from the metadata of what is installed here, beginning with the project and its extra dev."""
    installed = needed("repro-povm", frozenset({"dev"}))
    del installed["repro-povm"]
    assert len(installed) > 100
    locked = lock()
    assert {name for name in installed if name not in locked} <= {"pip", "setuptools"}
    direct = {canonicalize_name(Requirement(line).name) for line in metadata.requires("repro-povm") or []}
    assert direct - OF_OTHER_EXTRAS - NOT_PINNED - {"repro-povm"} <= set(locked)


def test_every_package_has_its_hashes_and_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    blocks = re.split(r"^(?=[A-Za-z0-9])", "\n".join(line for line in text.splitlines() if line[:1] != "#"), flags=re.M)
    assert len([block for block in blocks if block.strip()]) == len(lock()) > 140
    assert all(re.search("--hash=sha256:[0-9a-f]{64}", block) for block in blocks if block.strip())


def test_the_versions_suit_pyproject_and_every_python_that_is_named() -> None:
    locked = lock()
    for line in metadata.requires("repro-povm") or []:
        each = Requirement(line)
        name = canonicalize_name(each.name)
        if name in locked:
            assert each.specifier.contains(locked[name][0], prereleases=True), line
    for minor in ("3.11", "3.12", "3.13"):
        here = default_environment() | {"python_version": minor, "python_full_version": f"{minor}.0"}
        assert {name for name, (_, marker) in locked.items() if not marker or Marker(marker).evaluate(here)} >= {
            "torch",
            "numpy",
            "pytest",
        }
