"""Default settings agree with QuTiP within 0.01 on all that is asked for, on models that are not in the paper."""

from __future__ import annotations

from pathlib import Path

import pytest

import repro
from tests.helpers.custom_models import MODELS

TOLERANCE = 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_default_settings_agree_with_qutip(name: str, tmp_path: Path) -> None:
    problem, wanted = MODELS[name]()
    solution = repro.solve(problem, **wanted, runs=tmp_path, quiet=True)
    assert solution.table["exact"].notna().all()
    assert solution.largest_deviation < TOLERANCE, solution.summary()
    assert not solution.notes
