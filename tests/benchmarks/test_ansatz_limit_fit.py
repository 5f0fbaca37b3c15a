"""Fits to samples: what a product holds, what a network holds, images, and the table that is completed."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import qutip
import torch
from scipy.stats import entropy

from benchmarks.ansatz_limit import complete as complete_module
from benchmarks.ansatz_limit import samples as samples_module
from benchmarks.ansatz_limit.__main__ import Settings, main
from benchmarks.ansatz_limit.complete import Fits, complete
from benchmarks.ansatz_limit.fit import fit, paired
from benchmarks.ansatz_limit.likelihood import Budget, sampled_loss
from benchmarks.ansatz_limit.outcomes import drawn
from benchmarks.ansatz_limit.problems import Problem
from benchmarks.ansatz_limit.rows import COLUMNS, Table
from benchmarks.ansatz_limit.samples import Samples
from benchmarks.ansatz_limit.variants import VARIANTS, Variant, compared_with, named
from repro.ansatz.strings import symmetries
from repro.physics.lattice import ring
from repro.physics.povm import POVMS
from repro.utils.errors import InputError
from tests.helpers.oracles import probabilities
from tests.helpers.paths import ROOT

PAIR = Problem("2-ring", 1.8, 0.4)
PRODUCT, ONE = VARIANTS[:2]


def silent(text: str) -> None:
    pass


def samples_from(p: np.ndarray, povm: str = "tetrahedral") -> Samples:
    draws_GBN = drawn(p, 100_000, np.random.default_rng(7)).reshape(100, 1000, p.ndim)
    return Samples(povm, draws_GBN[:60], draws_GBN[60:], torch.from_numpy(p), "made")


@pytest.fixture(scope="module")
def singlet() -> Samples:
    """p(a, b) = [1 - v_a v_b] / 16 for tetrahedron vectors: v_a v_b = 1 where a = b, else -1/3."""
    return samples_from((1 - (4 * np.eye(4) - 1) / 3) / 16)


def test_the_singlets_samples_are_qutips(singlet: Samples) -> None:
    expected = probabilities(qutip.singlet_state().proj(), POVMS["tetrahedral"]())
    torch.testing.assert_close(singlet.p, expected, atol=1e-12, rtol=0)


def test_the_product_of_marginals_in_closed_form(singlet: Samples) -> None:
    """Its marginals are 1/4: -log p = 2 log 4 and, of 12 equal outcomes, the relative entropy is log 16 - log 12."""
    found = fit(PAIR, PRODUCT, singlet, Budget(), 0, silent)
    assert found.nll_G.mean() == pytest.approx(2 * math.log(4), abs=2e-4)
    assert found.relative_entropy == pytest.approx(math.log(16 / 12), abs=2e-4)
    assert singlet.entropy == pytest.approx(math.log(12))
    assert found.n_parameters == 6
    assert max(abs(mean) for mean, _ in found.paulis.values()) < 0.02


def test_the_product_of_marginals_tells_sites_apart() -> None:
    first, second = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.55, 0.15, 0.2, 0.1])
    found = fit(PAIR, PRODUCT, samples_from(np.outer(first, second)), Budget(), 0, silent)
    assert found.nll_G.mean() == pytest.approx(entropy(first) + entropy(second), abs=0.01)
    assert found.relative_entropy == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("sums", ["exact", "samples"])
def test_a_fit_of_what_the_network_can_hold_reaches_its_entropy(sums: str) -> None:
    """A network over two sites holds any p: a table of four outcomes, and one of four for each of them."""
    p = np.random.default_rng(3).dirichlet(np.ones(16)).reshape(4, 4)
    samples = samples_from(p)
    found = fit(PAIR, ONE, samples, Budget(400, 1024, 1e-2, sums), 0, silent)
    error = found.nll_G.std(ddof=1) / math.sqrt(40)
    assert found.nll_G.mean() == pytest.approx(entropy(p.ravel()), abs=4 * error)
    assert 0 <= found.relative_entropy < (1e-5 if sums == "exact" else 2e-3)
    reached = found.model.all_probs().detach().double().numpy()
    assert found.relative_entropy == pytest.approx(entropy(p.ravel(), reached.ravel()), abs=1e-6)


def test_held_out_samples_show_a_fit_that_is_too_close_to_its_own() -> None:
    """A hundred samples of the uniform distribution: the fit finds structure that the others do not have."""
    draws_GBN = np.random.default_rng(2).integers(0, 4, (120, 10, 2)).astype(np.int8)
    samples = Samples("tetrahedral", draws_GBN[:10], draws_GBN[10:], None, "few")
    found = fit(PAIR, ONE, samples, Budget(300, 100, 1e-2, "samples"), 0, silent)
    assert found.train_nll < math.log(16) - 0.02 < math.log(16) + 0.02 < found.nll_G.mean()


def test_the_rotation_is_of_its_own_povm() -> None:
    problem, variant = Problem("2x2", 1.8, 0.4), named(["cubic: rotation about z"])[0]
    p = np.random.default_rng(3).dirichlet(np.ones(256)).reshape((4,) * 4)
    found = fit(problem, variant, samples_from(p, variant.povm), Budget(20), 0, silent)
    assert abs(found.paulis["sigma_x"][0]) < 1e-6 and abs(found.paulis["sigma_y"][0]) < 1e-6


class Recorder:
    """Stands for a network; keeps what it is asked for."""

    def __init__(self) -> None:
        self.seen: set[tuple[int, ...]] = set()

    def log_prob(self, samples_BN: torch.Tensor) -> torch.Tensor:
        self.seen |= {tuple(row) for row in samples_BN.tolist()}
        return torch.zeros(len(samples_BN))


def test_images_are_those_of_the_lattice() -> None:
    sample, recorder = [0, 1, 2, 3, 3], Recorder()
    images = torch.tensor(symmetries(ring(5)))
    sampled_loss(recorder, torch.tensor([sample]), images, 500, 0)()  # type: ignore[arg-type]
    turned = [np.roll(each, k) for each in (sample, sample[::-1]) for k in range(5)]
    assert recorder.seen == {tuple(row.tolist()) for row in turned}
    plain = Recorder()
    sampled_loss(plain, torch.tensor([sample]), None, 500, 0)()  # type: ignore[arg-type]
    assert plain.seen == {tuple(sample)}


def test_a_difference_on_the_same_samples_has_the_error_of_the_difference() -> None:
    common_G = np.random.default_rng(0).normal(size=50)
    gain, error = paired(common_G + 0.3, common_G + 0.1)
    assert gain == pytest.approx(0.2) and error == pytest.approx(0, abs=1e-12)


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is known, so that a test is short."""
    monkeypatch.setattr(samples_module, "EXACT_TRAINING", 20)
    monkeypatch.setattr(samples_module, "EXACT_HELD_OUT", 10)


