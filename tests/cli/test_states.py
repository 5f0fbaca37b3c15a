"""`repro states`: which trained states are shipped, what one of them says; and shipping them alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import repro
from repro.cli.main import main
from repro.states.shipped import shipped_points
from tests.helpers.paths import ROOT

DYN = "dyn-1x32-0s-Jy1.8"


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["states", *words]) == 0
    return capsys.readouterr().out


def test_the_lists(capsys: pytest.CaptureFixture[str]) -> None:
    points = {point.point_id: point for point in shipped_points("fig4")}
    line = f"fig4           {sum(each.has_state for each in points.values()):3d} states of {len(points):3d} points"
    assert line in said(capsys).splitlines()
    lines = said(capsys, "fig4").splitlines()
    assert len(lines) == len(shipped_points("fig4"))
    [dyn] = [line for line in lines if line.split()[1] == DYN]
    assert dyn.endswith("shipped")


def test_what_a_state_says(capsys: pytest.CaptureFixture[str]) -> None:
    state = repro.load_state("fig4", DYN)
    lines = said(capsys, "fig4", DYN, "--observables", "Z", "Z0 Z1").splitlines()
    assert lines[0].startswith(f"{DYN}  {state.point.point_id}  9 sites, t = 8, commit ")
    assert lines[1:] == [
        f"<Z> = {state.mean('Z'):.8f}",
        f"<Z0 Z1> = {state.mean('Z0 Z1'):.8f}",
        f"purity = {state.purity():.8f}",
        f"smallest eigenvalue of rho = {state.smallest_eigenvalue():.8f}",
    ]


def test_rates_beside_the_means(capsys: pytest.CaptureFixture[str]) -> None:
    """4x4 at J_y = 1.0: the decay of <sigma_x> by the equation of motion, from the state's own correlators."""
    lines = said(capsys, "frontier", "4x4-tdvp-1x32-0s-Jy1.0", "--observables", "X", "--rates").splitlines()
    state = repro.load_state("frontier", "4x4-tdvp-1x32-0s-Jy1.0")
    bonds = state.point.system.build_lattice().bonds
    pairs = [(-2.0 * 1.0 / 16, f"Y{i} Z{j}") for bond in bonds for i, j in (bond, bond[::-1])]
    pairs += [(2.0 * 1.0 / 16, f"Z{i} Y{j}") for bond in bonds for i, j in (bond, bond[::-1])]
    turned = {"rate": [(-0.5 / 16, f"X{site}") for site in range(16)] + pairs}
    [(value, error)] = state.values([turned]).values()
    assert lines[2] == f"d<X>/dt = {value:.8f} +- {error:.1g} gamma"


@pytest.mark.parametrize(
    "words",
    [
        ("fig5",),
        ("fig4", "--rates"),
        ("fig4", DYN, "--observables", "purity", "--rates"),
        ("fig4", "dyn*"),
        ("fig4", DYN, "--observables", "Q0"),
        ("fig4", DYN, "--observables"),
        ("--results", "x"),
        ("--observables", "Z"),
        ("fig4", "--observables", "X", "Y", "Z"),
    ],
)
def test_refusals_are_one_line(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["states", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1


def test_shipping_states_alone_writes_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "results"
    (results / "states").mkdir(parents=True)
    for path in (ROOT / "results").glob("figS1*"):
        shutil.copy(path, results)
    [point] = shipped_points("figS1")
    shutil.copy(point.path, results / "states")
    before = {path.name: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    command = ["publish", "figS1", "--states", "--runs", str(tmp_path / "none"), "--results", str(results)]
    assert main(command) == 0
    assert capsys.readouterr().out == f"{results / 'states' / point.path.name}\n"
    assert {path.name: path.read_bytes() for path in results.rglob("*") if path.is_file()} == before
