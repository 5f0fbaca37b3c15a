"""`repro solve`: a problem of the user's own from a Python file. Fields are options; docstrings are their help."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from repro.cli.command import DEFAULT_RUNS
from repro.running import stopping
from repro.utils.errors import InputError
from repro.utils.files import check_can_hold_files, check_file, check_folder

if TYPE_CHECKING:
    from repro.solver.problem import Problem
    from repro.solver.solution import Solution

DEFAULT_TIME = 5.0
DRAWINGS = ("solution.png", "solution.pdf")


@dataclass
class Solve:
    """Solve a spin lattice of your own: evolution, steady state or both, beside exact values.

    They come from QuTiP up to ten sites; beyond, with errors, from matrix products (chains, uniform rings) or quantum
    trajectories (any lattice of up to sixteen sites, or twenty-six with qsim).

    FILE.py defines `problem`, a `repro.Problem`, or a function `problem()` that returns one. Results (table.csv,
    solution.png, solution.pdf) go to --out; runs can be stopped at any time, the same command goes on.
    Examples: `repro solve chain.py --t-end 4`, `repro solve chain.py --steady --seeds 3`.
    """

    file: tyro.conf.Positional[Path]
    """Python file that defines the problem"""
    t_end: float | None = None
    """length of the evolution (times in the inverse unit of the rates); 5 where --steady is not given either"""
    steady: bool = False
    """find the steady state"""
    out: Path | None = None
    """folder for table and plot, replaced where it holds another problem's; by default solve/<name of the file> in the
    folder of --runs, or one beside it where that holds another problem's"""
    seed: int = 0
    """seed of weights and draws"""
    seeds: int = 1
    """runs that differ in seed; two or more add a control and an estimate of the whole error"""
    method: str = "auto"
    """auto, projection, collocation, tdvp, dynamics (the paper's) or, for steady states, variational (the paper's)"""
    estimator: str = "auto"
    """auto, enumeration (all 4^N) or sampled (any size)"""
    step: float | None = None
    """length of a time step"""
    iterations: int | None = None
    """Adam iterations of a time step, or of the variational search; steps of the rule of tdvp"""
    layers: int | None = None
    """Transformer layers"""
    width: int | None = None
    """hidden dimension"""
    heads: int | None = None
    """attention heads"""
    n_samples: int | None = None
    """draws per iteration"""
    spin_symmetry: str | None = None
    """x, y or z: a distribution symmetric under the rotation of every spin by pi about it, for models that have that
    symmetry and a POVM whose outcomes it permutes (povm="tetrahedral-cubic")"""
    exact: bool = True
    """compute exact values beside it; beyond ten sites they may take ten minutes"""
    mean_field: bool = False
    """draw mean field too, the evolution without any correlation between sites"""
    jobs: int = 1
    """runs at a time"""
    threads: int = 1
    """CPU threads of each run"""
    device: str = "cpu"
    """cpu, cuda or cuda:N"""
    memory: float = 4.0
    """GiB that one evaluation of draws may take"""
    runs: Path = DEFAULT_RUNS
    """folder for everything computed"""

    def run(self) -> int:
        """Load, compute, write, sum up."""
        problem = load(self.file)
        if self.mean_field and problem.imaginary_time:
            raise InputError("--mean-field of a problem in imaginary time: expected an evolution in real time")
        from repro.methods.sanity import WrongNumbersError
        from repro.solver.machine import FailedError
        from repro.solver.solve import solve
        from repro.utils.validation import MOST_PROCESSES, check_int

        check_int("jobs", self.jobs, 1, MOST_PROCESSES)
        folder = self.out or self.runs / "solve" / self.file.stem
        self._check_place(problem, folder)
        t_end = DEFAULT_TIME if self.t_end is None and not self.steady else self.t_end
        same = ("steady", "seed", "seeds", "method", "estimator", "step", "iterations", "exact", "runs", "jobs")
        given = {name: getattr(self, name) for name in (*same, "threads", "device", "memory")}
        network = {name: getattr(self, name) for name in ("layers", "width", "heads", "n_samples", "spin_symmetry")}
        given |= {name: value for name, value in network.items() if value is not None}
        try:
            solution = solve(problem, t_end, **given)
        except (FailedError, WrongNumbersError) as error:
            print(f"failed: {error}", file=sys.stderr)
            return 1
        print(solution.summary())
        print(self._save(solution, folder))
        return 0

    def _check_place(self, problem: Problem, folder: Path) -> None:
        """Refuse a place that results cannot be written to, before anything is computed for it."""
        from repro.solver import kept

        check_folder(folder)
        place = folder if self.out else kept.folder_for(problem, folder)
        for name in (kept.TABLE, kept.HOLDER, *DRAWINGS):
            check_file(place / name)
        check_can_hold_files(place)

    def _save(self, solution: Solution, folder: Path) -> str:
        """Write table and plot; returns the line that says where."""
        from repro.solver import kept

        mine = kept.holder(folder) in (None, kept.digest(solution.problem))
        place = folder if mine or self.out else kept.folder_for(solution.problem, folder)
        solution.save(place, mean_field=self.mean_field)
        if mine:
            return f"table and plot: {place}"
        return f"table and plot: {place} ({'replaced' if self.out else f'{folder} holds'} those of another problem)"


def load(file: Path) -> Any:
    """The problem that a Python file defines; it finds the modules beside it, as under `python FILE.py`.

    Raises:
        InputError: a file that cannot be read or run, or that defines no problem; with the line where it failed.
    """
    from repro.solver.problem import Problem

    try:
        with _beside(file):
            defined = runpy.run_path(str(file), run_name="problem")
            problem = defined.get("problem")
            if callable(problem):
                problem = problem()
    except InputError as error:
        raise InputError(f"{file}{_line(file, error)}: {error}") from error
    except OSError as error:
        raise InputError(f"cannot read '{error.filename or file}': {error.strerror or error}") from error
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""  # none where the file has a zero byte
        raise InputError(f"{error.filename or file}{line}: {error.msg}") from error
    except stopping.Stopped:
        raise
    except (Exception, SystemExit) as error:  # whatever the user's own code raises is the user's input
        reason = (str(error).splitlines() or [""])[0]
        raise InputError(f"{file}{_line(file, error)}: {type(error).__name__}: {reason}") from error
    if not isinstance(problem, Problem):
        raise InputError(f"{file}: defines no `problem`, expected a repro.Problem or a function that returns one")
    return problem


@contextmanager
def _beside(file: Path) -> Iterator[None]:
    """The file's folder is where modules are looked for first; those found by that alone are forgotten at the end."""
    folder, path, loaded = file.resolve().parent, list(sys.path), set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        if folder not in (Path(each or ".").resolve() for each in path):
            for name in set(sys.modules) - loaded:
                if (folder / f"{(top := name.partition('.')[0])}.py").is_file() or (folder / top).is_dir():
                    del sys.modules[name]


def _line(file: Path, error: BaseException) -> str:
    """The last line of the user's file on the way to an error."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f", line {lines[-1]}" if lines else ""
