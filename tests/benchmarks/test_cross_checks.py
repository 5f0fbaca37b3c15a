"""The checks of docs/frontier.md that need no exact value: by QuTiP where there is one, and on made-up curves."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import qutip

import repro
from benchmarks import cross_checks
from benchmarks.cross_checks import MARKS, PAGE, WINDOWS, early, extrapolated, markdown, rates, sizes, slope
from repro.references.cache import Reference
from repro.states.shipped import shipped_points
from repro.utils.pages import between_marks
from repro.utils.paths import RESULTS
from repro.utils.result_table import read_table
from tests.helpers.oracles import qutip_model
from tests.helpers.paths import ROOT
from tests.helpers.rows import row

NOTHING = Path("nowhere")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return read_table(RESULTS / "frontier.csv")


@pytest.fixture(scope="module")
def shipped() -> pd.DataFrame:
    return pd.read_csv(RESULTS / "frontier_rates.csv", dtype={"point_id": str})


def test_the_page_has_the_shipped_tables(table: pd.DataFrame, shipped: pd.DataFrame) -> None:
    page = (ROOT / PAGE).read_text()
    assert between_marks(page, MARKS, markdown(shipped, table, NOTHING)) == page


def test_every_shipped_state_that_is_no_control_has_its_rates(shipped: pd.DataFrame) -> None:
    points = [point for point in shipped_points("frontier") if point.has_state and "control" not in point.panel]
    assert sorted(shipped["point_id"]) == sorted(point.point_id for point in points)


def test_a_shipped_rate_is_a_trace_with_the_liouvillian(table: pd.DataFrame, shipped: pd.DataFrame) -> None:
    """3x3 at J_y = 1.8, by rho from the frame alone and QuTiP's commutators."""
    state = repro.load_state("frontier", "3x3-tdvp-1x32-0s-Jy1.8-8images-seed1")
    rho = qutip.Qobj(state_of_large(state), dims=[[2] * 9] * 2)
    hamiltonian, jumps = qutip_model(state.point.system.build_model())
    change = -1j * (hamiltonian * rho - rho * hamiltonian)
    for jump in jumps:
        change += jump * rho * jump.dag() - (jump.dag() * jump * rho + rho * jump.dag() * jump) / 2
    found = shipped[shipped["point_id"] == state.point.point_id].iloc[0]
    for axis, pauli in {"x": qutip.sigmax(), "y": qutip.sigmay(), "z": qutip.sigmaz()}.items():
        total = sum(qutip.expand_operator(pauli, [2] * 9, [site]) for site in range(9)) / 9
        assert found[f"sigma_{axis}_rate"] == pytest.approx((total * change).tr().real, abs=2e-6)
        assert found[f"sigma_{axis}"] == pytest.approx((total * rho).tr().real, abs=2e-6)
        assert found[f"sigma_{axis}_rate_error"] == 0
    again = rates(*_of(table, state.point.point_id), samples=2)
    assert again["sigma_z_rate"] == pytest.approx(found["sigma_z_rate"], abs=1e-6)


def _of(table: pd.DataFrame, point_id: str) -> tuple[object, pd.DataFrame]:
    [point] = [point for point in shipped_points("frontier") if point.point_id == point_id]
    return point, table[table["point_id"] == point_id]


def state_of_large(state: repro.State) -> np.ndarray:
    """rho of nine sites, a site at a time: the frame's inverse in place of the dual frame."""
    frame = np.stack([element.T.ravel() for element in state.point.povm.frame])
    p = state.probabilities().double().numpy().astype(complex)
    for site in range(9):
        p = np.moveaxis(np.tensordot(np.linalg.inv(frame), p, axes=(1, site)), 0, site)
    split = p.reshape((2, 2) * 9)
    return split.transpose([*range(0, 18, 2), *range(1, 18, 2)]).reshape(512, 512)


