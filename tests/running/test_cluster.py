"""Points as jobs, by submitit on one machine: the usual numbers, failures kept apart, jobs that start anew."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import pytorch_lightning as pl
from filelock import FileLock
from pytorch_lightning.plugins.environments import LightningEnvironment, SLURMEnvironment
from rich.console import Console

from repro.cli.main import main
from repro.config.listed import Listed
from repro.running import cluster, cluster_options, jobs
from repro.running.callbacks import LeaveSignal
from repro.running.cluster_options import ClusterOptions
from repro.running.devices import environments
from repro.running.folders import CHECKPOINT, RunSettings, finished, point_folder
from repro.running.runner import run_point
from repro.utils.launchers import SRUN
from repro.utils.result_table import read_table
from tests.helpers.points import COUPLED, SEARCHED, history, run
from tests.helpers.tables import same_numbers
from tests.helpers.waiting import send_when, wait_for

RUN = ["run", "fig4", "--profile", "smoke", "--wandb", "disabled", "--only", "a-var-1x32-0s-Jy1.8"]
LOCAL = ClusterOptions(launcher="local")


def launched(points: list[Listed], folder: Path, at_a_time: int = 1) -> tuple[dict[str, str], str]:
    """Compute points as local jobs: failures, and what was said."""
    out = io.StringIO()
    settings = RunSettings(folder, tracking="disabled")
    failures = cluster.run_points(points, settings, LOCAL, at_a_time, "test", Console(file=out, width=200))
    return failures, out.getvalue()


def test_one_failure_leaves_the_others_and_the_usual_numbers(tmp_path: Path) -> None:
    bad = SEARCHED.change(learning_rate=1e38)  # overflows
    failures, said = launched([bad, COUPLED, COUPLED.change(panel="b")], tmp_path / "jobs", at_a_time=2)
    assert list(failures) == [bad.label]
    assert failures[bad.label].startswith("WrongNumbersError: ")
    assert "is not finite" in failures[bad.label]
    assert said.count("<sigma_z>") == 1
    assert not finished(tmp_path / "jobs", bad)
    usual = run(COUPLED, tmp_path / "usual")
    assert history(point_folder(tmp_path / "jobs", COUPLED)).equals(history(usual))
    assert launched([COUPLED], tmp_path / "jobs") == ({}, "1 of 1 points are finished already\n")


@pytest.mark.slow
def test_the_command_writes_the_table_of_the_usual_launcher(tmp_path: Path) -> None:
    tables = []
    for launcher in ("here", "local"):
        folder = tmp_path / launcher
        assert main([*RUN, "--runs", str(folder), "--launcher", launcher, "--jobs", "1"]) == 0
        tables.append(read_table(folder / "fig4" / "smoke" / "table.csv"))
    assert len(tables[0])
    assert same_numbers(*tables)


def _task(controller: str) -> int | None:
    """The process that computes, below the one that stands for the scheduler."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", controller], capture_output=True, text=True).stdout.split()
    return int(found[0]) if found else None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the processes")
def test_a_preempted_job_starts_anew_and_ends_with_the_same_numbers(tmp_path: Path) -> None:
    point = COUPLED.change(iterations=1500)
    here = cluster.Cluster(RunSettings(tmp_path, tracking="disabled"), LOCAL, 1, "test")
    job = here.submit([point])[point]
    try:
        wait_for(lambda: (point_folder(tmp_path, point) / CHECKPOINT).exists())
        first = _task(job.job)
        assert first is not None
        os.kill(first, signal.SIGTERM)  # as ahead of a preemption: it computes on
        os.kill(first, signal.SIGUSR2)  # submitit's signal
        wait_for(lambda: not here.alive(job))
    finally:
        here.cancel()
    assert job.end(tmp_path) == ""
    said = job.log(tmp_path).with_name(f"{job.job}_0_log.out").read_text()
    assert said.count("Requeued job") == 1
    assert said.count("Starting with") == 2
    assert history(point_folder(tmp_path, point)).equals(history(run(point, tmp_path / "usual")))


