"""torchrun, and a stub of srun, start two processes (gloo on CPUs) that share a point's samples."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from repro.running import checkpoints
from repro.running.folders import CHECKPOINT, finished, point_folder
from repro.utils.result_table import read_table
from tests.helpers.paths import ROOT
from tests.helpers.processes import descendants
from tests.helpers.waiting import wait_for
from tests.running.test_devices import ITERATIONS, SHARED, shared_point

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

COMMAND = (sys.executable, "-m", "repro")
ALONE = (*SHARED[: SHARED.index("--devices")], *SHARED[SHARED.index("--devices") + 2 :])
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port")
EPOCHS = ITERATIONS // 20
# What srun sets for the tasks of a step on one node, as far as anything here or in Lightning reads it.
STEP = {
    "SLURM_JOB_ID": "71", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2",
    "SLURM_NNODES": "1", "SLURM_NODEID": "0", "SLURM_NODELIST": "127.0.0.1", "SLURM_JOB_NAME": "stub",
}  # fmt: skip


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def started(command: tuple[str, ...], folder: Path, **variables: str) -> subprocess.Popen[str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "RANK", "WORLD", "MASTER"))
    }
    return subprocess.Popen(
        command,
        cwd=folder,
        env=kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def of_rank(rank: int, agent: int) -> list[int]:
    """Processes below torchrun's that it numbered so."""
    return [pid for pid in descendants(agent) if f"RANK={rank}".encode() in environment(pid)]


def environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def check_finished(folder: Path) -> None:
    point = shared_point()
    assert finished(folder / "runs", point)
    rows = (point_folder(folder / "runs", point) / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + 1 + EPOCHS  # header, start, epochs
    assert set(read_table(folder / "runs" / "fig4" / "smoke-changed" / "table.csv")["n_samples"]) == {40}


def test_torchrun_a_killed_rank_and_the_rest_by_one_process(tmp_path: Path) -> None:
    point = shared_point()
    saved = point_folder(tmp_path / "runs", point) / CHECKPOINT
    run = started((*TORCHRUN, free_port(), *COMMAND[1:], *SHARED), tmp_path)
    wait_for(saved.exists, 400)
    os.kill(of_rank(1, run.pid)[-1], signal.SIGKILL)
    said = run.communicate(timeout=300)[0]
    assert run.returncode != 0, said
    assert not finished(tmp_path / "runs", point)
    before = len(checkpoints.load(saved, point)["history"])
    assert 1 <= before <= EPOCHS

    alone = started((*COMMAND, *ALONE), tmp_path)
    assert alone.communicate(timeout=400)[0]
    assert alone.returncode == 0
    check_finished(tmp_path)


EVOLUTION = (
    *("run", "fig4", "--profile", "smoke", "--only", "a-dyn-1x32-0s-Jy1.8", "--wandb", "disabled", "--jobs", "1"),
    *("--estimator", "sampled", "--n-samples", "8", "--devices", "2", "--step-iterations", "2", "--tau", "0.05"),
)


def test_torchrun_takes_up_a_shorter_evolution(tmp_path: Path) -> None:
    for t_end in ("0.2", "0.4"):
        run = started((*TORCHRUN, free_port(), *COMMAND[1:], *EVOLUTION, "--t-end", t_end), tmp_path)
        said = run.communicate(timeout=300)[0]
        assert run.returncode == 0, said
    histories = sorted((tmp_path / "runs" / "points").glob("*/history.csv"), key=lambda path: path.stat().st_size)
    shorter, longer = (path.read_text().splitlines() for path in histories)
    # the longer one has the rows of the shorter one, seconds too
    assert len(shorter) == 1 + 3 and len(longer) == 1 + 5 and longer[:4] == shorter


def test_a_step_of_srun(tmp_path: Path) -> None:
    port = free_port()
    ranks = [
        started((*COMMAND, *SHARED), tmp_path, **STEP, MASTER_PORT=port, SLURM_PROCID=rank, SLURM_LOCALID=rank)
        for rank in ("0", "1")
    ]
    said = [rank.communicate(timeout=500)[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], said
    assert "table and figure" in said[0] and "table and figure" not in said[1]
    check_finished(tmp_path)
