"""Limits of evolutions where some rate is too small to tell from zero."""

from __future__ import annotations

from pathlib import Path

import pytest

import repro
from repro.physics.lindblad import SIGMA_X, SIGMA_Z, LindbladModel
from repro.utils.errors import InputError
from tests.references.test_limits import found


@pytest.mark.parametrize("field", [1e-6, 1e-7, 1e-9])
@pytest.mark.parametrize("n_sites", [1, 2])
def test_a_rate_too_small_to_tell_from_zero_is_no_limit(field: float, n_sites: int, tmp_path: Path) -> None:
    """A weak field beside dephasing turns <Z> to 0 at a rate of 2 field^2 / 1, by hand; the start, 1, is no limit."""
    chain = repro.chain(n_sites)
    model = LindbladModel(
        chain, [(site, field * SIGMA_X) for site in chain.sites], jumps=[(site, SIGMA_Z, 1.0) for site in chain.sites]
    )
    with pytest.raises(InputError, match="rate"):
        found(repro.Problem(model, "up", observables=["Z*"]), tmp_path)


def test_a_rate_that_is_small_and_can_be_told_has_its_limit(tmp_path: Path) -> None:
    model = LindbladModel(repro.chain(1), [(0, 1e-3 * SIGMA_X)], jumps=[(0, SIGMA_Z, 1.0)])
    assert found(repro.Problem(model, "up", observables=["Z0"]), tmp_path)["Z0"] == pytest.approx(0, abs=1e-6)
