"""`repro dashboard` against a server of this machine: what it records, twice, and what it says when that fails."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws
from wandb_workspaces.reports.v2.interface import UnknownBlock

from repro.cli.main import main
from repro.cli.run import Run, _track_figure
from repro.dashboard import panels, remote
from repro.running.folders import RunSettings
from repro.running.runner import run_point
from tests.dashboard.wandb_stand_in import ENTITY, KEY, PROJECT, StandIn, stand_in
from tests.helpers.points import COUPLED, STEPS
from tests.helpers.wandb_files import forget_settings, history, records

LINE, SCATTER, MARKDOWN, MEDIA = "Run History Line Plot", "Scatter Plot", "Markdown Panel", "Media Browser"


@pytest.fixture(autouse=True)
def wandb_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A key and no settings of the person who runs the tests; what wandb keeps in its process goes afterwards."""
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    import wandb

    wandb.teardown()
    yield
    wandb.teardown()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with stand_in() as running:
        monkeypatch.setenv("WANDB_BASE_URL", running.url)
        yield running


def test_the_recorded_view_has_the_six_panels(server: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboard"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["view:", "report:"] and all(server.url in line for line in lines)
    [view] = [view for view in server.views.values() if view["type"] == "project-view"]
    assert (view["project"]["entityName"], view["project"]["name"]) == (ENTITY, PROJECT)
    section = server.spec("project-view")["section"]
    [shown] = section["panelBankConfig"]["sections"]
    kinds = [panel["viewType"] for panel in shown["panels"]]
    assert kinds == [LINE, LINE, SCATTER, MARKDOWN, LINE, MEDIA]
    error, convergence, scatter, ledger, cost, figures = (panel["config"] for panel in shown["panels"])
    assert (error["xAxis"], error["metrics"], error["groupBy"]) == ("t", ["sigma_z_deviation"], "Jy.value")
    assert (convergence["xAxis"], convergence["metrics"], convergence["groupBy"]) == (
        *("iteration", ["loss"], "strings.value"),
    )
    assert error["yLogScale"] and convergence["yLogScale"]
    assert (scatter["xAxis"], scatter["yAxis"], scatter["zAxis"]) == (
        *("config:Jy.value", "summary:sigma_z_deviation", "config:seed.value"),
    )
    assert "| claim | where | verdict |" in ledger["value"] and "reproduced" in ledger["value"]
    assert (cost["metrics"], cost["groupBy"]) == (["seconds_per_step"], "n_sites.value")
    assert {"fig2", "fig3", "fig4"} <= {*figures["mediaKeys"]} and "crossing" not in figures["mediaKeys"]
    [runs] = section["runSets"]
    assert runs["grouping"] == [{"section": "run", "name": "group"}]
    [kept] = runs["filters"]["filters"]
    assert (kept["key"]["name"], kept["op"], kept["value"]) == ("jobType", "!=", "reference")
    assert runs["sort"]["keys"][0]["key"] == {"section": "summary", "name": "sigma_z_deviation"}


def test_the_recorded_report_filters_and_shows_the_tables(server: StandIn) -> None:
    assert main(["dashboard"]) == 0
    blocks = server.spec("runs")["blocks"]
    grids = [block["metadata"] for block in blocks if block["type"] == "panel-grid"]
    filters = [json.dumps(grid["runSets"][0]["filters"]) for grid in grids]
    assert ["dynamics" in text for text in filters] == [True, *5 * [False]]
    assert ["variational" in text for text in filters] == [*2 * [False], True, *3 * [False]]
    assert [grid["runSets"][0]["name"] for grid in grids][-1] == "figures" and '"plot"' in filters[-1]
    table = grids[3]["runSets"][0]["runFeed"]["columnOrder"]
    assert table == [
        *("run:displayName", "config:layers.value", "config:width.value", "config:strings.value", "config:seed.value"),
        *("summary:sigma_z", "summary:sigma_z_exact", "summary:sigma_z_deviation", "summary:_runtime"),
    ]
    assert any("| verdict |" in json.dumps(block) for block in blocks)


def test_running_it_again_updates_both(server: StandIn) -> None:
    assert main(["dashboard"]) == 0
    names = {key: view["displayName"] for key, view in server.views.items()}
    for view in server.views.values():
        view["spec"] = json.dumps({**json.loads(view["spec"]), "old": True})
    assert main(["dashboard"]) == 0
    assert {key: view["displayName"] for key, view in server.views.items()} == names
    assert not any("old" in json.loads(view["spec"]) for view in server.views.values())


def test_the_library_reads_both_back(server: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    """By its own schema: every block and panel is of a kind that it knows, and says the same again."""
    assert main(["dashboard"]) == 0
    of_view, of_report = (line.split()[1] for line in capsys.readouterr().out.splitlines())
    [section] = ws.Workspace.from_url(of_view).sections
    kinds = [wr.LinePlot, wr.LinePlot, wr.ScatterPlot, wr.MarkdownPanel, wr.LinePlot, wr.MediaBrowser]
    assert [type(panel) for panel in section.panels] == kinds
    sent = panels.view(ENTITY, PROJECT).sections[0].panels
    assert [panel._to_model().config for panel in section.panels] == [panel._to_model().config for panel in sent]
    report = wr.Report.from_url(of_report)
    assert not [block for block in report.blocks if isinstance(block, UnknownBlock)]
    assert [type(block) for block in report.blocks] == [type(block) for block in panels.report(ENTITY, PROJECT).blocks]


def metrics_of(spec: Any) -> Iterator[tuple[str, str]]:
    """(section, name) of every metric that a specification draws, sorts or tabulates by."""
    if isinstance(spec, list):
        for each in spec:
            yield from metrics_of(each)
    if isinstance(spec, dict):
        names = [*spec.get("metrics", ()), *spec.get("columnOrder", ())]
        names += [spec[axis] for axis in ("xAxis", "yAxis", "zAxis") if axis in spec]
        for name in names:
            section, _, rest = str(name).rpartition(":")
            yield section or "history", rest.removesuffix(".value")
        if spec.get("groupBy"):
            yield "config", spec["groupBy"].removesuffix(".value")
        for key in ("key", "viewType"):
            if isinstance(spec.get(key), dict) and spec[key].get("section") in ("summary", "config"):
                yield spec[key]["section"], spec[key]["name"]
        for value in spec.values():
            yield from metrics_of(value)


def test_every_metric_of_the_panels_is_logged_by_a_run(server: StandIn, tmp_path: Path) -> None:
    """The names are compared with what a real evolution and a real search leave in wandb's own files."""
    assert main(["dashboard"]) == 0
    used = {found for kind in ("project-view", "runs") for found in metrics_of(server.spec(kind))}
    logged = {("run", "displayName"), ("history", "_step")}
    couplings = {"Jy", "g"}  # of one model each
    for listed in (COUPLED.change(method="dynamics", **STEPS), COUPLED.change(iterations=40)):
        folder = tmp_path / listed.point.method.kind
        run_point(listed.change(figure="fig4"), RunSettings(folder, tracking="offline"))
        logged |= {("history", name) for row in history(folder) for name in row}
        for record in records(folder):
            logged |= {("summary", item.key or item.nested_key[0]) for item in record.summary.update}
            if record.HasField("run"):
                logged |= {("config", item.key) for item in record.run.config.update}
                assert (record.run.run_group, record.run.job_type) == ("fig4", "train")
                assert listed.point.method.kind in record.run.tags
    logged |= {("summary", "_runtime")} | {("config", name) for name in couplings}
    assert used - logged == set()
    assert len(used) >= 15


def test_the_drawings_are_logged_under_the_names_that_are_shown(tmp_path: Path) -> None:
    import matplotlib.image
    import numpy as np

    picture, table = tmp_path / "fig4.png", tmp_path / "table.csv"
    matplotlib.image.imsave(picture, np.zeros((4, 4)))
    table.write_text("figure,mean\n")
    _track_figure(Run("fig4", runs=tmp_path, wandb="offline"), "fig4", [picture], tmp_path)
    assert picture.stem in panels.drawings().media_keys
    assert any("fig4" in row or "fig4/_type" in row for row in history(tmp_path))


def test_a_setting_that_no_point_has_is_refused() -> None:
    with pytest.raises(AssertionError, match="points have no setting 'colour'"):
        panels._config("colour")


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The one line of a refusal."""
    assert main(["dashboard", *options]) == 2
    told = capsys.readouterr()
    assert told.out == "" and len(told.err.splitlines()) == 1, told
    return told.err


def test_no_key_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    assert "wandb has no key: set WANDB_API_KEY or run 'wandb login' first; or --local" in refused(capsys)


def test_no_package_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(remote, "PACKAGE", "wandb_workspaces_is_not_here")
    assert "package wandb-workspaces is missing: pip install '.[dashboard]'" in refused(capsys)


def test_another_project_is_one_line(server: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no project 'elsewhere' of 'physicists'" in refused(capsys, "--project", "elsewhere")
    assert not server.views


@pytest.mark.parametrize("status", [401, 500])
def test_a_server_that_refuses_is_one_line(
    status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with stand_in(status) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        told = refused(capsys)
    assert server.url in told and "out of order" in told


@contextlib.contextmanager
def unreachable() -> Iterator[str]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


@contextlib.contextmanager
def hanging() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=8) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize(("server_of", "words"), [(unreachable, "refused"), (hanging, "timed out")])
def test_a_server_that_is_not_there_is_one_line(
    server_of: Any, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("repro.running.tracking.PROBE_TIMEOUT", 1.0)
    with server_of() as url:
        monkeypatch.setenv("WANDB_BASE_URL", url)
        told = refused(capsys)
    assert url in told and words in told.lower()