def test_the_slope_is_that_of_the_end() -> None:
    t = np.linspace(0, 5, 51)
    mean = np.where(t < 4, np.sin(9 * t), 2 - 0.3 * t)
    curve = pd.DataFrame([row(t=time, mean=value) for time, value in zip(t, mean, strict=True)])
    others = pd.DataFrame([row(t=math.inf, mean=7.0), row(t=4.5, observable="sigma_x", mean=9.0)])
    assert slope(pd.concat([curve, others])) == pytest.approx(-0.3)


def test_how_far_from_the_smaller_lattice_in_each_window(monkeypatch: pytest.MonkeyPatch) -> None:
    t = np.linspace(0, 4, 401)
    zero = Reference(pd.DataFrame({"t": t, "observable": "sigma_z", "mean": 0.0, "error": 0.0}), {})
    monkeypatch.setattr(cross_checks.trajectory_evolution, "stored", lambda *_: zero)

    def rows(
        n_sites: int, lattice: str, seed: int, panel: str, exact: float, exact_error: float = 0.0
    ) -> list[dict[str, object]]:
        of = {"n_sites": n_sites, "lattice": lattice, "seed": seed, "panel": panel}
        of |= {"exact": exact, "exact_error": exact_error}
        return [row(**of, t=time, mean=time + seed) for time in t]

    table = pd.DataFrame(
        rows(9, "3x3 periodic", 0, "3x3", 0.25)
        + rows(12, "3x4 periodic", 0, "3x4", 0.5, 0.002)
        + rows(25, "5x5 periodic", 0, "5x5", math.nan)
        + rows(25, "5x5 periodic", 1, "5x5", math.nan)
        + rows(25, "5x5 periodic", 2, "5x5: control", math.nan)
    )
    found = dict(early(table, 1.8, NOTHING))
    assert list(found) == ["3x3, exact", "3x4, trajectories", "5x5, seed 0", "5x5, seed 1"]
    assert found["3x3, exact"] == pytest.approx([0.25] * 4)
    assert found["5x5, seed 0"] == pytest.approx(WINDOWS[1:])
    assert found["5x5, seed 1"] == pytest.approx([end + 1 for end in WINDOWS[1:]])
    monkeypatch.setattr(cross_checks.trajectory_evolution, "stored", lambda *_: None)
    assert not dict(early(table, 1.8, NOTHING))


def test_larger_lattices_by_straight_lines() -> None:
    line = pd.Series({n: -1.0 + 0.6 / n for n in (16, 9, 12)})
    assert extrapolated(line, 36) == pytest.approx((-1.0 + 0.6 / 36, 0), abs=1e-12)
    bent = line + pd.Series({9: 0.0, 12: 0.0, 16: 0.01})
    near = 0.01 + 0.01 * (1 / 16 - 1 / 36) / (1 / 12 - 1 / 16)
    far = 0.01 + 0.01 * (1 / 16 - 1 / 36) / (1 / 9 - 1 / 16)
    assert extrapolated(bent, 36) == pytest.approx((-1.0 + 0.6 / 36 + near, near - far))


def test_larger_lattices_beside_this_suites() -> None:
    """Three known lattices, two seeds of a fourth; controls, curves and a coupling of two lattices say nothing."""
    known = [row(lattice=f"{n} x", n_sites=n, panel="p", Jy=1.0, exact=-1 + 0.9 / n, mean=0.0) for n in (9, 12, 16)]
    large = {"lattice": "5x5 periodic", "n_sites": 25, "panel": "5x5", "Jy": 1.0, "exact": math.nan}
    ours = [row(**large, mean=-0.95, seed=0), row(**large, mean=-0.97, seed=1)]
    control = [row(**large | {"panel": "5x5: control"}, mean=5.0), row(**large, mean=7.0, t=1.0)]
    few = [row(n_sites=9, panel="p", Jy=1.8), row(**large | {"Jy": 1.8}, mean=-0.3)]
    [found] = sizes(pd.DataFrame(known + ours + control + few))
    assert found == ["1", "-0.900, -0.925, -0.944", "5x5", "-0.964 ± 0.000", "-0.960", "2"]
