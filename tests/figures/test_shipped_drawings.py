"""The drawings of the shipped tables: their texts stay clear of each other, whatever the tables have become."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from repro.reporting import style
from repro.reporting.drawing import draw_shipped
from repro.utils.paths import RESULTS
from tests.helpers.drawings import overlaps

SHIPPED = sorted(path.name.removesuffix("_reference.csv") for path in RESULTS.glob("*_reference.csv"))


@pytest.mark.parametrize("name", SHIPPED)
def test_texts_of_what_is_shipped_stay_clear_of_each_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, Figure] = {}

    def kept(figure: Figure, folder: Path, title: str, profile: str) -> list[Path]:
        style.stamp(figure, profile)
        drawn[title] = figure
        return []

    monkeypatch.setattr(style, "save", kept)
    draw_shipped(name, RESULTS, tmp_path)
    assert drawn
    with style.context():
        for title, figure in drawn.items():
            assert not overlaps(figure), title
