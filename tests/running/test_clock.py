"""A system clock that jumps changes no number, no duration and no time left."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from repro.running.display import Display
from repro.running.folders import RunSettings
from tests.helpers.points import SEARCHED, history, run

OTHER = SEARCHED.change(seed=1)


def test_the_time_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    display = Display([SEARCHED, OTHER], RunSettings(tmp_path), Console(file=io.StringIO(), width=200))
    run(SEARCHED, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: 0.0)  # back to 1970
        display.finish(SEARCHED, "")
    said = display.console.file.getvalue()  # type: ignore[attr-defined]
    assert "[1/2]" in said
    assert re.search(r"about \d+\.\d s left", said)


def test_numbers_and_durations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = history(run(SEARCHED, tmp_path / "plain"))
    hours = iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(hours)))  # an hour back at every look
    folder = run(SEARCHED, tmp_path / "jumped")
    assert history(folder).equals(plain)
    seconds = pd.read_csv(folder / "history.csv")["seconds"]
    assert seconds.is_monotonic_increasing
    assert 0 <= seconds.iloc[0] < seconds.iloc[-1] < 60
