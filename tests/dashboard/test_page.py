"""The page in a real browser: it draws what the files hold, and its curves grow while it is open."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from repro.dashboard import feed
from repro.dashboard.server import Dashboard
from repro.references.of_point import prepare
from repro.running import events
from repro.running.folders import HISTORY, point_folder
from tests.helpers.points import EVOLVED, SEARCHED, run

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on this machine")
PANELS = 6
SHOWN = EVOLVED.change(figure="figX", panel="a", profile="smoke", name="decay<b>", t_end=1.2)
FOUND = SEARCHED.change(figure="figX", panel="b", profile="smoke")
FAILED = EVOLVED.change(figure="figX", panel="c", profile="smoke", seed=9, name="broken")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dashboard]:
    """Of an evolution, a search and a failure."""
    monkeypatch.setattr(feed, "LOOK_SECONDS", 0.0)
    runs = tmp_path / "runs"
    prepare([SHOWN.point, FOUND.point], runs, lambda name: None)
    run(SHOWN, runs)
    run(FOUND, runs)
    folder = point_folder(runs, FAILED)
    folder.mkdir(parents=True)
    events.record(folder, "started", figure="figX", panel="c", profile="smoke", label="broken")
    events.mark_failed(folder, FAILED.point_id, "broken", "loss is nan <script>alert(1)</script>")
    with Dashboard(runs) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


def browse(url: str, profile: Path, seconds: float, size: str = "1280,900") -> tuple[str, list[str]]:
    """The document after so many seconds of the page's own time, and what its console said."""
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    options += [f"--user-data-dir={profile}", f"--window-size={size}", "--enable-logging=stderr"]
    asked = [str(BROWSER), *options, f"--virtual-time-budget={seconds * 1000:.0f}", "--dump-dom", url]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=100)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def rows_of(page: str, point_id: str) -> list[int]:
    """Rows of every path that is drawn of a point."""
    return [int(rows) for rows in re.findall(rf'class="line[^>]*data-point="{point_id}" data-rows="(\d+)"', page)]


def test_it_draws_what_the_files_hold(server: Dashboard, tmp_path: Path) -> None:
    page, console = browse(f"{server.url}#figure=figX", tmp_path / "profile", 3)
    assert console == []
    assert page.count("<figure") == 2 * PANELS and ">nothing yet<" not in page
    # loss and residual have no value at the start, where the distance is zero
    assert rows_of(page, SHOWN.point_id) == [12, 12, 12, 13, 13, 13]
    assert len(rows_of(page, FOUND.point_id)) == PANELS
    assert page.count('class="exact"') == 6
    assert "decay&lt;b&gt;" in page and "<b>broken" not in page
    assert "loss is nan &lt;script&gt;" in page and "<script>alert" not in page
    assert re.search(r'<td class="s-done">done</td>', page) and re.search(r'<td class="s-failed">failed</td>', page)
    assert f'<tr data-id="{FAILED.point_id}">' in page
    last = pd.read_csv(point_folder(tmp_path / "runs", SHOWN) / HISTORY)["sigma_z"].iloc[-1]
    assert f'<td class="n">{last:.4f}</td>'.replace("-", "\u2212") in page


def test_the_filter_of_the_address(server: Dashboard, tmp_path: Path) -> None:
    page, _ = browse(f"{server.url}#figure=figX&name=b-var&theme=dark", tmp_path / "profile", 3, "400,900")
    assert rows_of(page, SHOWN.point_id) == [] and len(rows_of(page, FOUND.point_id)) == PANELS
    assert '<html lang="en" class="dark">' in page
    assert f'<tr data-id="{SHOWN.point_id}">' not in page


def test_curves_grow_while_it_is_open(server: Dashboard, tmp_path: Path) -> None:
    """One more row of the history before every answer: the page asks for what is new, and draws it."""
    path = point_folder(tmp_path / "runs", SHOWN) / HISTORY
    whole = path.read_text().splitlines(keepends=True)
    answered: list[dict[str, Any]] = []
    answer = server.feed.answer

    def growing(*asked: Any) -> dict[str, Any]:
        path.write_text("".join(whole[: 4 + len(answered)]))  # the header and three rows at first
        answered.append(answer(*asked))
        return answered[-1]

    server.feed.answer = growing  # type: ignore[method-assign]
    page, console = browse(f"{server.url}#figure=figX", tmp_path / "profile", 7)
    sent = [told["curves"].get(SHOWN.point_id, {}) for told in answered]
    assert 3 <= len(answered) <= 6
    assert [each["from"] for each in sent] == [0, *range(3, 2 + len(answered))]
    assert [len(each["rows"]) for each in sent] == [3, *[1] * (len(answered) - 1)]
    assert max(rows_of(page, SHOWN.point_id)) == 2 + len(answered)
    assert console == [] and "live, looked at" in page


def test_rows_that_change_replace_those_that_were_drawn(server: Dashboard, tmp_path: Path) -> None:
    path = point_folder(tmp_path / "runs", SHOWN) / HISTORY
    answer, answered = server.feed.answer, list[int]()

    def shifted(*asked: Any) -> dict[str, Any]:
        table = pd.read_csv(path)
        table["sigma_z"] += 0.01
        table.to_csv(path, index=False)
        told = answer(*asked)
        answered.append(told["curves"][SHOWN.point_id]["from"])
        return told

    server.feed.answer = shifted  # type: ignore[method-assign]
    page, console = browse(f"{server.url}#figure=figX", tmp_path / "profile", 4)
    assert len(answered) > 1 and set(answered) == {0} and console == []
    assert rows_of(page, SHOWN.point_id)[3:] == [13, 13, 13]


def test_a_server_that_stops_is_told(server: Dashboard, tmp_path: Path) -> None:
    answer, asked = server.feed.answer, 0

    def stopping(*given: Any) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise OSError("the disk is gone")
        return answer(*given)

    server.feed.answer = stopping  # type: ignore[method-assign]
    page, _ = browse(f"{server.url}#figure=figX", tmp_path / "profile", 5)
    assert asked > 1 and "the disk is gone" in page
    assert rows_of(page, SHOWN.point_id), "what was shown stays"
