"""Mean field of figures: the shipped tables against equations by hand, and how far they and results are from exact."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.integrate
import scipy.optimize

from repro.config.point import point_of
from repro.reporting.mean_field_table import FIGURES, NAME, compared, mean_field_table
from repro.utils.result_table import read_table, tidy
from tests.helpers import rows
from tests.helpers.paths import ROOT


def shipped(figure: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / "results" / f"{figure}_{NAME}.csv")


def test_the_ising_ring_at_rest_by_hand() -> None:
    """Fig. 3, V = 2: x = -2 f y, y = 2 (f x - g z), g y = z + 1 with f = V z, so that one equation for z is left."""
    table, V = shipped("fig3"), 2.0
    assert table["g"].nunique() == 23 and np.isinf(table["t"]).all()
    for g, of_g in table.groupby("g"):
        z = scipy.optimize.brentq(lambda z, g=g: g * -2 * g * z / (1 + 4 * (V * z) ** 2) - (z + 1), -1, 0)
        y = -2 * g * z / (1 + 4 * (V * z) ** 2)
        expected = {"sigma_x": -2 * V * z * y, "sigma_y": y, "sigma_z": z}
        found = dict(zip(of_g["observable"], of_g["mean"], strict=True))
        assert found == pytest.approx(expected, abs=1e-6)


def test_the_heisenberg_lattice_at_rest_by_hand() -> None:
    """Fig. 4: z = -1 / (16 sqrt((Jy - 1) 0.1)), or -1 where that is below; x and y have either sign."""
    table = shipped("fig4")
    at_rest = table[np.isinf(table["t"]) & (table["lattice"] == "3x3 periodic")]
    of_z = at_rest[at_rest["observable"] == "sigma_z"]
    assert len(of_z) == 9
    for Jy, z in zip(of_z["Jy"], of_z["mean"], strict=True):
        assert z == pytest.approx(-1 if Jy == 1 else -1 / (16 * math.sqrt((Jy - 1) * 0.1)), abs=1e-6)
    others = at_rest[(at_rest["observable"] != "sigma_z") & (at_rest["Jy"] > 1)]
    assert len(others) == 16 and others["mean"].isna().all()


def test_the_evolutions_of_fig2_by_hand() -> None:
    """The ring of (a): a spin in the field of two neighbours; the lattice of (b), from up: 2 exp(-t) - 1."""
    table = shipped("fig2")
    ring = table[(table["lattice"] == "10-ring") & (table["t"] < math.inf)].pivot(
        index="t", columns="observable", values="mean"
    )

    def rate(t: float, r: np.ndarray) -> list[float]:
        x, y, z = r
        hx, hz = 4 * x, 2 * z + 1  # 2 neighbours, Jx = 2, Jz = 1, B = 1
        return [-2 * hz * y - x / 2, 2 * (hz * x - hx * z) - y / 2, 2 * hx * y - (z + 1)]

    expected = scipy.integrate.odeint(rate, [0, -1, 0], ring.index, tfirst=True, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ring[["sigma_x", "sigma_y", "sigma_z"]], expected, atol=1e-6)
    lattice = table[(table["lattice"] == "3x3 periodic") & (table["t"] < math.inf) & (table["observable"] == "sigma_z")]
    assert set(lattice["Jy"]) == {1.0, 1.8}
    np.testing.assert_allclose(lattice["mean"], 2 * np.exp(-lattice["t"]) - 1, atol=1e-7)


def test_of_several_rings_each_has_its_longest_evolution() -> None:
    short, long = (point_of(lattice="ring", n_sites=4, method="dynamics", tau=0.05, t_end=t) for t in (0.2, 0.4))
    other = point_of(lattice="ring", n_sites=5, method="dynamics", tau=0.05, t_end=0.2)
    table = mean_field_table([short, long, other])
    curves = table[table["t"] < math.inf]
    assert curves.groupby("lattice")["t"].max().to_dict() == pytest.approx({"4-ring": 0.4, "5-ring": 0.2})
    assert (table[np.isinf(table["t"])].groupby("lattice").size() == 3).all()
    assert list(mean_field_table([]).columns) == list(table.columns)


def test_distances_from_exact_are_the_largest() -> None:
    """Made up: a steady state that mean field misses by 0.5 and a search by 0.1, and rows that do not count."""
    settings = {"method": "variational", "lattice": "16-ring", "model": "tfim", "Jy": math.nan, "t": math.inf}
    made = [
        rows.row(**settings, g=1.0, mean=0.4, exact=0.3, observable="sigma_z"),
        rows.row(**settings, g=2.0, mean=0.25, exact=0.2, observable="sigma_z"),
        rows.row(**settings, g=3.0, mean=0.9, exact=0.0, observable="sigma_z"),
        rows.row(**settings, g=1.0, mean=0.9, exact=0.0, observable="sigma_x"),
    ]
    means = pd.DataFrame(
        {"lattice": "16-ring", "Jy": math.nan, "g": [1.0, 2.0], "t": math.inf, "observable": "sigma_z"}
    ).assign(mean=[-0.2, 0.2])
    found = compared(tidy(made), means).to_dict("records")
    assert len(found) == 1 and found[0]["values"] == 2 and found[0]["of"] == "steady state"
    assert (found[0]["mean field"], found[0]["ours"]) == pytest.approx((0.5, 0.1))


@pytest.mark.parametrize("figure", FIGURES)
def test_shipped_tables_cover_every_shipped_point(figure: str) -> None:
    table, means = read_table(ROOT / "results" / f"{figure}.csv"), shipped(figure)
    known = table[table["exact"].notna() & table["physical"].ne("no") & (table["observable"] == "sigma_z")]
    counted = compared(table, means)["values"].sum()
    started = known[(known["method"] == "dynamics") | np.isinf(known["t"])]
    assert counted == len(started)


def test_the_distances_of_the_docs_are_those_of_the_tables() -> None:
    text = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
    wanted = [
        ("Fig. 2, ring of ten, evolution", "fig2", "dynamics", "10-ring", "evolution", "sigma_z"),
        ("Fig. 2, 3x3 lattice, evolution", "fig2", "dynamics", "3x3 periodic", "evolution", "sigma_z"),
        ("Fig. 3, Ising ring, steady states", "fig3", "variational", "16-ring", "steady state", "sigma_z"),
        ("Fig. 3, Ising ring, steady states", "fig3", "variational", "16-ring", "steady state", "sigma_x"),
        (
            "Fig. 4, 3x3 lattice, steady states by evolution",
            "fig4",
            "dynamics",
            "3x3 periodic",
            "steady state",
            "sigma_z",
        ),
        (
            "Fig. 4, 3x3 lattice, steady states by search",
            "fig4",
            "variational",
            "3x3 periodic",
            "steady state",
            "sigma_z",
        ),
    ]
    for row, figure, method, lattice, of, observable in wanted:
        found = compared(read_table(ROOT / "results" / f"{figure}.csv"), shipped(figure), observable)
        (one,) = found[(found["method"] == method) & (found["lattice"] == lattice) & (found["of"] == of)].to_dict(
            "records"
        )
        line = next(line for line in text.splitlines() if line.startswith(f"| {row} |"))
        _, mean, ours = line.strip("| ").split("|")
        assert f"{one['mean field']:.3f}" in mean and f"{one['ours']:.3f}" in ours, row
