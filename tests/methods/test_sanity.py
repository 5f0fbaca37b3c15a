"""Wrong numbers stop a point, say why, and leave the others and the last good state alone."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from repro.ansatz.string_mixture import StringMixture
from repro.config.listed import Listed
from repro.methods import sanity
from repro.methods.build import build_ansatz
from repro.methods.dynamics import DynamicsModule
from repro.methods.losses import effective_fraction
from repro.methods.module import PointModule
from repro.methods.sanity import WrongNumbersError
from repro.physics.pauli_means import pauli_means
from repro.reporting import assemble
from repro.running import checkpoints, events
from repro.running.folders import finished, point_folder
from repro.utils.result_table import read_exactly
from tests.helpers.points import COUPLED, EVOLVED, SEARCHED, history, run


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_loss_that_is_not_finite(value: float) -> None:
    with pytest.raises(WrongNumbersError, match="loss is not finite at here"):
        sanity.check_loss(value, 1.0, "here")


def test_loss_that_explodes() -> None:
    sanity.check_loss(sanity.EXPLOSION, 0.001, "here")
    with pytest.raises(WrongNumbersError, match=r"loss = 2\.5e\+03 at here: it has exploded .*began with 0\.5"):
        sanity.check_loss(2500.0, 0.5, "here")
    sanity.check_loss(2500.0, 5.0, "here")


def test_gradient_that_is_not_finite() -> None:
    good, bad, unused = (torch.nn.Parameter(torch.zeros(3)) for _ in range(3))
    good.grad, bad.grad = torch.ones(3), torch.ones(3)
    sanity.check_gradients([good, bad, unused], "here")
    bad.grad[1] = math.nan
    with pytest.raises(WrongNumbersError, match="gradient is not finite at here"):
        sanity.check_gradients([good, bad, unused], "here")


def test_probabilities_that_do_not_sum_to_one() -> None:
    p = torch.full((4, 4), 1 / 16)
    sanity.check_normalised(p, "here")
    for wrong in (p * 1.002, p * 0.998, p * math.nan):
        with pytest.raises(WrongNumbersError, match=r"sum to .* at here: expected one"):
            sanity.check_normalised(wrong, "here")


def test_draws_that_count_for_nothing() -> None:
    sanity.check_effective_samples({}, 1000, "here")
    sanity.check_effective_samples({"effective_fraction": 0.0}, 0, "here")
    sanity.check_effective_samples({"effective_fraction": 0.0021}, 1000, "here")
    with pytest.raises(WrongNumbersError, match=r"1000 draws count as 1\.9 at here"):
        sanity.check_effective_samples({"effective_fraction": 0.0019}, 1000, "here")


def test_effective_fraction_against_draws() -> None:
    """Draws from q, weighted by p/q: the variance of their mean weight is (1/f - 1) / N."""
    generator = torch.Generator().manual_seed(3)
    p, q = (torch.rand(64, generator=generator).add(0.05) for _ in range(2))
    p, q = p / p.sum(), q / q.sum()
    f = float(effective_fraction(q, p / q, torch.ones(64)))
    drawn = torch.multinomial(q, 400_000, replacement=True, generator=generator)
    weights = (p / q)[drawn].double()
    assert float(weights.var() / weights.mean() ** 2) == pytest.approx(1 / f - 1, rel=0.02)


SPOILED = {
    "loss": "loss is not finite at epoch 3, iteration 2",
    "gradient": "gradient is not finite at epoch 3, iteration 2",
    "probability": "the probabilities sum to 1.5 at epoch 3: expected one",
    "state": "sigma_z is not finite at the end of epoch 3",
}


def spoil(what: str, patch: pytest.MonkeyPatch) -> None:
    """From the third epoch on one thing is wrong."""
    step, all_probs, measure = PointModule.training_step, StringMixture.all_probs, PointModule.measure

    def spoiled_step(self: PointModule, batch: int, batch_idx: int) -> torch.Tensor:
        now = (self.current_epoch, batch_idx) == (2, 1)
        if now and what == "loss":
            patch.setattr(self, "loss", lambda generator: (torch.tensor(math.nan), {"loss": torch.tensor(math.nan)}))
        loss = step(self, batch, batch_idx)
        return loss * math.nan if now and what == "gradient" else loss

    def spoiled_probs(self: StringMixture) -> torch.Tensor:
        return all_probs(self) * (1.5 if wrong["now"] and what == "probability" else 1.0)

    def spoiled_measure(self: PointModule) -> dict[str, float]:
        wrong["now"] = self.current_epoch == 2
        row = measure(self)
        return row | ({"sigma_z": math.nan} if wrong["now"] and what == "state" else {})

    wrong = {"now": False}
    patch.setattr(PointModule, "training_step", spoiled_step)
    patch.setattr(StringMixture, "all_probs", spoiled_probs)
    patch.setattr(PointModule, "measure", spoiled_measure)


@pytest.mark.parametrize("point", [EVOLVED.change(Jy=1.8), COUPLED.change(iterations=70)], ids=["dyn", "var"])
@pytest.mark.parametrize("what", SPOILED)
def test_stopped_with_the_last_good_state(
    what: str, point: Listed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(WrongNumbersError) as caught:
        spoil(what, patch)
        run(point, tmp_path)
    assert str(caught.value) == SPOILED[what]
    folder = point_folder(tmp_path, point)
    assert not finished(tmp_path, point)
    assert events.failure(folder)["reason"] == SPOILED[what]  # type: ignore[index]
    path = checkpoints.usable(folder, point)
    assert path is not None
    rows = checkpoints.load(path, point)["history"]
    assert len(rows) == 3  # the start, and two good epochs
    assert all(math.isfinite(value) for row in rows for value in row.values())

    run(point, tmp_path)  # and once whatever was wrong is mended, it goes on
    assert events.failure(folder) is None
    assert history(folder).equals(history(run(point, tmp_path / "unbroken")))


def test_marked_in_the_failures_of_the_figure(tmp_path: Path) -> None:
    bad = SEARCHED.change(panel="b", learning_rate=1e38)  # overflows
    with pytest.raises(WrongNumbersError):
        run(bad, tmp_path)
    run(SEARCHED, tmp_path)
    for _ in range(2):  # the second time nothing has changed
        table = assemble.write_figure("fig4", [SEARCHED, bad], [], tmp_path, tmp_path / "fig4")
        assert set(table["point_id"]) == {SEARCHED.point_id}
        [failed] = read_exactly(tmp_path / "fig4" / "failures.csv").to_dict("records")
        assert (failed["panel"], failed["point_id"]) == ("b", bad.point_id)
        assert failed["reason"] == "loss is not finite at epoch 1, iteration 2"
    assert assemble.failure_table([SEARCHED], tmp_path).empty


@torch.no_grad()
def test_the_state_at_the_start_passes() -> None:
    p = build_ansatz(COUPLED.point).all_probs()
    sanity.check_normalised(p, "the start")
    sanity.check_finite(pauli_means(p, COUPLED.point.povm), "the start")


@pytest.mark.parametrize("ranks", [1, 4])
def test_effective_draws_are_those_of_one_rank(ranks: int) -> None:
    """A hundred draws of which one counts, and 25 of a rank's of which one does: 0.04 of 25, not of a hundred."""
    module = DynamicsModule(EVOLVED.change(estimator="sampled", n_samples=100).point)
    module.trainer = SimpleNamespace(world_size=ranks, current_epoch=0)  # type: ignore[assignment]
    share = 100 // ranks
    module._stats.append({"loss": torch.tensor(0.0), "effective_fraction": torch.tensor(1 / share)})
    with pytest.raises(WrongNumbersError, match=f"{share} draws count as 1 at"):
        module.end_epoch()
