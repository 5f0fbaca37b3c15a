"""Commands in foreign environments: ranks that others have left, drawing settings, no home, another system."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from repro.cli.main import main
from repro.reporting import style
from repro.running.devices import check_processes
from repro.running.folders import RunSettings
from repro.running.runner import run_point
from repro.utils import launchers
from repro.utils.errors import InputError
from repro.utils.result_table import read_table
from tests.helpers.paths import ROOT
from tests.helpers.points import SEARCHED

SMOKE = ("run", "fig4", "--profile", "smoke", "--only", "a-var-1x32-0s-Jy1.8", "--iterations", "2", "--jobs", "1")
FOREIGN = {
    "a rank": {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"},
    "a rank of a job that has no step": {"SLURM_PROCID": "1", "SLURM_JOB_ID": "7", "PYTHONIOENCODING": "ascii"},
    "ranks that are words": {"RANK": "abc", "JSM_NAMESPACE_RANK": "x", "MPLBACKEND": "module://nothing"},
    "no home": {"HOME": "/proc/nothing", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}
SHARED = (*SMOKE, "--estimator", "sampled", "--n-samples", "40", "--devices", "2", "--wandb", "disabled")
ALONE = {
    "MASTER_PORT": "abc", "MASTER_ADDR": "", "STANDALONE_PORT": "abc", "WORLD_SIZE": "abc", "LOCAL_RANK": "abc",
    "NODE_RANK": "abc", "GROUP_RANK": "", "SLURM_NTASKS": "abc", "SLURM_NTASKS_PER_NODE": "abc", "SLURM_NNODES": "abc",
    "SLURM_LOCALID": "abc", "SLURM_NODEID": "abc", "SLURM_JOB_ID": "abc",
}  # fmt: skip
TORCHRUN = {"TORCHELASTIC_RUN_ID": "x", "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}
SRUN = {
    "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0",
    "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "1",
}  # fmt: skip
RC = "text.usetex: True\naxes.grid: True\nfigure.facecolor: black\nsavefig.facecolor: black\nsavefig.bbox: tight\n"
NO_RANKS = dict.fromkeys((*launchers.LEFT_OVER, *launchers.SRUN, *launchers.TORCHRUN))


def start(*arguments: str, cwd: Path, **variables: str | None) -> subprocess.CompletedProcess[bytes]:
    """A command in an environment with these variables, without those that are None."""
    given = {**os.environ, "OMP_NUM_THREADS": "1", **NO_RANKS, **variables}
    environment = {name: value for name, value in given.items() if value is not None}
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, timeout=200)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_run_is_a_run_whatever_others_have_left(name: str, tmp_path: Path) -> None:
    done = start("-m", "repro", *SMOKE, "--wandb", "disabled", cwd=tmp_path, **FOREIGN[name])
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr[-2000:]
    folder = tmp_path / "runs" / "fig4" / "smoke-changed"
    assert set(read_table(folder / "table.csv")["point"]) == {"var-1x32-0s-Jy1.8"}
    assert (folder / "fig4.png").stat().st_size > 0


@pytest.mark.parametrize("rank", ["1", "abc"])
def test_a_users_own_problem_with_a_rank_that_others_have_left(rank: str, tmp_path: Path) -> None:
    script = (
        "import os, repro\nfrom repro.physics.lindblad import SIGMA_MINUS\n"
        "model = repro.LindbladModel(repro.chain(1), jumps=[(0, SIGMA_MINUS, 1.0)])\n"
        "problem = repro.Problem(model, observables=['Z'])\n"
        "if __name__ == '__main__':\n"
        "    print(len(repro.solve(problem, 0.2, iterations=5, jobs=1).table), os.environ.get('RANK'))\n"
    )
    (tmp_path / "script.py").write_text(script)
    done = start("script.py", cwd=tmp_path, RANK=rank)
    assert done.returncode == 0, done.stderr[-2000:]
    rows, left = done.stdout.decode().split()
    assert int(rows) > 0
    assert left == ("1" if rank == "1" else "None")  # a number may be of use to the rest of the script


@pytest.mark.parametrize(
    "launcher",
    [{"TORCHELASTIC_RUN_ID": "x", "RANK": "abc"}, {"SLURM_JOB_ID": "1", "SLURM_STEP_ID": "0", "SLURM_PROCID": "abc"}],
)
def test_a_launchers_rank_that_is_no_number_is_one_line(launcher: dict[str, str], tmp_path: Path) -> None:
    done = start("-m", "repro", *SMOKE, cwd=tmp_path, **launcher)
    assert done.returncode == 2
    name = "RANK" if "RANK" in launcher else "SLURM_PROCID"
    assert done.stderr.decode() == f"repro: rank 'abc' in {name}: expected a whole number\n"


@pytest.mark.parametrize("command", [SMOKE, SHARED], ids=["one process", "two"])
def test_what_no_launcher_has_set_counts_for_nothing(command: tuple[str, ...], tmp_path: Path) -> None:
    done = start("-m", "repro", *command, cwd=tmp_path, WANDB_MODE="disabled", **ALONE)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr[-2000:]
    assert len(read_table(tmp_path / "runs" / "fig4" / "smoke-changed" / "table.csv"))


@pytest.mark.parametrize(
    ("launcher", "wrong"),
    [
        *((TORCHRUN, {name: "abc"}) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "GROUP_RANK", "MASTER_PORT")),
        (TORCHRUN, {"WORLD_SIZE": "3"}),
        (TORCHRUN, {"LOCAL_RANK": None}),
        *((SRUN, {name: "abc"}) for name in (*SRUN, "MASTER_PORT") if name != "SLURM_STEP_ID"),
        (SRUN, {"SLURM_NTASKS": "1"}),
        (SRUN, {"SLURM_NTASKS_PER_NODE": None}),
        (SRUN, {"SLURM_NNODES": "2"}),
        (SRUN, {"MASTER_PORT": "99999"}),
        (SRUN, {"MASTER_ADDR": ""}),
    ],
)
def test_a_launcher_that_says_nothing_of_use_is_one_line(
    launcher: dict[str, str], wrong: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in {*NO_RANKS, *ALONE, *launcher, *wrong}:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**launcher, **wrong}.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=f"{next(iter(wrong))}.*: expected") as error:
        launchers.rank()
        check_processes("cpu", 2, 1)
    assert "\n" not in str(error.value)
    for name in wrong:
        monkeypatch.delenv(name, raising=False)
    for name, value in launcher.items():
        monkeypatch.setenv(name, value)
    check_processes("cpu", 2, 1)


@pytest.mark.parametrize("launcher", [TORCHRUN | {"LOCAL_RANK": "abc"}, SRUN | {"SLURM_NTASKS": "abc"}])
def test_the_command_ends_with_that_line(launcher: dict[str, str], tmp_path: Path) -> None:
    done = start("-m", "repro", *SHARED, cwd=tmp_path, **launcher)
    assert done.returncode == 2
    assert done.stderr.startswith(b"repro: ") and b"'abc' in " in done.stderr and done.stderr.count(b"\n") == 1
    assert not list(tmp_path.rglob("history.csv"))


def test_a_variable_for_every_trainer_changes_no_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning reads them where a trainer is made; a script's other trainers still have them."""
    folders = []
    for name, value in (("none", ""), ("FAST_DEV_RUN", "1"), ("GRADIENT_CLIP_VAL", "1e-4"), ("MAX_STEPS", "abc")):
        with monkeypatch.context() as patch:
            patch.setenv(f"PL_TRAINER_{name}", value)
            folders.append(run_point(SEARCHED, RunSettings(tmp_path / name, tracking="disabled")))
            assert os.environ[f"PL_TRAINER_{name}"] == value
    first, *others = (pd.read_csv(folder / "history.csv").filter(regex="iteration|<|residual") for folder in folders)
    assert len(first) > 1
    for other in others:
        assert other.equals(first)


