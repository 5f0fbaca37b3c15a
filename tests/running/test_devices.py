"""Several processes share a point's samples: gloo on CPUs stands for GPUs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from threading import Thread

import pytest
import pytorch_lightning as pl
import torch

from experiments import load
from repro.cli.main import main
from repro.config.listed import Listed
from repro.config.point import Point, point_of
from repro.methods import losses
from repro.methods.build import build_ansatz, seeded_generator
from repro.methods.sampled import Sampled
from repro.methods.variational import VariationalModule
from repro.running import checkpoints
from repro.running.devices import at_once, check_processes, check_shares, of_worker
from repro.running.folders import CHECKPOINT, RunSettings, finished, point_folder
from repro.utils.errors import InputError
from repro.utils.result_table import read_table
from tests.helpers.command_line import RUN
from tests.helpers.processes import children, command_line, descendants
from tests.helpers.waiting import wait_for

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


ITERATIONS = 240  # enough that a rank can be killed in the middle
SHARED = (
    *(*RUN, "--only", "a-var-1x32-0s-Jy1.8", "--wandb", "disabled", "--jobs", "1"),
    *("--estimator", "sampled", "--n-samples", "40", "--devices", "2", "--iterations", str(ITERATIONS)),
)


def shared_point() -> Listed:
    """The point of that command."""
    listed = next(p for p in load("fig4").points("smoke") if p.panel == "a" and p.label == "var-1x32-0s-Jy1.8")
    return listed.change(estimator="sampled", n_samples=40, iterations=ITERATIONS)


def rank_processes() -> list[int]:
    """The ranks of a fit that this process has started: its deepest descendants that compute."""
    return [pid for pid in descendants(os.getpid()) if not children(pid) and "spawn_main" in command_line(pid)]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_rank_ends_the_run_and_the_same_command_shares_the_point_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    point = shared_point()
    folder = point_folder(tmp_path / "runs", point)

    def kill_a_rank() -> None:
        wait_for((folder / CHECKPOINT).exists)
        os.kill(rank_processes()[-1], signal.SIGKILL)

    thread = Thread(target=kill_a_rank)
    thread.start()
    assert main(SHARED) == 1
    thread.join()
    failed = [line for line in capfd.readouterr().err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1  # the surviving rank may also say, at length, that its peer is gone
    assert "run the same command again to continue from the last checkpoint" in failed[0]
    saved = checkpoints.load(folder / CHECKPOINT, point)["history"]
    assert 1 <= len(saved) < 1 + ITERATIONS // 20
    assert not finished(tmp_path / "runs", point)

    assert main(SHARED) == 0
    assert set(read_table(tmp_path / "runs" / "fig4" / "smoke-changed" / "table.csv")["n_samples"]) == {40}
    rows = (folder / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + 1 + ITERATIONS // 20  # header, start, epochs of 20 iterations


def test_processes_go_round_the_gpus_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert [of_worker("cuda", 1, k) for k in (0, 3, 4)] == ["cuda:0", "cuda:3", "cuda:0"]
    assert [of_worker("cuda:2", 1, 1), of_worker("cpu", 1, 1), of_worker("cuda", 4, 1)] == ["cuda:2", "cpu", "cuda"]


def test_so_many_points_meet_on_one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert [at_once("cuda", 1, jobs) for jobs in (1, 4, 5, 9)] == [1, 1, 2, 3]
    assert at_once("cuda:1", 1, 5) == at_once("cpu", 1, 5) == at_once("cuda", 2, 5) == 5
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert at_once("cuda", 1, 5) == 5


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
