"""The shipped states: every mean of a shipped table follows from its shipped weights; names; what is not there."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import qutip

import repro
from repro.physics.povm import Povm
from repro.states.shipped import figures, shipped_points
from repro.utils.errors import InputError
from tests.helpers.paths import ROOT

RESULTS = ROOT / "results"
MOST_BYTES = 10_000_000
MOST_SITES = 10
PAULIS = {"x": qutip.sigmax().full(), "y": qutip.sigmay().full(), "z": qutip.sigmaz().full()}


@cache
def table(figure: str) -> pd.DataFrame:
    """A shipped table, read without the package."""
    parts = [path for path in RESULTS.glob(f"{figure}*.csv") if path.name.split(".")[0] == figure]
    return pd.concat([pd.read_csv(path) for path in parts])


def last_rows(figure: str, point_id: str) -> pd.DataFrame:
    """Rows of a point's last state, by observable; rows at t = inf of evolutions are averages of the last fifth."""
    rows = table(figure)
    rows = rows[rows["point_id"] == point_id]
    times = rows["t"][~np.isinf(rows["t"])]
    return (
        rows[rows["t"] == (times.max() if len(times) else math.inf)]
        .drop_duplicates("observable")
        .set_index("observable")
    )


def to_rho(povm: Povm) -> np.ndarray:
    """What makes matrix elements of probabilities, shape (4, 4): the inverse of Tr(rho M_a) = p(a), one spin."""
    return np.linalg.inv(np.stack([element.T.ravel() for element in povm.frame]))


def rho_of(p: np.ndarray, povm: Povm) -> np.ndarray:
    """rho of an enumerated distribution, spin by spin, with no dual frame in it."""
    n, inverse = p.ndim, to_rho(povm)
    for site in range(n):
        p = np.moveaxis(np.tensordot(inverse, p, (1, site)), 0, site)
    p = p.reshape((2,) * (2 * n))
    return p.transpose([*range(0, 2 * n, 2), *range(1, 2 * n, 2)]).reshape(2**n, 2**n)


def pauli_averages(p: np.ndarray, povm: Povm) -> dict[str, float]:
    """Site averages from the states of single spins."""
    singles = [p.sum(tuple(other for other in range(p.ndim) if other != site)) for site in range(p.ndim)]
    rhos = [(to_rho(povm) @ single).reshape(2, 2) for single in singles]
    return {f"sigma_{axis}": float(np.mean([np.trace(r @ m).real for r in rhos])) for axis, m in PAULIS.items()}


NAMED = [each for figure in figures() for each in shipped_points(figure) if each.has_state]
STATES = {each.point_id: each for each in NAMED}


def test_there_are_some_and_they_are_small() -> None:
    assert len(STATES) >= 80
    assert sum(each.path.stat().st_size for each in STATES.values()) <= MOST_BYTES


def test_every_file_is_of_a_shipped_point() -> None:
    assert {path.stem for path in (RESULTS / "states").iterdir()} == set(STATES)


def test_every_shipped_mean_follows_from_the_shipped_weights() -> None:
    checked = 0
    for each in NAMED:  # of every figure that shows it
        state = repro.load_state(each.figure, each.point_id)
        assert each.settings.items() <= state.settings.items()
        if state.n_sites > MOST_SITES:
            continue
        rows = last_rows(each.figure, each.point_id)
        assert re.fullmatch("[0-9a-f]{12}", state.commit)
        assert math.isinf(rows["t"].iloc[0]) if math.isinf(state.t) else rows["t"].iloc[0] == pytest.approx(state.t)
        p, povm = state.probabilities().double().numpy(), state.point.povm
        prefix = "scored_" if "scored_sigma_z" in rows.index else ""
        for name, mean in pauli_averages(p, povm).items():
            row = rows.loc[prefix + name]
            assert mean == pytest.approx(row["mean"], abs=1e-6 + 6 * row["error"]), (each.name, name)
            assert state.mean(name[-1].upper()) == pytest.approx(mean, abs=1e-9)
        checked += 1
    assert checked >= 80


@pytest.mark.parametrize("name", ["dyn-1x32-0s-Jy1.8", "var-1x32-0s-Jy1.8", "var+dyn-1x32-0s-Jy1.8"])
def test_more_than_the_table_has_follows_too(name: str) -> None:
    """Two-site means, purity and spectrum from a dense rho; the smallest eigenvalue is in the table."""
    state = repro.load_state("fig4", name)
    rho = rho_of(state.probabilities().double().numpy(), state.point.povm)
    zz = qutip.tensor([qutip.sigmaz() if site in (0, 1) else qutip.qeye(2) for site in range(9)]).full()
    assert state.mean("Z0 Z1") == pytest.approx(np.trace(rho @ zz).real, abs=1e-8)
    assert state.purity() == pytest.approx(np.trace(rho @ rho).real, abs=1e-8)
    smallest = np.linalg.eigvalsh(rho)[0]
    assert state.smallest_eigenvalue() == pytest.approx(smallest, abs=1e-8)
    assert last_rows("fig4", state.point.point_id)["smallest_eigenvalue"].iloc[0] == pytest.approx(smallest, abs=1e-6)


