"""The ledger's last two panels: sizes over couplings and seeds, and the search that collapses by its rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from repro.utils.result_table import tidy
from tests.helpers.drawings import lines, overlaps, series, words
from tests.helpers.figure_rows import draw, table
from tests.helpers.rows import row

OFF = {(1, 32): (0.2, 0.1, 0.3, 0.2), (2, 64): (0.1, 0.1, 0.2, 0.0)}
"""Of J_y = 1.0 and 1.8, two seeds each."""


def _sizes() -> list[dict[str, object]]:
    of = {"figure": "ledger", "panel": "sizes", "exact": -0.5}
    places = [(Jy, seed) for Jy in (1.0, 1.8) for seed in (1, 2)]
    return [
        row(**of, layers=n, width=d, Jy=Jy, seed=seed, mean=-0.5 + off, point_id=f"{n}{d}{Jy}{seed}")
        for (n, d), every in OFF.items()
        for (Jy, seed), off in zip(places, every, strict=True)
    ]


def _collapse(collapsed: float) -> list[dict[str, object]]:
    of = {"figure": "ledger", "panel": "collapse", "layers": 2, "width": 64, "Jy": 1.0, "exact": -0.9}
    means = {"": (-0.8, collapsed), "-lower-rate": (-0.85, -0.87)}
    return [
        row(**of, seed=seed, mean=mean, point=f"var{ending}-seed{seed}", point_id=f"var{ending}{seed}")
        for ending, every in means.items()
        for seed, mean in enumerate(every)
    ]


def test_every_search_beside_the_mean_of_its_size() -> None:
    figure = draw("ledger", pd.concat([table("ledger"), tidy([*_sizes(), *_collapse(-0.82)])], ignore_index=True))
    assert len(figure.axes) == 6 and not overlaps(figure)
    dots, heights = lines(figure, 4)[0]
    assert np.rint(dots).tolist() == [0] * 4 + [1] * 4
    assert heights == pytest.approx([off for every in OFF.values() for off in every])
    _, mean, error = series(figure.axes[4])["mean"]
    assert mean == pytest.approx([0.2, 0.1])
    assert error == pytest.approx([np.std(every, ddof=1) / 2 for every in OFF.values()])
    assert [tick.get_text() for tick in figure.axes[4].get_xticklabels()] == ["1 32", "2 64"]


def test_what_collapsed_is_named_and_not_in_the_mean_of_its_rate() -> None:
    figure = draw("ledger", pd.concat([table("ledger"), tidy(_collapse(3.0))], ignore_index=True))
    _, mean, _ = series(figure.axes[5])["mean"]
    assert mean == pytest.approx([0.1, 0.04])
    assert any("var-seed1" in text and "no state" in text for text in words(figure))
    assert not overlaps(figure)


def test_a_table_without_them_has_four_panels() -> None:
    assert len(draw("ledger", table("ledger")).axes) == 4
