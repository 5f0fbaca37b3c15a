"""The six panels of docs/dashboard.md as wandb-workspaces has them, in a saved view and in a report.

Metrics, configuration keys, job types and tags are named by what logs them, so that a name that changes there changes
here; a configuration key that no point has is refused when the panels are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws
from wandb_workspaces.expr import And

from repro.config.method import Dynamics, Variational
from repro.config.point import Point
from repro.config.settings import all_leaves
from repro.methods.losses import LOSS
from repro.reporting.report import read_ledger
from repro.running.tracking import AXES, PLOT, REFERENCE, SECONDS_PER_STEP, TRAIN, deviation_of, exact_of
from repro.utils.names import PAULI_AVERAGES
from repro.utils.paths import RESULTS, experiments

VIEW, REPORT = "repro six panels", "repro runs beside exact"
"""Names of the saved view and of the report."""
SECTION = "Runs beside exact"
SIGMA_Z = PAULI_AVERAGES[2]
DEVIATION = deviation_of(SIGMA_Z)
T, ITERATION = AXES
WIDE, HALF = 24, 12
"""Widths of a report's panels, of 24 columns."""


def view(entity: str, project: str) -> ws.Workspace:
    """The saved view: one section with the six panels, runs grouped by figure, sorted by their final error.

    Args:
        entity, project: where it is saved.
    """
    return ws.Workspace(
        entity=entity,
        project=project,
        name=VIEW,
        sections=[
            ws.Section(
                name=SECTION,
                panels=[error(_config("Jy")), convergence(), couplings("Jy"), ledger(), cost(), drawings()],
                is_open=True,
                pinned=True,
                layout_settings=ws.SectionLayoutSettings(columns=3, rows=2),
            )
        ],
        runset_settings=ws.RunsetSettings(
            filters=And(ws.Metric("JobType") != REFERENCE),
            groupby=[ws.Metric("Group")],
            order=[ws.Ordering(ws.Summary(DEVIATION), ascending=True)],
            pinned_columns=columns(),
        ),
    )


def report(entity: str, project: str) -> wr.Report:
    """The report: the same panels with a filter each, the table of runs and the ledger of claims.

    Args:
        entity, project: where the runs are, and where it is saved.
    """

    def runs(name: str, filters: Sequence[Any], **more: Any) -> wr.Runset:
        return wr.Runset(entity=entity, project=project, name=name, filters=And(*filters), **more)

    train, dynamics = ws.Metric("JobType") == TRAIN, ws.Tags().isin([Dynamics.kind])
    searches = ws.Tags().isin([Variational.kind])
    evolutions = runs("evolutions", [train, dynamics])
    sorted_runs = runs(
        "by their final error",
        [train],
        groupby=["group"],
        order=[wr.OrderBy(wr.SummaryMetric(DEVIATION), ascending=True)],
        pinned_columns=columns(),
        visible_columns=columns(),
        lock_columns=True,
    )
    return wr.Report(
        entity=entity,
        project=project,
        title=REPORT,
        description="Built by `repro dashboard`, which updates it when it is run again.",
        width="fluid",
        blocks=[
            wr.TableOfContents(),
            wr.H1("Error against exact"),
            wr.PanelGrid(runsets=[evolutions], panels=[error(_config("n_sites"), HALF), error(_config("Jy"), HALF)]),
            wr.PanelGrid(runsets=[runs("points", [train])], panels=[couplings("Jy", HALF), couplings("g", HALF)]),
            wr.H1("Convergence of the searches"),
            wr.PanelGrid(runsets=[runs("searches", [train, searches])], panels=[convergence(WIDE)]),
            wr.H1("Runs"),
            wr.PanelGrid(runsets=[sorted_runs], panels=[]),
            wr.H1("What was reproduced"),
            wr.MarkdownBlock(text=ledger_table()),
            wr.H1("What a step costs"),
            wr.PanelGrid(runsets=[runs("points", [train])], panels=[cost(WIDE)]),
            wr.H1("Figures"),
            wr.PanelGrid(runsets=[runs("figures", [ws.Metric("JobType") == PLOT])], panels=[drawings(WIDE)]),
        ],
    )


def error(by: wr.Config, width: int = 8) -> wr.LinePlot:
    """Distance from the exact curve over an evolution, one line for each value of a setting."""
    return wr.LinePlot(
        title=f"Error against exact, by {by.name}", x=T, y=[DEVIATION], log_y=True, title_x="t (1/gamma)", groupby=by,
        groupby_aggfunc="mean", groupby_rangefunc="minmax", layout=wr.Layout(w=width, h=8),
    )  # fmt: skip


def convergence(width: int = 8) -> wr.LinePlot:
    """The loss of the searches, by number of strings."""
    return wr.LinePlot(
        title="Convergence of the searches", x=ITERATION, y=[LOSS], log_y=True, groupby=_config("strings"),
        groupby_aggfunc="mean", groupby_rangefunc="minmax", layout=wr.Layout(w=width, h=8),
    )  # fmt: skip


def couplings(name: str, width: int = 8) -> wr.ScatterPlot:
    """The final error over a coupling, coloured by seed."""
    return wr.ScatterPlot(
        title=f"Final error over {name}", x=_config(name), y=wr.SummaryMetric(DEVIATION), z=_config("seed"),
        layout=wr.Layout(w=width, h=8),
    )  # fmt: skip


def ledger(width: int = 8) -> wr.MarkdownPanel:
    """The verdicts on the paper's claims."""
    return wr.MarkdownPanel(markdown=ledger_table(), layout=wr.Layout(w=width, h=8))


def cost(width: int = 8) -> wr.LinePlot:
    """Seconds of a row (a time step, or twenty iterations) over the rows, by number of sites."""
    return wr.LinePlot(
        title="Seconds per step, by number of sites", x="Step", y=[SECONDS_PER_STEP], log_y=True,
        groupby=_config("n_sites"), groupby_aggfunc="mean", groupby_rangefunc="minmax", layout=wr.Layout(w=width, h=8),
    )  # fmt: skip


def drawings(width: int = 8) -> wr.MediaBrowser:
    """The figures that runs have drawn, under the names of their files."""
    names = experiments().names()
    keys = [path.stem for path in sorted((RESULTS / "figures").glob("*.png")) if path.stem.split("_")[0] in names]
    return wr.MediaBrowser(title="Figures", media_keys=keys, num_columns=1, layout=wr.Layout(w=width, h=8))


def columns() -> list[str]:
    """Of the table of runs: settings, the last mean beside exact, the distance, the time."""
    settings = [f"config:{_config(name).name}.value" for name in ("layers", "width", "strings", "seed")]
    means = [f"summary:{name}" for name in (SIGMA_Z, exact_of(SIGMA_Z), DEVIATION)]
    return ["run:displayName", *settings, *means, "summary:_runtime"]


def ledger_table() -> str:
    """The shipped ledger in Markdown: claim, where, verdict."""
    rows = [(row["claim"], row["where"], row["verdict"]) for row in read_ledger(RESULTS / "claims.csv")]
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in [("claim", "where", "verdict"), *rows]]
    return "\n".join(f"| {line} |" for line in [lines[0], "--- | --- | ---", *lines[1:]])


def _config(name: str) -> wr.Config:
    """A setting of points; wandb keeps it under its name."""
    assert name in all_leaves(Point), f"points have no setting '{name}'"
    return wr.Config(name)
