"""The Containerfile, read: no builder runs where these tests do. Where hadolint is installed, it has nothing to say."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

import pytest

from tests.helpers.paths import ROOT
from tests.package.test_docs import make_targets

KNOWN = {"FROM", "RUN", "USER", "WORKDIR", "ARG", "ENV", "COPY", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of every line, comments left out and broken lines joined."""
    lines = [line for line in (ROOT / "Containerfile").read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def test_it_begins_with_a_fixed_python_of_no_named_registry() -> None:
    assert {word for word, _ in instructions()} <= KNOWN
    image = dict(instructions())["FROM"]
    assert re.fullmatch(r"python:3\.11-[a-z-]+", image)


def test_what_it_copies_is_there_and_what_it_makes_too() -> None:
    for word, rest in instructions():
        if word == "COPY":
            *sources, _ = [part for part in rest.split() if not part.startswith("--")]
            assert all((ROOT / source).exists() for source in sources), rest
        if word == "RUN":
            for command in rest.split("&&"):
                name, *targets = shlex.split(command)
                assert name != "make" or set(targets) <= make_targets(), command
    assert dict(instructions())["CMD"] == '["make", "fig1"]'


def test_what_it_copies_first_is_all_that_make_setup_reads() -> None:
    """The setup of this list alone was run by hand; here it stays the list of what that step needs."""
    [first] = [rest for word, rest in instructions() if word == "COPY" and "pyproject.toml" in rest]
    needed = {"pyproject.toml", "constraints.txt", "Makefile"}
    pyproject = (ROOT / "pyproject.toml").read_text()
    needed |= {name for name in ("README.md", "LICENSE") if name in pyproject}
    assert needed <= set(first.split())


def test_it_does_not_run_as_root() -> None:
    users = [rest for word, rest in instructions() if word == "USER"]
    assert users and users[-1] not in ("root", "0")


def test_what_is_computed_here_stays_outside() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".venv", "runs", "**/__pycache__"} <= set(ignored)
    assert not {"results", "repro", ".git"} & set(ignored)


@pytest.mark.skipif(not shutil.which("hadolint"), reason="hadolint is not installed")
def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(["hadolint", "Containerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