def test_a_variant_is_compared_with_one_string_fitted_in_the_same_way() -> None:
    found = {each.name: compared_with(each) for each in VARIANTS}
    names = {name: each.name if each else "" for name, each in found.items()}
    assert names["product of marginals"] == names["one string"] == names["cubic: one string"] == ""
    assert names["2t"] == names["one string, images"] == "one string"
    assert names["wide, images"] == "one string, images"
    assert names["cubic: rotation about z, images"] == "cubic: one string, images"


CHOSEN = named(["product of marginals", "one string", "2t"])


def completed(folder: Path, **changes: Any) -> pd.DataFrame:
    budget = Budget(**{"iterations": 5, "batch": 16, **changes})
    states = (Problem("2x2", 1.8, 0.4), Problem("2x2", 1.8, 0.6))
    complete(Table(folder / "t.csv", folder), Fits(states, CHOSEN, (10, 4), budget, 0), folder, silent)
    return pd.read_csv(folder / "t.csv")


@pytest.mark.usefixtures("few_samples")
def test_a_table_is_completed_and_nothing_is_fitted_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def stopping(problem: Problem, variant: Variant, *rest: Any) -> Any:
        if len(done) == 2:
            done.append("stopped")
            raise KeyboardInterrupt
        done.append(variant.name)
        return fit(problem, variant, *rest)

    monkeypatch.setattr(complete_module, "fit", stopping)
    with pytest.raises(KeyboardInterrupt):
        completed(tmp_path)
    assert list(pd.read_csv(tmp_path / "t.csv")["variant"]) == ["product of marginals", "one string"]
    rows = completed(tmp_path)
    names = ["product of marginals", "one string", "2t"]
    assert done == ["product of marginals", "one string", "stopped", "2t", *names]
    assert list(rows["variant"]) == names * 2 and list(rows.columns) == list(COLUMNS)
    text = (tmp_path / "t.csv").read_text()
    shutil.rmtree(tmp_path / "ansatz-limit")
    completed(tmp_path)
    assert not (tmp_path / "ansatz-limit").exists()  # no samples are made for fits that are there
    assert len(done) == 7 and (tmp_path / "t.csv").read_text() == text
    completed(tmp_path, iterations=6)  # another fit; the product stays
    assert done[7:] == ["one string", "2t"] * 2