class Signalled(pl.Callback):
    """Sends this process a signal in the middle of its fit."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch == 0:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_job_computes_on_through_sigterm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    make = pl.Trainer

    def trainer(*, callbacks: list[pl.Callback], **rest: object) -> pl.Trainer:
        return make(callbacks=[Signalled(), *callbacks], **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(pl, "Trainer", trainer)
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    try:
        run_point(SEARCHED, RunSettings(tmp_path, tracking="disabled"))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
    assert finished(tmp_path, SEARCHED)


def test_the_signal_goes_back_to_who_had_it() -> None:
    before = signal.getsignal(signal.SIGTERM)
    leave = LeaveSignal(signal.SIGTERM)
    leave.on_fit_start(None, None)  # type: ignore[arg-type]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    leave.on_train_start(None, None)  # type: ignore[arg-type]
    assert signal.getsignal(signal.SIGTERM) is before


def test_lightning_never_requeues_and_one_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.setenv("SLURM_NTASKS", "2")
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", "2")
    for name in SRUN:
        monkeypatch.setenv(name, "1")
    assert [type(found) for found in environments(1)] == [LightningEnvironment]
    (shared,) = environments(2)
    assert isinstance(shared, SLURMEnvironment)
    assert not shared.auto_requeue
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "some")
    monkeypatch.setenv("RANK", "0")
    assert environments(2) == []


def test_the_same_point_again_at_a_checkpoint() -> None:
    settings = RunSettings(Path("runs"))
    again = cluster.PointJob().checkpoint(COUPLED, settings)
    assert isinstance(again.function, cluster.PointJob)
    assert again.args == (COUPLED, settings)


def test_what_sbatch_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submitit = pytest.importorskip("submitit")
    monkeypatch.setattr(submitit.SlurmExecutor, "affinity", classmethod(lambda cls: 2))
    options = ClusterOptions(
        launcher="slurm", partition="gpu", account="us", time_limit=60, cpus_per_task=3, mem_gb=1.5,
        sbatch=("qos=long", "exclusive"),
    )  # fmt: skip
    settings = RunSettings(tmp_path, device="cuda", devices=4, nodes=2, tracking="disabled")
    executor = cluster.Cluster(settings, options, 5, "fig4-quick")._executor._executor
    executor.parameters["map_count"] = 9
    text = executor._make_submission_file_text("compute", "uid")
    for line in (
        *("job-name=fig4-quick", "partition=gpu", "account=us", "time=60", "nodes=2", "ntasks-per-node=4"),
        *("gpus-per-node=4", "cpus-per-task=3", "mem=1536MB", "qos=long", "exclusive", "requeue"),
        *("array=0-8%5", "signal=USR2@90"),
    ):
        assert f"#SBATCH --{line}\n" in text, line
    assert "export OMP_NUM_THREADS=1\n" in text
    assert "--kill-on-bad-exit=1 --cpus-per-task=3" in text


def test_a_job_that_leaves_the_queue_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue: dict[str, tuple[str, str]] | None = {"7_0": ("RUNNING", "node1")}
    monkeypatch.setattr(jobs, "queue", lambda: queue)
    monkeypatch.setattr(cluster, "QUEUE_POLL_SECONDS", -1.0)
    monkeypatch.setattr(cluster, "GONE_SECONDS", 0.0)
    slurm = cluster.Cluster(RunSettings(tmp_path), ClusterOptions(launcher="slurm"), None, "test")
    job = jobs.Job("7_0", "slurm", "jobs/test")
    assert cluster._reason(COUPLED, job, slurm, {}) is None
    queue = None  # the scheduler does not answer: nothing is given up
    assert cluster._reason(COUPLED, job, slurm, {}) is None
    queue = {}
    reason = cluster._reason(COUPLED, job, slurm, {})
    assert reason and "7_0 was stopped or killed" in reason and "7_0_0_log.err" in reason


def test_points_with_living_jobs_are_not_submitted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = COUPLED.change(seed=1)
    jobs.remember(tmp_path, COUPLED, jobs.Job("7_0", "slurm", "jobs/test"))
    jobs.remember(tmp_path, lost, jobs.Job("7_1", "slurm", "jobs/test"))
    monkeypatch.setattr(jobs, "queue", lambda: {"7_0": ("PENDING", "Priority")})
    submitted: list[Listed] = []

    def submit(self: cluster.Cluster, points: list[Listed]) -> dict[Listed, jobs.Job]:
        submitted.extend(points)
        return {point: jobs.Job("8", "slurm", "jobs/test") for point in points}

    monkeypatch.setattr(cluster.Cluster, "submit", submit)
    settings, out = RunSettings(tmp_path, tracking="disabled"), io.StringIO()
    options = ClusterOptions(launcher="slurm", detach=True)
    assert cluster.run_points([COUPLED, lost], settings, options, None, "test", Console(file=out)) == {}
    assert submitted == [lost]
    assert "1 points have jobs already" in out.getvalue()
    monkeypatch.setattr(jobs, "queue", lambda: None)  # the scheduler does not answer: no job counts as gone
    submitted.clear()
    assert cluster.run_points([COUPLED, lost], settings, options, None, "test", Console(file=out)) == {}
    assert submitted == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads the processes")
def test_ctrl_c_ends_the_jobs_of_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [*RUN, "--runs", str(tmp_path), "--launcher", "local", "--jobs", "1", "--iterations", "1000000"]
    thread = send_when(lambda: list(tmp_path.glob(f"points/*/{CHECKPOINT}")), signal.SIGINT)
    assert main(command) == 130
    thread.join()
    assert "stopped; to go on: repro run fig4" in capsys.readouterr().err
    [lock] = tmp_path.glob("points/*/.lock")
    with FileLock(lock, timeout=60):  # nobody computes on
        pass


def test_ctrl_c_leaves_the_jobs_of_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster_options.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(jobs, "queue", lambda: {"8": ("RUNNING", "node1")})
    monkeypatch.setattr(
        cluster.Cluster, "submit", lambda self, points: {p: jobs.Job("8", "slurm", "jobs/test") for p in points}
    )
    monkeypatch.setattr(cluster.time, "sleep", lambda seconds: os.kill(os.getpid(), signal.SIGINT))
    assert main([*RUN, "--runs", str(tmp_path), "--launcher", "slurm"]) == 130
    assert "the jobs go on: `repro status` shows them, scancel stops them" in capsys.readouterr().err


def test_reasons_are_the_last_line_of_a_traceback() -> None:
    trace = "Traceback (most recent call last):\n  File 'x'\n    raise\nrepro.errors.InputError: device 'cuda': none\n"
    assert jobs._last_line(trace) == "InputError: device 'cuda': none"
    assert jobs._last_line("Traceback (most recent call last):\nMemoryError\n") == "MemoryError"


REFUSED = [
    (["--launcher", "pbs"], "unknown launcher 'pbs' (expected one of: here, local, slurm)"),
    (["--detach"], "--detach with launcher here: expected launcher slurm"),
    (["--partition", "gpu"], "--partition with launcher here: expected launcher slurm"),
    (["--time-limit", "60"], "--time-limit with launcher here: expected launcher slurm"),
    (["--launcher", "local", "--mem-gb", "4"], "--mem-gb with launcher local: expected launcher slurm"),
    (["--sbatch", "qos=long"], "--sbatch with launcher here: expected launcher slurm"),
    (["--launcher", "slurm", "--time-limit", "0"], "time_limit = 0: expected a number above 0"),
    (["--launcher", "slurm", "--mem-gb", "nan"], "mem_gb = nan"),
    (["--launcher", "slurm", "--gpus-per-node", "-1"], "gpus_per_node = -1"),
    (["--launcher", "slurm", "--sbatch", "qos="], "sbatch 'qos=': expected key=value"),
    (["--launcher", "slurm", "--device", "cuda:1"], "device 'cuda:1' with launcher slurm: expected cpu or cuda"),
    (["--launcher", "slurm", "--device", "tpu"], "device 'tpu': expected cpu, cuda"),
    (["--launcher", "slurm", "--jobs", "0"], "jobs = 0: expected at least 1"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=[" ".join(options) for options, _ in REFUSED])
def test_refused_in_one_line_with_nothing_written(
    options: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster_options.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert main([*RUN, *options]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("find_spec", "launcher slurm needs submitit: pip install '.[cluster]'"),
        ("which", "launcher slurm: no 'sbatch'"),
    ],
)
def test_what_is_missing_is_said(
    missing: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    owner = cluster_options if missing == "find_spec" else cluster_options.shutil
    monkeypatch.setattr(owner, missing, lambda name: None)
    assert main([*RUN, "--launcher", "slurm"]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
