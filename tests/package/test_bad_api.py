"""Input that cannot be used, through the Python API: an InputError of one line, whatever its type was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from repro.ansatz import string_mixture, strings
from repro.ansatz.transformer import Transformer, TransformerConfig
from repro.config.point import point_of
from repro.config.settings import change
from repro.methods import estimators, losses, propagation
from repro.methods.sampled import Sampled
from repro.physics import lattice, liouvillian, pauli_means, povm
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, LindbladModel, heisenberg, tfim
from repro.utils.errors import InputError

PAIR: Any = lattice.chain(2)
POVM: Any = povm.tetrahedral()
L: Any = liouvillian.LocalLiouvillian(tfim(PAIR, 1.0, 1.0), POVM)
UNIFORM: Any = torch.full((4, 4), 1 / 16)


def network(n_sites: int) -> string_mixture.StringMixture:
    return string_mixture.StringMixture(Transformer(TransformerConfig(n_sites)), [range(n_sites)])


P: Any = network(2)
CASES: list[tuple[str, Callable[[], Any]]] = [
    ("ring: sites = 2.5: expected a whole number", lambda: lattice.ring(2.5)),  # type: ignore[arg-type]
    ("ring: sites = True", lambda: lattice.ring(True)),
    ("rectangle: rows = 2.0", lambda: lattice.rectangle(2.0, 2)),  # type: ignore[arg-type]
    ("sites = 2000: expected at most 1024", lambda: lattice.chain(2000)),
    ("expected a pair of sites", lambda: lattice.Lattice(3, ((0, 1, 2),))),  # type: ignore[arg-type]
    ("= 1.5: expected a whole number", lambda: lattice.Lattice(2, ((0, 1.5),))),  # type: ignore[arg-type]
    ("graph: bond (0, 1.0): site = 1.0: expected a whole number", lambda: lattice.graph([(0, 1.0)])),
    ("graph: bond (1, 'a'): site = 'a': expected a whole number", lambda: lattice.graph([(0, 1), (1, "a")])),
    ("does not join two of the sites", lambda: lattice.Lattice(2, ((0, 2),))),
    ("lattice: expected a Lattice, got 3", lambda: LindbladModel(3)),  # type: ignore[arg-type]
    ("site = 0.5: expected a whole number", lambda: LindbladModel(PAIR, one_site=[(0.5, SIGMA_X)])),  # type: ignore[list-item]
    ("the lattice has sites 0 to 1", lambda: LindbladModel(PAIR, one_site=[(2, SIGMA_X)])),
    ("the lattice has sites 0 to 1", lambda: LindbladModel(PAIR, jumps=[(-1, SIGMA_MINUS, 1.0)])),
    ("one_site[0]: expected a tuple of 2", lambda: LindbladModel(PAIR, one_site=[SIGMA_X])),  # type: ignore[list-item]
    ("one_site: expected a list", lambda: LindbladModel(PAIR, one_site=SIGMA_X)),  # type: ignore[arg-type]
    ("not Hermitian", lambda: LindbladModel(PAIR, one_site=[(0, SIGMA_MINUS)])),
    ("expected a matrix of numbers", lambda: LindbladModel(PAIR, one_site=[(0, [[1, 2], [3]])])),  # type: ignore[list-item]
    ("expected a matrix of numbers", lambda: LindbladModel(PAIR, one_site=[(0, "X")])),  # type: ignore[list-item]
    ("expected a matrix of numbers", lambda: LindbladModel(PAIR, one_site=[(0, [[10**400, 0], [0, 1]])])),
    ("shape (4, 4), expected (2, 2)", lambda: LindbladModel(PAIR, one_site=[(0, np.eye(4))])),
    ("one site or two different sites", lambda: LindbladModel(PAIR, two_site=[((1, 1), np.eye(4))])),
    ("shape (4, 4), expected (2, 2)", lambda: LindbladModel(PAIR, two_site=[(0, np.eye(4))])),  # type: ignore[list-item]
    ("rate -1", lambda: LindbladModel(PAIR, jumps=[(0, SIGMA_MINUS, -1)])),
    ("rate = '1': expected a number", lambda: LindbladModel(PAIR, jumps=[(0, SIGMA_MINUS, "1")])),  # type: ignore[list-item]
    ("rate = 1j: expected a number", lambda: LindbladModel(PAIR, jumps=[(0, SIGMA_MINUS, 1j)])),  # type: ignore[list-item]
    ("rate = None: expected a number", lambda: LindbladModel(PAIR, jumps=[(0, SIGMA_MINUS, None)])),  # type: ignore[list-item]
    ("jumps[0]: expected a tuple of 3", lambda: LindbladModel(PAIR, jumps=[(0, SIGMA_MINUS)])),  # type: ignore[list-item]
    ("g = inf: expected a finite number", lambda: tfim(PAIR, 1.0, float("inf"))),
    ("V = '1': expected a number", lambda: tfim(PAIR, "1", 1.0)),  # type: ignore[arg-type]
    ("expected three numbers", lambda: heisenberg(PAIR, (1.0, 2.0))),  # type: ignore[arg-type]
    ("expected three numbers", lambda: heisenberg(PAIR, 1.0)),  # type: ignore[arg-type]
    ("not informationally complete", lambda: povm.Povm(np.stack([np.eye(2) / 4] * 4))),
    ("does not sum to the identity", lambda: povm.Povm(POVM.frame / 2)),
    ("expected a matrix of numbers", lambda: povm.Povm([[1, 2], [3]])),  # type: ignore[arg-type]
    ("POVM 'custom': expected a matrix of numbers, got None", lambda: povm.Povm(None)),  # type: ignore[arg-type]
    ("expected a matrix of numbers", lambda: povm.Povm([[[None, 0], [0, 1]]] * 4)),  # type: ignore[arg-type]
    ("entries that are not finite", lambda: povm.Povm(np.full((4, 2, 2), np.nan))),
    ("observable of shape (4, 4): expected (2, 2)", lambda: POVM.observable(np.eye(4))),
    ("observable of shape (2,)", lambda: POVM.observable(np.ones(2))),
    ("observable: not Hermitian", lambda: POVM.observable(SIGMA_MINUS)),
    ("observable: expected a matrix", lambda: POVM.observable("Z")),
    ("observable: has entries that are not finite", lambda: POVM.observable(np.full((2, 2), np.inf))),
    ("unknown product state 'None'", lambda: POVM.product_state(None)),
    ("expected a tensor (4,) * N", lambda: pauli_means.pauli_means(torch.ones(3, 3), POVM)),
    ("expected a tensor (4,) * N", lambda: pauli_means.pauli_means(torch.ones(16), POVM)),
    ("expected a tensor (4,) * N", lambda: pauli_means.pauli_means(np.ones((4, 4)), POVM)),  # type: ignore[arg-type]
    ("outcomes from 0 to 4, expected 0 to 3", lambda: pauli_means.sampled_pauli_means(torch.tensor([[0, 4]]), POVM)),
    ("outcomes from -1 to 1", lambda: pauli_means.sampled_pauli_means(torch.tensor([[1, -1]]), POVM)),
    ("whole numbers of type int64", lambda: pauli_means.sampled_pauli_means(torch.rand(5, 2), POVM)),
    ("0 samples: expected at least two", lambda: pauli_means.sampled_pauli_means(torch.zeros(0, 2).long(), POVM)),
    ("unknown string mixture 'None'", lambda: strings.orders(None, PAIR)),  # type: ignore[arg-type]
    ("every site from 0 to 1 once", lambda: string_mixture.StringMixture(Transformer(TransformerConfig(2)), [(0, 0)])),
    ("every site from 0 to 1 once", lambda: string_mixture.StringMixture(Transformer(TransformerConfig(2)), [0, 1])),  # type: ignore[list-item]
    ("width = 32.0: expected a whole number", lambda: TransformerConfig(2, width=32.0)),  # type: ignore[arg-type]
    ("norm = None: expected a name", lambda: TransformerConfig(2, norm=None)),  # type: ignore[arg-type]
    ("expected four finite numbers", lambda: Transformer(TransformerConfig(2), torch.zeros(3))),
    ("expected four finite numbers", lambda: Transformer(TransformerConfig(2), torch.full((4,), torch.nan))),
    ("number of samples = -1", lambda: P.sample(-1)),
    ("number of samples = 1.5", lambda: P.sample(1.5)),
    ("configurations of 3 sites: expected 2", lambda: P.log_prob(torch.zeros(1, 3).long())),
    ("outcomes from 0 to 4", lambda: P.log_prob(torch.tensor([[0, 4]]))),
    ("n_samples = -1: expected at least 1", lambda: estimators.Naive(L, -1)),
    ("n_samples = 1.5: expected a whole number", lambda: estimators.Enumeration(L, 1.5)),  # type: ignore[arg-type]
    ("n_samples = '9'", lambda: Sampled(L, "9")),  # type: ignore[arg-type]
    ("a network of 3 sites and a generator of 2", lambda: Sampled(L, 9).evaluate(network(3), None)),
    ("a network of 1 sites and a generator of 2", lambda: estimators.Naive(L, 9).evaluate(network(1), None)),
    ("expected (4,) * 2", lambda: estimators.Enumeration(L).evaluate(network(3), None)),
    ("povm: expected a Povm", lambda: liouvillian.LocalLiouvillian(tfim(PAIR, 1.0, 1.0), None)),  # type: ignore[arg-type]
    ("rows = '3': expected a whole number", lambda: point_of(rows="3")),
    ("rows = 2.5: expected a whole number", lambda: point_of(rows=2.5)),
    ("rows = True: expected a whole number", lambda: point_of(rows=True)),
    ("tau = None: expected a number", lambda: point_of(method="dynamics", tau=None)),
    ("Jy = 1j: expected a number", lambda: point_of(Jy=1j)),
    ("seed = 0.5: expected a whole number", lambda: point_of(seed=0.5)),
    ("periodic = 'no': expected True or False", lambda: point_of(periodic="no")),
    ("method = ['dynamics']: expected a name", lambda: point_of(method=["dynamics"])),
    ("Jy = 'a': expected a number", lambda: change(point_of(), Jy="a")),
    ("did you mean 'Jy'", lambda: change(point_of(), Jyy=1.0)),
    ("has no setting tau (lattice rectangle", lambda: point_of(tau=0.1)),
    ("has no setting V (lattice rectangle", lambda: change(point_of(), V=1.0)),
    ("time = nan: expected a finite number", lambda: propagation.propagate(L, UNIFORM, float("nan"))),
    ("a time not below 0", lambda: propagation.propagate(L, UNIFORM, -1.0)),
    ("expected (4,) * 2", lambda: propagation.propagate(L, torch.ones(4, 4, 4), 0.1)),
    (
        "mixing = 2.0: expected a weight from 0 to 1",
        lambda: losses.sign_augmented(estimators.Enumeration(L).evaluate(P, None), 2.0),
    ),
    ("tau = 0: expected a number above 0", lambda: losses.dynamics(estimators.Enumeration(L).evaluate(P, None), 0)),
]


@pytest.mark.parametrize(("said", "call"), CASES, ids=[f"{n}-{said}" for n, (said, _) in enumerate(CASES)])
def test_one_line(said: str, call: Callable[[], Any]) -> None:
    with pytest.raises(InputError) as error:
        call()
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_numbers_of_numpy_are_the_same_point() -> None:
    assert point_of(rows=np.int64(2), Jy=np.float64(1.5)).point_id == point_of(rows=2, Jy=1.5).point_id
    assert point_of(Jy=2).point_id == point_of(Jy=2.0).point_id


def test_an_empty_batch_is_no_error() -> None:
    assert P.sample(0).shape == (0, 2)