@pytest.mark.usefixtures("few_samples")
def test_a_row_says_what_its_fit_gained(tmp_path: Path) -> None:
    rows = completed(tmp_path).set_index(["t", "variant"]).loc[0.4]
    product, one, two = rows.loc["product of marginals"], rows.loc["one string"], rows.loc["2t"]
    assert two["gain"] == pytest.approx(product["nll"] - two["nll"], abs=1e-8)
    assert two["over_one"] == pytest.approx(one["nll"] - two["nll"], abs=1e-8)
    assert two["settings"] == "strings 2t"
    assert 0 < two["over_one_error"] < two["nll_error"]
    assert math.isnan(one["over_one"]) and math.isnan(product["over_one"])
    # what is held out scatters about the exact cross-entropy
    assert abs(one["nll"] - one["entropy"] - one["relative_entropy"]) < 4 * one["nll_error"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lattice": "4 by 4"}, "lattice '4 by 4': expected such as '4x4'"),
        ({"lattice": "5x5"}, "lattice '5x5': expected 2 to 16 sites"),
        ({"lattice": "2x2", "times": (0.0,)}, "time 0: expected a number above 0"),
        ({"lattice": "2x2", "times": ()}, "no times: expected at least one"),
        ({"lattice": "2x2", "variants": ("2s",)}, "unknown variant '2s'"),
        ({"lattice": "2x2", "iterations": 1}, "iterations = 1: expected at least 2"),
        ({"lattice": "2x2", "rate": 0.0}, "rate = 0: expected a number above 0"),
        ({"lattice": "2x2", "sums": "all"}, "unknown sums 'all'"),
        ({"lattice": "2x5", "trajectories": 9, "variants": ("2t",)}, "trajectories = 9: expected at least 10"),
        ({"lattice": "2x5", "samples": 0, "variants": ("2t",)}, "samples of a trajectory = 0: expected at least 1"),
    ],
)
def test_bad_input_is_one_line(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        main(Settings(**changes, table=tmp_path / "t.csv", runs=tmp_path / "runs"))
    assert str(refused.value).startswith(message)
    assert not (tmp_path / "t.csv").exists()


def test_a_foreign_table_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="not a table of fits, expected the columns lattice"):
        main(Settings(lattice="2x2", table=file, runs=tmp_path))
    assert file.read_text() == "a,b\n1,2\n"


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.ansatz_limit", "--lattice", "9x9", "--table", str(tmp_path / "t.csv")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ansatz_limit: lattice '9x9': expected 2 to 16 sites\n"
