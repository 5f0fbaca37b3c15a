"""What `import repro` offers by name: there, documented, on the site, and cheap to import."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

import repro
from tests.helpers.paths import ROOT

API = ROOT / "docs" / "api"
CLASSES = {"Lattice", "LindbladModel", "Povm", "Problem", "Solution", "State"}
PUBLIC = {*CLASSES, "chain", "graph", "load_state", "rectangle", "ring", "solve"}


def test_the_names_are_these() -> None:
    assert set(repro.__all__) == PUBLIC  # a name that goes is a new first number of the version


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(repro, name)
    assert found.__name__ == name
    assert len(inspect.getdoc(found) or "") > 30
    pages = " ".join(path.read_text() for path in API.glob("*.md"))
    home = found.__module__
    assert re.search(rf"^::: {re.escape(home)}(\.{name})?$", pages, re.MULTILINE), f"{home}.{name} is on no page"


def test_another_name_is_an_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="module 'repro' has no attribute 'solv'"):
        repro.solv  # type: ignore[attr-defined]  # noqa: B018


def test_importing_costs_nothing() -> None:
    script = "import sys, repro; print([m for m in ('torch', 'numpy', 'qutip', 'wandb', 'pandas') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


def test_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('qutip', 'wandb', 'tyro')));"
        "import repro; assert 'torch' not in sys.modules;"
        "from repro import solve, Problem; import repro.methods.module, repro.running.runner, repro.solver.solve"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=100)


def test_the_command_starts_without_lightning() -> None:
    """`repro --help`, a listing or a refusal then takes two seconds in place of five."""
    code = "import sys, repro.cli.main; assert not {'pytorch_lightning', 'qutip', 'wandb', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=100)
