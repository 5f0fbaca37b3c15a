"""Mean field is one faint line of Figs. 2, 3 and 4 where its table is there, and the drawings are as ever without."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from figures import fig2, fig3, fig4
from tests.helpers import figure_rows
from tests.helpers.drawings import legend, overlaps

LABEL = "mean field"
MODULES = {"fig2": fig2, "fig3": fig3, "fig4": fig4}


def mean_field(table: pd.DataFrame) -> pd.DataFrame:
    """For every lattice, coupling and Pauli of a table a made-up curve and a state at rest, all different."""
    keys = table[["lattice", "Jy", "g"]].drop_duplicates().to_dict("records")
    made = []
    for number, key in enumerate(keys):
        for k, name in enumerate(("sigma_x", "sigma_y", "sigma_z")):
            for t in (*np.linspace(0, 20, 81), math.inf):
                mean = -0.9 + 0.01 * number + 0.1 * k + (0 if math.isinf(t) else 0.05 * math.sin(t))
                made.append({**key, "t": t, "observable": name, "mean": mean})
    return pd.DataFrame(made)


def drawn(axes: Axes) -> list[np.ndarray]:
    """x and y of every line of that name, even of several that share an entry of the legend."""
    return [np.array(line.get_data(), dtype=float) for line in axes.lines if line.get_label() == LABEL]


@pytest.mark.parametrize("name", list(MODULES))
def test_it_is_in_the_legend_where_it_is_known(name: str) -> None:
    table = figure_rows.table(name)
    for title, figure in (
        MODULES[name].figures(table, figure_rows.REFERENCE, "paper", {"mean_field": mean_field(table)}).items()
    ):
        assert legend(figure).count(LABEL) == 1 and not overlaps(figure), title
    for figure in MODULES[name].figures(table, figure_rows.REFERENCE, "paper", {}).values():
        assert LABEL not in legend(figure) and not any(drawn(axes) for axes in figure.axes)


def test_fig2_draws_each_couplings_curve_to_the_end_of_the_panel() -> None:
    table = figure_rows.table("fig2")
    means = mean_field(table)
    figure = fig2.figures(table, figure_rows.REFERENCE, "paper", {"mean_field": means})["fig2"]
    for axes, panel in zip(figure.axes[:2], "ab", strict=True):
        curves = table[(table["panel"] == panel) & (table["observable"] == "sigma_z") & (table["t"] < math.inf)]
        lines = drawn(axes)
        assert len(lines) == curves["Jy"].nunique() > 0
        for x, y in lines:
            assert x[0] == 0 and x[-1] <= curves["t"].max() and x[-1] > curves["t"].max() - 0.26
            known = means[(means["observable"] == "sigma_z") & means["lattice"].isin(curves["lattice"])]
            assert any(set(y) <= set(of_key["mean"]) for _, of_key in known.groupby(["lattice", "Jy"]))
            low, high = axes.get_ylim()
            assert low < y.min() and y.max() < high


def test_fig3_draws_every_pauli_over_the_field() -> None:
    table = figure_rows.table("fig3")
    means = mean_field(table)
    figure = fig3.figures(table, figure_rows.REFERENCE, "paper", {"mean_field": means})["fig3"]
    for axes, name in zip(figure.axes[:3], ("sigma_x", "sigma_y", "sigma_z"), strict=True):
        at_rest = means[np.isinf(means["t"]) & (means["observable"] == name)].sort_values("g")
        (line,) = drawn(axes)
        np.testing.assert_allclose(line, at_rest[["g", "mean"]].to_numpy().T)
    assert not any(drawn(axes) for axes in figure.axes[3:])


def test_fig4_draws_it_over_the_coupling_beside_the_strings_and_from_up() -> None:
    table = figure_rows.table("fig4")
    means = mean_field(table)
    drawings = fig4.figures(table, figure_rows.REFERENCE, "paper", {"mean_field": means})
    of_z = means[means["observable"] == "sigma_z"]
    at_rest = of_z[np.isinf(of_z["t"])].sort_values("Jy")
    left, right = drawings["fig4"].axes[:2]
    np.testing.assert_allclose(drawn(left)[0], at_rest[["Jy", "mean"]].to_numpy().T)
    assert set(drawn(right)[0][1]) == set(at_rest.loc[at_rest["Jy"] == 1.8, "mean"])
    evolutions = table[(table["method"] == "dynamics") & (table["t"] < math.inf)]
    lines = drawn(drawings["fig4_dynamics"].axes[0])
    assert len(lines) == evolutions["Jy"].nunique() and all(y[0] in set(of_z["mean"]) for _, y in lines)
    assert not drawn(drawings["fig4_dynamics"].axes[1])
