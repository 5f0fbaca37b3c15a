"""The report: one page, everything on it from the shipped files, fit for a phone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from repro.claims.catalogue import CLAIMS
from repro.claims.ledger import write_ledger
from repro.cli import main
from repro.reporting import report_data
from repro.reporting.report import build_report, overview_markdown
from repro.utils.paths import RESULTS
from repro.utils.point_settings import read_points
from repro.utils.result_table import read_table, tidy, write_table
from tests.helpers import claim_tables, rows

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# One transparent pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f6"
    "45400000000049454e44ae426082"
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    claim_tables.write(folder)
    write_ledger(folder, tmp_path / "CLAIMS.md")
    (folder / "figures").mkdir()
    for name in ("fig2", "fig4", "fig4_dynamics"):
        (folder / "figures" / f"{name}.png").write_bytes(PIXEL)
    (folder / "fig4.json").write_text(json.dumps({"points": [{"label": "<script>alert(1)</script>"}]}))
    (folder / "reference").mkdir()
    info = {"label": "tfim 16-ring", "kind": "k", "solver": "mcsolve", "trajectories": 12, "versions": {"qutip": "5"}}
    (folder / "reference" / "a.json").write_text(json.dumps(info))
    chain = {"kind": "k", "solver": "TEBD", "bond_dimension": 96, "errors": {"cut": 2e-3}, "versions": {"qutip": "5"}}
    (folder / "reference" / "b.json").write_text(json.dumps(chain))
    return folder


class Page(HTMLParser):
    """Tags that must balance, and what the page would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href") and value and not value.startswith(("data:", "#")):
                self.fetched.append(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_one_self_contained_page_with_everything(results: Path, tmp_path: Path) -> None:
    text = build_report(results, tmp_path / "report.html").read_text()
    page = Page(text)
    assert page.open == [] and page.fetched == [] and "script" not in page.tags
    assert text.count("data:image/png;base64,") == 3
    for claim in CLAIMS:
        assert f"<h3>{claim.number}. " in text
    for name in report_data.figure_names():
        assert f'id="{name}"' in text
    assert "15 reproduced" in text and "12 trajectories" in text and "bond dimension 96, error 2e-03" in text
    assert "&lt;script&gt;alert(1)" in text


def test_no_table_is_left_out_and_none_invented(results: Path, tmp_path: Path) -> None:
    (results / "fig3.csv").unlink()
    (results / "claims.csv").unlink()
    text = build_report(results, tmp_path / "report.html").read_text()
    assert "has not been written yet" in text
    overview = report_data.overview(results)
    assert "fig3" not in set(overview["figure"]) and {"fig2", "fig4", "figS3"} <= set(overview["figure"])


def test_overview_names_the_worst_point(results: Path) -> None:
    frame = read_table(results / "fig2.csv")
    frame.loc[(frame["point"] == "dyn-1.8") & (frame["t"] == 2.0), "mean"] += 0.5
    write_table(frame, results / "fig2.csv")
    row = report_data.overview(results).set_index("figure").loc["fig2"]
    assert row["of"] == "dyn-1.8"
    assert row["largest deviation"] == pytest.approx(0.512, abs=0.001)
    assert "| fig2 |" in overview_markdown(results) and "0.512" in overview_markdown(results)


def test_the_command(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["report", "--results", str(results), "--out", str(tmp_path / "r.html")]) == 0
    assert (tmp_path / "r.html").stat().st_size > 10_000
    assert main.main(["report", "--results", str(tmp_path / "none"), "--out", str(tmp_path / "n.html")]) == 2
    assert not (tmp_path / "n.html").exists()
    assert "no tables" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("fig4.json", "{", "fig4.json: expected an object"),
        ("fig4.json", "[]", "fig4.json: expected an object"),
        ("reference/a.json", "{}", "a.json: not the description"),
        ("claims.csv", "number,claim\n1,x\n", "claims.csv: column 'where' is missing"),
        ("claims.csv", "", "cannot read the ledger"),
    ],
)
def test_a_damaged_file_is_named_in_one_line(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, told: str
) -> None:
    (results / name).write_text(text)
    assert main.main(["report", "--results", str(results), "--out", str(tmp_path / "r.html")]) == 2
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1
    assert not (tmp_path / "r.html").exists()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out_in_a_browser(results: Path, tmp_path: Path, width: int) -> None:
    text = build_report(results, tmp_path / "report.html").read_text()
    probe = "<script>document.title = document.documentElement.scrollWidth + ' of ' + innerWidth</script></body>"
    # headless Chromium has a smallest window width: a frame of the wanted width has none
    (tmp_path / "probed.html").write_text(text.replace("</body>", probe))
    frame = f"<iframe id=f style='width:{width}px;height:900px;border:0' src='probed.html'></iframe>"
    tell = "<script>f.onload = () => document.title = f.contentDocument.title</script>"
    (tmp_path / "frame.html").write_text(f"<!doctype html>{frame}{tell}")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        "--window-size=1400,1000",
    ]
    command = [str(CHROMIUM), *options, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=4000"]
    page = (tmp_path / "frame.html").as_uri()
    done = subprocess.run([*command, "--dump-dom", page], capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r"<title>(\d+) of (\d+)</title>", done.stdout)
    assert found, done.stderr[-500:]
    assert int(found[1]) <= int(found[2]) == width


def test_a_search_that_a_second_stage_starts_from_counts_once(tmp_path: Path) -> None:
    def of(method: str, seconds: list[float], **more: Any) -> list[dict[str, Any]]:
        name = f"{method}-{more}"
        common = {"method": method, "point": name, "point_id": name, "exact": 0.0} | more
        return [rows.row(**common, t=float(t), mean=0.1, seconds=s) for t, s in enumerate(seconds)]

    first, second = of("variational", [30.0]), of("variational+dynamics", [30.5, 40.0, 50.0])
    alone = of("variational+dynamics", [20.0, 60.0], seed=2)
    write_table(tidy([*first, *second, *alone, *of("dynamics", [0.0, 7.0])]), tmp_path / "fig4.csv")
    [found] = report_data.overview(tmp_path)["seconds"]
    assert found == pytest.approx(30.0 + (50.0 - 30.5) + 60.0 + 7.0)


@pytest.mark.parametrize("figure", ["fig2", "fig4", "ledger", "methods"])
def test_shared_settings_and_a_points_own_are_all_of_them(figure: str) -> None:
    points = read_points(RESULTS / f"{figure}.json")
    told = json.loads(report_data.shared_settings(points))
    shared = told["of every point"]
    assert [shared | own for own in told["points"]] == points
    assert "gamma" in shared and "point_id" not in shared and not any(set(shared) & set(own) for own in told["points"])


@pytest.mark.parametrize("points", [[], [{"a": 1, "b": None}], [{"a": 1, "b": None}, {"a": 1}]])
def test_few_settings_are_json_too(points: list[dict[str, Any]]) -> None:
    """None is a value; a setting that one point lacks is not shared."""
    told = json.loads(report_data.shared_settings(points))
    assert [told["of every point"] | own for own in told["points"]] == points
    assert len(points) < 2 or told["of every point"] == {"a": 1}
