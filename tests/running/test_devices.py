"""Several processes share a point's samples: gloo on CPUs stands for GPUs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from repro.config.listed import Listed
from repro.config.point import Point, point_of
from repro.methods import losses
from repro.methods.build import build_ansatz, seeded_generator
from repro.methods.sampled import Sampled
from repro.methods.variational import VariationalModule
from repro.running import checkpoints
from repro.running.devices import check_processes, check_shares
from repro.running.folders import CHECKPOINT, RunSettings, finished, point_folder
from repro.utils.errors import InputError
from repro.utils.result_table import read_table

POINT = point_of(lattice="ring", n_sites=4, estimator="sampled", n_samples=40, width=8, feedforward=4, iterations=1)
SHARE = 40 // 2


class GradientKeeper(VariationalModule):
    """Writes the first averaged gradient."""

    def __init__(self, point: Point, path: Path) -> None:
        super().__init__(point)
        self.path = path

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        grads = {name: p.grad for name, p in self.model.named_parameters()}
        torch.save(grads, self.path.with_suffix(f".{self.global_rank}"))


def drawn(rank: int) -> torch.Tensor:
    """What a rank draws in the first iteration."""
    generator = seeded_generator(torch.device("cpu"), POINT.seed, rank, 0, 0)
    return build_ansatz(POINT).sample(SHARE, generator)


def test_two_ranks_have_the_gradient_of_the_union_of_their_samples(tmp_path: Path) -> None:
    module = GradientKeeper(POINT, tmp_path / "gradient")
    trainer = pl.Trainer(
        accelerator="cpu", devices=2, strategy="ddp_spawn", max_epochs=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module)
    model = build_ansatz(POINT)
    estimator = module.estimator
    assert isinstance(estimator, Sampled)
    union_BN = torch.cat([drawn(0), drawn(1)])
    assert len(torch.unique(union_BN, dim=0)) > SHARE
    losses.variational(estimator.evaluate_at(model, union_BN))[0].backward()
    for rank in (0, 1):
        found = torch.load(tmp_path / f"gradient.{rank}", weights_only=True)
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None
            assert torch.allclose(found[name], parameter.grad, rtol=1e-4, atol=1e-6), name


def test_ranks_never_draw_alike() -> None:
    assert not torch.equal(drawn(0), drawn(1))
    assert torch.equal(drawn(1), drawn(1))


RUN = [sys.executable, "-m", "repro.cli", "run", "fig4", "--profile", "smoke", "--only", "a-var-1x32-0s-Jy1.8"]
SHARED = ["--estimator", "sampled", "--n-samples", "40", "--devices", "2"]


def point(**changes: int) -> Listed:
    from experiments import load

    listed = next(p for p in load("fig4").points("smoke") if p.panel == "a" and p.label == "var-1x32-0s-Jy1.8")
    return listed.change(estimator="sampled", n_samples=40, **changes)


def test_the_command_shares_a_point(tmp_path: Path) -> None:
    command = [*RUN, *SHARED, "--iterations", "45"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    table = read_table(tmp_path / "runs" / "fig4" / "smoke-changed" / "table.csv")
    assert set(table["n_samples"]) == {40}
    rows = (point_folder(tmp_path / "runs", point(iterations=45)) / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + 4  # header, start, three epochs


def _descendants(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    children = [int(word) for word in found]
    return children + [below for child in children for below in _descendants(child)]


def _rank_processes(pid: int) -> list[int]:
    """The deepest descendants that use the processor: ranks of the fit."""
    return [p for p in _descendants(pid) if not _descendants(p) and "spawn_main" in _command(p)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_rank_ends_the_run_with_a_message_and_the_checkpoint_intact(tmp_path: Path) -> None:
    command = [*RUN, *SHARED, "--iterations", "100000"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    long = point(iterations=100_000)
    checkpoint = point_folder(tmp_path / "runs", long) / CHECKPOINT
    deadline = time.monotonic() + 120
    while not checkpoint.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(_rank_processes(process.pid)[-1], signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    failed = [line for line in said.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1  # the surviving rank may also say, at length, that its peer is gone
    assert "run the same command again to continue from the last checkpoint" in failed[0]
    assert checkpoints.load(checkpoint, long)["history"]
    assert not finished(tmp_path / "runs", long)


def test_what_cannot_be_shared_is_refused() -> None:
    with pytest.raises(InputError, match="enumeration runs on one device"):
        check_shares(point_of(), 2)
    with pytest.raises(InputError, match="expected a multiple of 3"):
        check_shares(POINT, 3)
    check_shares(POINT, 2)
    with pytest.raises(InputError, match="srun or torchrun"):
        check_processes("cpu", 2, 2)
    with pytest.raises(InputError, match="CUDA devices"):
        check_processes("cuda", torch.cuda.device_count() + 1, 1)
    assert RunSettings(Path(), devices=2, nodes=3).ranks == 6
