"""Whether velocities moved the network straight: the statistic of a step, and the note of `repro.solve`."""

from __future__ import annotations

import copy
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from repro.methods.losses import BEND
from repro.methods.tdvp import TdvpModule
from repro.running.folders import HISTORY, point_folder
from repro.solver.bends import bends
from tests.helpers import points
from tests.helpers.networks import generator

EVOLVED = points.SPINS.change(method="tdvp", tau=0.05, t_end=1.0, estimator="sampled", n_samples=40)


@pytest.mark.parametrize("size", [0.01, 0.5])
def test_the_bend_is_the_second_difference_of_log_p(size: float) -> None:
    """Three networks of their own, at the start, the middle and the end."""
    torch.manual_seed(1)
    module = TdvpModule(EVOLVED.point)
    draws = module.model.sample(40, generator(0))
    before = parameters_to_vector(module.parameters()).detach().clone()
    after = before + size * torch.randn(len(before))
    log_p = []
    for flat in (before, (before + after) / 2, after):
        model = copy.deepcopy(module.model)
        vector_to_parameters(flat, model.parameters())
        log_p.append(model.log_prob(draws).detach())
    vector_to_parameters(after, module.parameters())
    module._start = (draws, torch.full((40,), 1 / 40)), before
    first, second = log_p[1] - log_p[0], log_p[2] - log_p[1]
    expected = (second - first).abs().mean() / (first + second).abs().mean()
    assert float(module._bend()) == pytest.approx(float(expected), rel=1e-3)
    assert (float(expected) < 0.05) == (size < 0.1)
    assert torch.equal(parameters_to_vector(module.parameters()), after), "the network stays where it was"


def test_a_bent_way_is_a_note(tmp_path: Path) -> None:
    folder = point_folder(tmp_path, EVOLVED)
    folder.mkdir(parents=True)

    def noted(values: list[float]) -> list[str]:
        pd.DataFrame({"t": range(len(values)), BEND: values}).to_csv(folder / HISTORY, index=False)
        return bends([EVOLVED], tmp_path)

    assert noted([float("nan"), 0.2, 0.3]) == []
    (note,) = noted([float("nan"), 0.3, 0.5])
    assert "by 0.40 of the way of log p, expected at most 0.25" in note
    pd.DataFrame({"t": [0.0, 1.0]}).to_csv(folder / HISTORY, index=False)
    assert bends([EVOLVED], tmp_path) == [], "runs of other methods, or of before"
