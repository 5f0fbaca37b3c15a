"""Provenance: the commit of a checkout, clean or changed, and nothing that names the machine."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from repro.utils.provenance import provenance
from tests.helpers.paths import ROOT

# What `commit` needs of the package.
FILES = ("__init__.py", *(f"utils/{name}.py" for name in ("__init__", "errors", "paths", "provenance")))


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit_seen_from(folder: Path) -> str:
    """`commit()` of the copy of the source in `folder`, in a process of its own: it is cached."""
    code = "from repro.utils.provenance import commit; print(commit())"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    package = tmp_path / "copy" / "repro"
    (package / "utils").mkdir(parents=True)
    for name in FILES:
        shutil.copy(ROOT / "repro" / name, package / name)
    return package.parent


def test_commit_of_a_clean_and_of_a_changed_checkout(copy: Path) -> None:
    git(copy, "init", "-q")
    git(copy, "add", *(f"repro/{name}" for name in FILES))
    git(copy, "commit", "-qm", "first")
    git(copy, "tag", "v1")
    head = git(copy, "rev-parse", "HEAD").strip()[:12]
    (copy / "untracked").write_text("")
    assert commit_seen_from(copy) == head
    (copy / "repro" / "__init__.py").write_text("changed = True\n")
    assert commit_seen_from(copy) == f"{head}-dirty"


def test_commit_is_unknown_outside_a_checkout_and_inside_another_project(copy: Path) -> None:
    assert commit_seen_from(copy) == "unknown"
    git(copy.parent, "init", "-q")
    git(copy.parent, "commit", "-qm", "another project", "--allow-empty")
    assert commit_seen_from(copy) == "unknown"


def test_provenance_names_neither_the_machine_nor_a_path() -> None:
    facts = provenance()
    assert {"commit", "python", "torch", "pytorch_lightning", "device"} <= facts.keys()
    assert all(isinstance(value, str) and value for value in facts.values())
    text = " ".join(facts.values())
    assert socket.gethostname() not in text and str(ROOT) not in text


def test_versions_are_those_imported() -> None:
    import pytorch_lightning
    import torch

    found = provenance()
    assert found["pytorch_lightning"] == pytorch_lightning.__version__
    # a build with CUDA calls itself 2.13.0+cu130 where its package is 2.13.0
    assert found["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