def test_who_counts_as_a_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NO_RANKS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert (launchers.by_srun(), launchers.rank()) == (False, 0)
    monkeypatch.setenv("SLURM_STEP_ID", "0")
    assert (launchers.by_srun(), launchers.rank()) == (True, 3)
    monkeypatch.setenv("RANK", "5")
    assert launchers.rank() == 3
    launchers.forget_left_over()
    assert (os.environ["SLURM_PROCID"], "RANK" in os.environ) == ("3", False)
    monkeypatch.setenv("RANK", "5")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    launchers.forget_left_over()
    assert (launchers.by_torchrun(), launchers.by_srun(), launchers.rank()) == (True, False, 5)


def test_a_users_matplotlibrc_has_no_part_in_a_figure(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text(RC)
    for folder, given in (("own", str(tmp_path / "matplotlibrc")), ("none", None)):
        done = start(
            "-m", "repro", "run", "fig1", "--runs", folder, "--wandb", "disabled", cwd=tmp_path, MATPLOTLIBRC=given
        )
        assert done.returncode == 0, done.stderr[-2000:]
    own, none = (tmp_path / folder / "fig1" / "quick" / "fig1.png" for folder in ("own", "none"))
    assert own.read_bytes() == none.read_bytes()


def test_the_style_starts_from_nothing_and_leaves_what_it_found(tmp_path: Path) -> None:
    with matplotlib.rc_context({"axes.grid": True, "figure.facecolor": "black", "savefig.bbox": "tight"}):
        before = dict(matplotlib.rcParams.items())
        with style.context():
            figure = Figure(figsize=(2, 1))
            figure.subplots()
        path = style.save(figure, tmp_path, "drawn", "")[0]
        assert dict(matplotlib.rcParams.items()) == before
    picture = imread(path)
    assert picture.shape[:2] == (300, 600)
    assert np.allclose(picture[0, 0, :3], 1)


def test_another_system_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        assert main(["list"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "repro: system 'win32': expected Linux or macOS (on Windows: its Subsystem for Linux)"
    ]


def test_the_command_loads_where_there_is_no_fcntl(tmp_path: Path) -> None:
    script = "import sys; sys.modules['fcntl'] = None; from repro.cli.main import main; sys.platform = 'win32'; "
    done = start("-c", script + "sys.exit(main(['list']))", cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 2
    assert done.stderr.decode().startswith("repro: system 'win32'") and done.stderr.count(b"\n") == 1


def test_no_file_needs_a_module_of_unix_at_its_top() -> None:
    unix = {"fcntl", "resource", "pwd", "grp", "termios"}
    for path in (ROOT / "repro").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                assert not unix & {alias.name for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert node.module not in unix, path
