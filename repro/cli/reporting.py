"""Subcommands about results: exact references, drawings, shipping. Fields are options; docstrings are their help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tyro

from repro.cli.argument_checks import computed_folder
from repro.cli.command import DEFAULT_RUNS
from repro.cli.selection import Overrides, select_points
from repro.config.listed import profile_of
from repro.reporting.drawing import draw_run, draw_shipped
from repro.utils.errors import InputError
from repro.utils.files import check_file, check_folder, check_writable, write_atomic
from repro.utils.paths import RESULTS, SOURCE, experiments


@dataclass
class Reference:
    """Compute the exact QuTiP curves that a figure's points are compared with.

    Beyond ten sites they have errors and take minutes to hours each: evolutions of chains and rings come from matrix
    products; other evolutions, those that matrix products do not reach, and steady states from quantum trajectories, up
    to 16 sites QuTiP's, up to 26 as circuits of gates (qsim).
    """

    figure: tyro.conf.Positional[str]
    """which figure"""
    profile: str = "paper"
    """smoke, quick, workstation or paper"""
    only: tuple[str, ...] = ()
    """names, ids or panels of points whose values are wanted, as for `repro run`"""
    runs: Path = DEFAULT_RUNS
    """new references go to its folder `reference`"""
    second_route: Path | None = None
    """write the steady states of trajectories beside those of the infinite chain, matrix products, into this table"""
    mean_field: bool = False
    """say how far mean field, without correlations, and the shipped results are from exact"""

    def run(self) -> int:
        """Find or compute each."""
        from repro.references import beyond, of_point
        from repro.reporting.mean_field_table import check_shown, distances
        from repro.reporting.second_route import second_route

        profile = profile_of(self.profile)
        if self.mean_field:
            check_shown(self.figure)
        points = [listed.point for listed in select_points(self.figure, profile, self.only, Overrides())]
        check_writable(self.runs)
        if self.second_route is not None:
            check_file(self.second_route)
        wanted = points if self.only else [*points, *experiments().load(self.figure).exact_line(profile)]
        of_point.prepare(wanted, self.runs, print)
        beyond.prepare_beyond(wanted, self.runs, partial(print, flush=True))
        print(f"every exact curve of {'these points of ' if self.only else ''}{self.figure} ({profile}) is there")
        if self.second_route is not None:
            line = experiments().load(self.figure).exact_line(profile)
            table = second_route(line, self.runs, partial(print, flush=True))
            print(write_atomic(self.second_route, table.to_csv(index=False, lineterminator="\n")))
        if self.mean_field:
            print(distances(self.figure, RESULTS))
        return 0


@dataclass
class Plot:
    """Draw a figure from its table: the shipped one, or one computed here."""

    figure: tyro.conf.Positional[str] = ""
    """which figure"""
    all: bool = False
    """every figure that has a shipped table"""
    profile: str = ""
    """draw what this machine computed with this profile instead of the shipped table"""
    runs: Path = DEFAULT_RUNS
    """folder of computed points"""
    out: Path = DEFAULT_RUNS / "figures"
    """where the drawings go"""

    def run(self) -> int:
        """Draw."""
        shipped = [name for name in experiments().names() if (RESULTS / f"{name}.csv").exists()]
        if bool(self.figure) == self.all:
            raise InputError("plot: expected a figure or --all, one of them")
        check_folder(self.runs)
        check_folder(self.out)
        for name in shipped if self.all else [self.figure]:
            experiments().load(name)
            for path in self._draw(name, shipped):
                print(path)
        return 0

    def _draw(self, name: str, shipped: Sequence[str]) -> Sequence[Path]:
        if self.profile:
            return draw_run(name, computed_folder(self.runs, name, self.profile))
        if name not in shipped:
            raise InputError(f"figure '{name}' has no shipped table; draw a computed one with --profile")
        return draw_shipped(name, RESULTS, self.out)


@dataclass
class Publish:
    """Ship a figure: the best computed profile of each of its points goes to results/, where git keeps it.

    Every point of the quick profile must be finished; points of the paper profile replace them as they are computed.
    """

    figure: tyro.conf.Positional[str]
    """which figure"""
    partial: bool = False
    """ship what is finished, even if points of the quick profile are missing"""
    states: bool = False
    """of points whose tables are shipped already ship the trained states, and nothing else"""
    runs: Path = DEFAULT_RUNS
    """folder of computed points"""
    results: Path = RESULTS
    """folder of shipped results"""

    def run(self) -> int:
        """Write tables, trained states, exact curves and drawings."""
        from repro.reporting.ship import ship

        experiments().load(self.figure)
        check_folder(self.runs)
        if self.states:
            return self._states()
        check_file(self.results / f"{self.figure}.csv")
        written = ship(self.figure, self.partial, self.runs, self.results)
        for path in (*written, *draw_shipped(self.figure, self.results, self.results / "figures")):
            print(path)
        return 0

    def _states(self) -> int:
        from repro.states.shipping import ship_states

        for path in ship_states(self.figure, self.runs, self.results):
            print(path)
        return 0


@dataclass
class Claims:
    """Judge every claim of the paper from the shipped tables alone: results/claims.csv and CLAIMS.md."""

    results: Path = RESULTS
    """folder of shipped results"""
    out: Path = SOURCE / "CLAIMS.md"
    """the page for people"""

    def run(self) -> int:
        """Write both and print the verdicts."""
        from repro.claims.ledger import summary, write_ledger

        _check_tables("claims", self.results)
        check_file(self.results / "claims.csv")
        check_file(self.out)
        ledger = write_ledger(self.results, self.out)
        for row in ledger.to_dict("records"):
            print(f"{row['number']:>2}  {row['verdict']:24s} {row['claim']}\n    {row['reason']}")
        print(summary(ledger))
        return 0


@dataclass
class Error:
    """Estimate how far off results probably are, without an exact curve: from seeds and from controls.

    A problem needs two seeds or more. Where an exact curve exists, the last columns say whether the estimate holds.
    """

    figure: tyro.conf.Positional[str]
    """which figure"""
    profile: str = ""
    """estimate from what this machine computed with this profile instead of the shipped table"""
    runs: Path = DEFAULT_RUNS
    """folder of computed points"""

    def run(self) -> int:
        """Print a row per problem and observable, and how many are covered."""
        from repro.reporting.error_estimate import estimates, printed
        from repro.utils.result_table import read_table

        experiments().load(self.figure)
        shipped = RESULTS / f"{self.figure}.csv"
        computed = computed_folder(self.runs, self.figure, self.profile) if self.profile else None
        print(printed(estimates(read_table(computed / "table.csv" if computed else shipped))))
        return 0


@dataclass
class Report:
    """Build the report, one HTML page from shipped files alone: figures, deviations, claims, settings, versions."""

    results: Path = RESULTS
    """folder of shipped results"""
    out: Path = RESULTS / "report.html"
    """the page"""
    markdown: bool = False
    """print the table of docs/gallery.md instead"""

    def run(self) -> int:
        """Write it."""
        from repro.reporting.report import build_report, overview_markdown

        _check_tables("report", self.results)
        check_file(self.out)
        print(overview_markdown(self.results) if self.markdown else build_report(self.results, self.out))
        return 0


def _check_tables(command: str, results: Path) -> None:
    if not results.is_dir() or not list(results.glob("*.csv")):
        raise InputError(f"{command}: no tables in '{results}'")


@dataclass
class Sync:
    """Upload the offline wandb runs of a folder; those that are uploaded already are left out."""

    runs: Path = DEFAULT_RUNS
    """folder of computed points"""

    def run(self) -> int:
        """Upload."""
        from repro.running.sync import sync

        check_folder(self.runs)
        return 1 if sync(self.runs, partial(print, flush=True)) else 0
