"""Models, POVMs and lattices are values: what comes in is copied, what is there cannot be changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import repro
from repro.physics import lindblad
from repro.physics.lindblad import SIGMA_MINUS, SIGMA_X, SIGMA_Z, LindbladModel
from repro.physics.povm import Povm, tetrahedral
from repro.utils.errors import InputError
from repro.utils.validation import check_float


def test_an_array_that_is_reused_in_a_sweep_leaves_earlier_models_alone() -> None:
    H, G, rate = np.zeros((2, 2), complex), np.array(SIGMA_MINUS), np.array(1.0)
    models = []
    for g in (0.5, 2.0):
        H[:] = g * SIGMA_X
        G[1, 0] = g
        models.append(LindbladModel(repro.chain(1), one_site=[(0, H)], jumps=[(0, G, rate)]))
        rate += 1
    assert [model.hamiltonian_terms[0].operator[0, 1] for model in models] == [0.5, 2.0]
    assert [model.jumps[0].operator[1, 0] for model in models] == [0.5, 2.0]
    assert [model.jumps[0].rate for model in models] == [1.0, 2.0]


@pytest.mark.parametrize("name", ["IDENTITY", "SIGMA_X", "SIGMA_Y", "SIGMA_Z", "SIGMA_MINUS", "SIGMA_PLUS"])
def test_constants_cannot_be_changed(name: str) -> None:
    before = np.array(getattr(lindblad, name))
    with pytest.raises(ValueError, match="read-only"):
        getattr(lindblad, name).__imul__(0.5)
    assert np.array_equal(getattr(lindblad, name), before)


def test_nothing_inside_a_model_or_a_frame_can_be_written() -> None:
    model = LindbladModel(repro.chain(1), one_site=[(0, SIGMA_X)], jumps=[(0, SIGMA_MINUS, 1.0)])
    frame = np.array(tetrahedral().frame)
    povm = Povm(frame)
    frame[0] = 0
    assert np.array_equal(povm.frame, tetrahedral().frame)
    inside = (model.hamiltonian_terms[0].operator, model.jumps[0].operator, povm.frame, povm.overlap, povm.dual_frame)
    for array in inside:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    for owner, name in ((model, "jumps"), (model, "lattice"), (povm, "frame"), (povm, "name")):
        with pytest.raises(AttributeError):
            setattr(owner, name, None)


def test_equal_content_is_equal() -> None:
    def model(g: float) -> LindbladModel:
        return LindbladModel(repro.ring(3), one_site=[(0, g * SIGMA_Z)], jumps=[(1, SIGMA_MINUS, 0.5)])

    assert model(1.0) == model(1.0) != model(1.1)
    assert len({model(1.0), model(1.0), model(1.1)}) == 2
    assert tetrahedral() == tetrahedral() and len({tetrahedral(), tetrahedral()}) == 1
    assert repro.graph([(np.int64(0), np.int64(1))]) == repro.chain(2).__class__(2, ((0, 1),))


IMAGINARY = [
    0.5j,
    np.complex64(0.5j),
    np.complex128(1 + 0.5j),
    np.array(0.5j),
    np.array(1 + 0j),
    torch.tensor(0.5j),
    "1",
    b"1",
    True,
    np.True_,
    [1.0],
    np.nan,
    None,
]


@pytest.mark.parametrize("value", IMAGINARY, ids=repr)
def test_no_part_of_a_number_is_dropped(value: object) -> None:
    with pytest.raises(InputError, match="expected a"):
        check_float("rate", value)
    with pytest.raises(InputError):
        LindbladModel(repro.chain(1), jumps=[(0, SIGMA_MINUS, value)])  # type: ignore[list-item]
    with pytest.raises(InputError):
        repro.Problem(LindbladModel(repro.chain(1)), observables={"a": [(value, "Z0")]})


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.array(0.5), torch.tensor(0.5), 0.5])
def test_real_numbers_of_any_library_are_taken(number: object) -> None:
    assert check_float("rate", number) == 0.5


@pytest.mark.parametrize("integer", [np.int64, np.int32, np.uint8])
def test_numpys_whole_numbers_are_pythons(integer: type) -> None:
    for lattice in (repro.ring(integer(3)), repro.chain(integer(3)), repro.rectangle(integer(1), integer(3))):
        assert type(lattice.n_sites) is int and all(type(site) is int for bond in lattice.bonds for site in bond)
    lattice = repro.graph([(integer(0), integer(1))], n_sites=integer(3))
    model = LindbladModel(lattice, one_site=[(integer(1), SIGMA_X)], jumps=[((integer(0),), SIGMA_MINUS, 1)])
    assert type(model.hamiltonian_terms[0].sites[0]) is int
    assert (
        repro.Problem(model).text
        == repro.Problem(
            LindbladModel(repro.graph([(0, 1)], n_sites=3), one_site=[(1, SIGMA_X)], jumps=[(0, SIGMA_MINUS, 1.0)])
        ).text
    )
