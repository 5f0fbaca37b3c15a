"""Which methods' iterations are recorded; a recorded point has the numbers of any other; where it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from repro.ansatz.replay import Action
from repro.cli.main import main
from repro.methods.dynamics import DynamicsModule
from repro.methods.modules import module_of
from repro.running import checkpoints, runner
from repro.running.folders import CHECKPOINT, RunSettings
from repro.utils.errors import InputError
from tests.gpu import fake_graph
from tests.helpers.points import COUPLED

STEPS: dict[str, Any] = {"tau": 0.05, "t_end": 0.2, "step_iterations": 4}
DRAWN: dict[str, Any] = {"estimator": "sampled", "n_samples": 30}
RECORDED: dict[str, dict[str, Any]] = {
    "search": {"method": "variational", "iterations": 25},
    "search, sign": {"method": "variational", "objective": "sign", "mixing": 0.4, "iterations": 4},
    "evolution": {"method": "dynamics", **STEPS},
    "evolution, two layers": {"method": "dynamics", "layers": 2, **STEPS},
}
EVALUATED: dict[str, dict[str, Any]] = {
    "search from draws": {"method": "variational", "iterations": 4, "n_samples": 30},
    "search on a tree": {"method": "variational", "iterations": 4, **DRAWN},
    "evolution from draws": {"method": "dynamics", "n_samples": 30, **STEPS},
    "evolution on a tree": {"method": "dynamics", **DRAWN, **STEPS},
    "interpolated": {"method": "dynamics", "objective": "interpolated", "mixing": 0.3, **STEPS},
    "projection": {"method": "projection", **STEPS},
    "collocation": {"method": "collocation", **STEPS},
    "tdvp": {"method": "tdvp", "tau": 0.05, "t_end": 0.1},
}


def computed(
    folder: Path, settings: dict[str, Any], patch: pytest.MonkeyPatch, graphs: bool
) -> tuple[list[dict[str, float]], dict[str, torch.Tensor], int]:
    """History without its clock, weights, and how many recordings were made."""
    recorded: list[Action] = []

    def record(action: Action, device: torch.device) -> Action:
        recorded.append(action)
        return fake_graph.record(action, device)

    patch.setattr(runner, "recorder_of", lambda device: record)
    listed = COUPLED.change(**settings)
    done = runner.run_point(listed, RunSettings(folder, tracking="disabled", graphs=graphs))
    checkpoint = checkpoints.load(done / CHECKPOINT, listed.point)
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in checkpoint["history"]]
    return rows, checkpoint["state_dict"], len(recorded)


@pytest.mark.parametrize("name", [*RECORDED, *EVALUATED])
def test_a_point_with_graphs_is_the_point_without(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every digit; one recording for all time steps, none where iterations do not repeat themselves."""
    settings = (RECORDED | EVALUATED)[name]
    rows, weights, none = computed(tmp_path / "without", settings, monkeypatch, graphs=False)
    again, replayed, number = computed(tmp_path / "with", settings, monkeypatch, graphs=True)
    assert (none, number) == (0, int(name in RECORDED))
    assert len(rows) > 1
    assert again == rows
    assert all(torch.equal(replayed[key], weights[key]) for key in weights)


def test_a_time_step_reads_its_own_state() -> None:
    """What is copied into a recording is p(t) and L p(t) of this time step."""
    module = module_of(COUPLED.change(method="dynamics", **STEPS).point)
    assert isinstance(module, DynamicsModule)
    for factor in (1.0, 0.5):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.mul_(factor).add_(0.1)
        module._frozen = (module.estimator.freeze(module.model),)
        found = module.repeating()
        assert found is not None
        loss, (p_A, Lp_A) = found
        p = module.model.all_probs()
        assert torch.equal(p_A, p.flatten()) and torch.equal(Lp_A, module.point.liouvillian.apply(p).flatten())
        expected = (STEPS["tau"] * 2 * Lp_A).abs().sum()  # nothing has moved yet: both sides differ by 2 tau L p
        assert loss(p_A, Lp_A)[0].item() == pytest.approx(expected.item(), rel=1e-4)


def test_graphs_without_a_gpu_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tmp_path / "runs"
    assert main(["run", "fig4", "--profile", "smoke", "--graphs", "--runs", str(runs)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "graphs on device 'cpu': expected cuda or cuda:N" in line
    assert not runs.exists()
    with pytest.raises(InputError, match="graphs on device 'cpu'"):
        runner.run_point(COUPLED, RunSettings(runs, tracking="disabled", graphs=True))
    assert not runs.exists()
