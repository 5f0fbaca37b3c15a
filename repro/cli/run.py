"""`repro run`: compute a figure. Fields are options; docstrings are their help."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro
from rich.console import Console

from repro.cli.command import DEFAULT_RUNS
from repro.cli.listing import show
from repro.cli.selection import Overrides, changes_of, exact_line_of, select_of_figures
from repro.config.estimator import Enumeration
from repro.config.listed import CHANGED, Listed, profile_of
from repro.config.point import Point
from repro.reporting.drawing import draw_run
from repro.running.cluster_options import ClusterOptions, default_jobs
from repro.utils import warn_once
from repro.utils.errors import InputError
from repro.utils.files import check_writable
from repro.utils.paths import experiments
from repro.utils.validation import MOST_PROCESSES, check_int, check_memory

if TYPE_CHECKING:
    from repro.references.cache import Reference
    from repro.running.folders import RunSettings

ALL = "all"


@dataclass
class Run:
    """Compute a figure's points, write its table, draw it, and say how far each point is from exact.

    Finished points are skipped and interrupted ones continue, so running the same command again is always safe.
    Examples: `repro run fig4 --profile smoke`, `repro run fig4 --only 'b-*'`,
    `repro run fig4 --only 'dyn-*Jy1.8' --Jy 1.35`.
    """

    figure: tyro.conf.Positional[str]
    """which figure, see `repro list`; "all" for every one, points that figures share computed once; with --only or
    changed settings those figures that have such points"""
    profile: str = "quick"
    """smoke (tiny lattices, under a minute), quick (15 minutes on two cores), workstation (every point that hours
    on two cores can pay for) or paper (the paper's settings)"""
    only: tuple[str, ...] = ()
    """names, ids or panels of the points wanted (see --list); * and ? match, several may be given"""
    list: bool = False
    """show the points and stop"""
    collect: bool = False
    """compute nothing: table and drawing of what is finished, such as points that other machines computed"""
    jobs: int | None = None
    """points at a time; by default one for every core, and with --launcher slurm as many as the cluster gives"""
    threads: int = 1
    """CPU threads of each point"""
    device: str = "cpu"
    """cpu, cuda or cuda:N; with cuda, points side by side go round the GPUs of this machine"""
    devices: int = 1
    """GPUs (or CPU processes) of a node that share the samples of each point"""
    nodes: int = 1
    """nodes that do; --launcher slurm asks for them, otherwise start the command on each with srun or torchrun"""
    memory: float = 4.0
    """GiB that one evaluation of the sampled estimator may take; larger batches go through in parts"""
    graphs: bool = False
    """on a GPU, record an iteration of exact sums (Eqs. 4, 5, S25) as a CUDA graph and replay it; others run as ever"""
    runs: Path = DEFAULT_RUNS
    """folder for everything computed"""
    wandb: str = ""
    """online, offline or disabled; by default WANDB_MODE, else online with a key and offline without"""
    cluster: tyro.conf.OmitArgPrefixes[ClusterOptions] = field(default_factory=ClusterOptions)
    change: tyro.conf.OmitArgPrefixes[Overrides] = field(default_factory=Overrides)  # type: ignore[valid-type]
    """fields to change, of those chosen points that have them"""

    def run(self) -> int:
        """Compute, write, draw, sum up."""
        self.profile = profile_of(self.profile)
        figures = experiments().names() if self.figure == ALL else (self.figure,)
        chosen = select_of_figures(figures, self.profile, self.only, self.change)
        if self.list:
            return show(chosen, self.runs)

        points = [point for of_figure in chosen.values() for point in of_figure]
        console = Console(stderr=True)
        if self.collect:
            return self._collect(chosen, console)
        settings = self._settings(points)
        with warn_once.of_command(self.runs):
            return self._compute(chosen, points, settings, console)

    def _compute(
        self, chosen: Mapping[str, Sequence[Listed]], points: Sequence[Listed], settings: RunSettings, console: Console
    ) -> int:
        from repro.references.of_point import prepare
        from repro.running.devices import first_rank

        lines: list[Point] = []
        for figure in chosen:
            lines += exact_line_of(figure, self.profile, changes_of(self.change))
        made = prepare(
            [*(listed.point for listed in points), *lines],
            self.runs,
            lambda name: console.print(f"exact {name}: computing", highlight=False),
        )
        if first_rank():
            _track_references(self, made)
        failures = self._launch(points, settings, console)
        for label, reason in failures.items():
            console.print(f"failed: {label}: {reason}", markup=False, highlight=False, soft_wrap=True)
        if first_rank() and not self.cluster.detach:
            for figure, of_figure in chosen.items():
                self._finish(figure, of_figure, console)
        return 1 if failures else 0

    def _launch(self, points: Sequence[Listed], settings: Any, console: Console) -> dict[str, str]:
        if self.cluster.launcher == "here":
            from repro.running import launch

            return launch.run_points(points, settings, default_jobs(self.jobs), console)
        from repro.running import cluster

        name = f"{self.figure}-{self.profile}"
        return cluster.run_points(points, settings, self.cluster, self.jobs, name, console)

    def _collect(self, chosen: Mapping[str, Sequence[Listed]], console: Console) -> int:
        from repro.running.folders import finished

        check_writable(self.runs)
        for figure, points in chosen.items():
            done = sum(finished(self.runs, point) for point in points)
            console.print(f"{figure}: {done} of {len(points)} points are finished", highlight=False)
            self._finish(figure, points, console)
        return 0

    def _settings(self, points: Sequence[Listed]) -> Any:
        from repro.ansatz.string_mixture import check_enumerable
        from repro.methods.batch_size import GIB
        from repro.running.devices import at_once, check_shares
        from repro.running.folders import RunSettings, finished
        from repro.running.memory_check import check_fits
        from repro.running.tracking_mode import resolve_mode

        for name in ("jobs", "threads", "devices", "nodes"):
            if getattr(self, name) is not None:
                check_int(name, getattr(self, name), 1, MOST_PROCESSES)
        check_memory(self.memory)
        for listed in points:
            if isinstance(listed.point.estimator, Enumeration):
                check_enumerable(listed.point.lattice.n_sites)
            check_shares(listed.point, self.devices * self.nodes)
        self._check_machine()
        tracking = resolve_mode(self.wandb or None)
        memory = int(self.memory * GIB)
        if self.cluster.launcher != "slurm":
            left = [listed.point for listed in points if not finished(self.runs, listed)]
            check_fits(left, at_once(self.device, self.devices, default_jobs(self.jobs)), memory, self.device)
        check_writable(self.runs)
        return RunSettings(
            self.runs, self.device, self.threads, tracking, memory, self.devices, self.nodes, self.graphs
        )

    def _check_machine(self) -> None:
        """Where jobs compute elsewhere, what this machine has does not matter."""
        from repro.ansatz.replay import recorder_of
        from repro.running.devices import check_device, check_device_name, check_processes

        self.cluster.check()
        if self.graphs:
            recorder_of(self.device)
        if self.cluster.launcher == "slurm":
            check_device_name(self.device)
            if ":" in self.device:
                raise InputError(f"device '{self.device}' with launcher slurm: expected cpu or cuda")
            return
        check_device(self.device)
        check_processes(self.device, self.devices, self.nodes)

    def _finish(self, figure: str, points: Sequence[Listed], console: Console) -> None:
        from repro.reporting import assemble
        from repro.reporting.summary import observables_of, print_headline, print_summary
        from repro.reporting.unphysical import print_unphysical

        changes = changes_of(self.change)
        changed = bool(changes)
        folder = self.runs / figure / f"{self.profile}{CHANGED if changed else ''}"
        module = experiments().load(figure)
        everything = points if changed else module.points(self.profile)
        losses = getattr(module, "LOSSES", False)
        line = exact_line_of(figure, self.profile, changes)
        table = assemble.write_figure(figure, everything, line, self.runs, folder, losses, not self.collect)
        drawn = draw_run(figure, folder)
        _track_figure(self, figure, drawn, folder)
        for observable in observables_of(table) if len(table) else ():
            print_summary(table, sys.stdout, observable)
        print_unphysical(table, sys.stdout)
        print_headline(table, sys.stdout)
        console.print(f"table and figure: {folder}", markup=False, highlight=False, soft_wrap=True)


def _track_references(command: Run, made: Mapping[str, Reference]) -> None:
    """Exact curves that had to be computed, as wandb runs of job type reference."""
    from repro.running.tracking import REFERENCE, Tracker
    from repro.running.tracking_mode import resolve_mode

    mode = resolve_mode(command.wandb or None)
    for name, reference in made.items():
        settings = {**reference.info, "point_id": reference.info["key"]}
        with Tracker(
            settings, group=command.figure, name=name, job_type=REFERENCE, folder=command.runs, mode=mode
        ) as run:
            last = reference.table[reference.table["t"] == reference.t_end]
            run.summary(dict(zip(last["observable"], last["mean"], strict=True)))


def _track_figure(command: Run, figure: str, drawn: Sequence[Path], folder: Path) -> None:
    """The finished figure and its table as artifacts of a wandb run of job type plot."""
    from repro.running.tracking import PLOT, Tracker
    from repro.running.tracking_mode import resolve_mode

    name = f"{figure}-{command.profile}"
    settings = {"figure": figure, "profile": command.profile, "point_id": name}
    mode = resolve_mode(command.wandb or None)
    with Tracker(settings, group=figure, name=name, job_type=PLOT, folder=command.runs, mode=mode) as tracker:
        for path in drawn:
            if path.suffix == ".png":
                tracker.image(path, path.stem)
            tracker.artifact(path, f"{name}-{path.stem}-{path.suffix[1:]}", "figure")
        tracker.artifact(folder / "table.csv", f"{name}-table", "table")