def test_the_example_is_quick_and_equal_to_the_table() -> None:
    code = "import repro; s = repro.load_state('fig4', 'dyn-1x32-0s-Jy1.8'); print(s.mean('Z'), s.mean('Z0 Z1'))"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)  # files in memory
    start = time.process_time(), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert time.perf_counter() - start[1] < 20, "two seconds of one core; a busy machine takes longer"
    z, zz = map(float, done.stdout.split())
    [point] = [each for each in shipped_points("fig4") if each.label == "dyn-1x32-0s-Jy1.8"]
    assert z == pytest.approx(last_rows("fig4", point.point_id).loc["sigma_z", "mean"], abs=1e-6)
    assert -1 <= zz <= 1


def test_it_takes_no_lightning_and_no_qutip() -> None:
    code = (
        "import sys, repro; repro.load_state('fig4', 'dyn-1x32-0s-Jy1.8').mean('Z');"
        "assert not {'pytorch_lightning', 'lightning_fabric', 'qutip', 'wandb', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=100)


def test_names_are_those_of_only() -> None:
    state = repro.load_state("fig4", "dyn-1x32-0s-Jy1.8")
    for name in ("a-dyn-1x32-0s-Jy1.8", "a-dyn*Jy1.8", state.point.point_id):
        assert repro.load_state("fig4", name).point == state.point
    assert repro.load_state("fig4", "var-1x32-0s-Jy1.8").point.label == "var-1x32-0s-Jy1.8", "in two panels, one point"


@pytest.mark.parametrize(
    ("figure", "name", "message"),
    [
        ("fig5", "x", "unknown figure 'fig5'; did you mean"),
        ("fig4", "dyn*", "9 points of fig4 match 'dyn.*': a-dyn-1x32-0s-Jy1.0, a-dyn.*; expected one"),
        (
            "fig4",
            "dyn-1x32-0s-Jy1.9",
            "no point of fig4 matches .*; did you mean '.*dyn-1x32-0s-Jy1.8'.*repro states fig4",
        ),
        ("fig4", "nothing like it", r"no point of fig4 matches 'nothing like it' \(repro states fig4"),
        ("methods", "fast-proj-1x32-N8-Jy0.0-seed1", "the state of fast-proj-1x32-N8-Jy0.0-seed1 .*not shipped"),
        ("fig4", 3, "name = 3: expected a name"),
        (None, "x", "figure = None: expected a name"),
    ],
)
def test_other_names_are_one_line(figure: object, name: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        repro.load_state(figure, name)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("results", [3, None, ["results"]])
def test_results_that_are_no_folder_are_one_line(results: object) -> None:
    with pytest.raises(InputError, match=r"results = .*: expected a folder"):
        repro.load_state("fig4", "dyn-1x32-0s-Jy1.8", results=results)  # type: ignore[arg-type]


def test_without_shipped_results_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no shipped tables in .*checkout"):
        repro.load_state("fig4", "x", tmp_path)
    (tmp_path / "fig4.json").write_text("[")
    with pytest.raises(InputError, match=r"fig4.json: expected an object with a list 'points'"):
        repro.load_state("fig4", "x", tmp_path)
    named = {"panel": "a", "label": "x", "profile": "quick", "point_id": "012345678901"}
    for point in ({}, *(named | {key: None} for key in named)):
        (tmp_path / "fig4.json").write_text(json.dumps({"points": [point]}))
        with pytest.raises(InputError, match=r"fig4.json: expected an object with a list 'points'"):
            repro.load_state("fig4", "x", tmp_path)


def test_the_state_of_another_point_is_refused(tmp_path: Path) -> None:
    """A file that was copied over another's is whole in itself."""
    shutil.copytree(RESULTS / "states", tmp_path / "states")
    for path in RESULTS.glob("fig4*"):
        if path.is_file():
            shutil.copy(path, tmp_path)
    search, evolution = (repro.load_state("fig4", name).point.point_id for name in NAMES)
    shutil.copy(tmp_path / "states" / f"{search}.safetensors", tmp_path / "states" / f"{evolution}.safetensors")
    with pytest.raises(InputError, match=f"it is that of point {search}"):
        repro.load_state("fig4", NAMES[1], tmp_path)
    assert repro.load_state("fig4", NAMES[0], tmp_path).point.point_id == search


NAMES = ("b-var-1x32-0s-Jy1.8", "a-dyn-1x32-0s-Jy1.8")
