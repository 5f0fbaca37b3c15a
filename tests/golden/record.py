"""Golden record: one tiny point of every method, estimator, loss and string kind, and problems solved by `repro solve`.

`write` runs them through the command line of a checkout, one thread, and keeps every number of their tables;
`compare` says which digits differ between two records. Nothing of the package is imported: two checkouts whose modules
lie in different places are compared, each by its own interpreter.

    python tests/golden/record.py write .venv/bin/python . new.csv
    python tests/golden/record.py write ../before/.venv/bin/python ../before old.csv
    python tests/golden/record.py compare old.csv new.csv

On one machine equal code gives equal digits; other processors round differently (`test_golden.py` allows for that).
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

VERSION = 1
"""`repro.config.point.NUMBERS` of the kept record: who changes numbers raises both and writes the record anew."""
KEY = ("case", "point", "t", "observable")
VALUES = ("mean", "error", "exact")
EVOLVED = ("fig4", "--only", "a-dyn-*", "--t-end", "0.4")
SEARCHED = ("fig4", "--only", "a-var-1x32-*Jy1.8", "--iterations", "6")
FITTED = ("--heads", "4", "--positions", "learned", "--step-decay", "cycle", "--step-factor", "0.02", "--tau", "0.1")
PROJECTED = (*EVOLVED, "--method", "projection", *FITTED, "--step-iterations", "8")
COLLOCATED = (*EVOLVED, "--method", "collocation", *FITTED, "--first-steps", "1", "--first-iterations", "10")
VELOCITIES = (*EVOLVED, "--method", "tdvp", "--heads", "2", "--positions", "learned", "--tau", "0.05")
DRAWN = ("--estimator", "sampled", "--n-samples", "40")

RUNS: dict[str, tuple[str, ...]] = {
    "variational": ("fig4", "--only", "a-var-*Jy1.8", "--iterations", "6"),
    "string mixtures": ("fig4", "--only", "b-var-1x32-*", "--iterations", "6"),
    "variational, draws": (*SEARCHED, "--n-samples", "50"),
    "variational, unmasked draws": (*SEARCHED, "--n-samples", "50", "--layers", "2", "--sampling", "unmasked"),
    "variational, tree of samples": (*SEARCHED, *DRAWN, "--strings", "2s"),
    "variational, deep tree": (*SEARCHED, *DRAWN, "--layers", "2", "--norm", "post", "--heads", "2"),
    "variational, sign": (*SEARCHED, "--objective", "sign", "--mixing", "0.9"),
    "variational, open lattice": (*SEARCHED, "--periodic", "False"),
    "variational, Ising": ("fig3", "--only", "*g1.6", "--iterations", "6"),
    "dynamics": (*EVOLVED, "--step-iterations", "5"),
    "dynamics, draws": (*EVOLVED, "--step-iterations", "5", "--n-samples", "50"),
    "dynamics, tree of samples": (*EVOLVED, "--step-iterations", "5", *DRAWN, "--norm", "pre"),
    "dynamics, naive": (*EVOLVED, "--step-iterations", "5", "--estimator", "naive", "--n-samples", "20"),
    "dynamics, interpolated": (
        *(*EVOLVED, "--step-iterations", "5", "--objective", "interpolated"),
        *("--mixing", "0.2", "--mixing-time", "0.5"),
    ),
    "dynamics, exponential": (*EVOLVED, "--step-iterations", "5", "--step-decay", "exponential", "--gamma", "0.5"),
    # at the figure's rate of 1e-2, rounding by 1e-7 moves means by 0.05 in two steps
    "dynamics, ring": (
        *("fig2", "--only", "a-dyn-*", "--step-iterations", "3", "--t-end", "0.1"),
        *("--step-learning-rate", "1e-4"),
    ),
    "second stage": (
        *("fig4", "--only", "a-var+dyn-*", "--iterations", "6", "--step-iterations", "5", "--t-end", "0.2"),
    ),
    "projection": (*PROJECTED, "--strings", "translations", "--dense-output", "4"),
    "projection, Hilbert-Schmidt": (*PROJECTED, "--strings", "symmetries", "--hilbert-schmidt", "1"),
    "projection, draws": (*PROJECTED, "--n-samples", "50"),
    "projection, tree of samples": (*PROJECTED, *DRAWN),
    "collocation, draws": (*COLLOCATED, "--step-iterations", "6", "--n-samples", "50", "--strings", "symmetries"),
    "collocation, tree of samples": (*COLLOCATED, "--step-iterations", "8", *DRAWN, "--reuse", "4", "--strings", "2t"),
    "tdvp, draws": (*VELOCITIES, "--n-samples", "50"),
    "tdvp, tree of samples": (*VELOCITIES, *DRAWN, "--strings", "2t"),
    "tdvp, images": (*VELOCITIES, *DRAWN, "--lattice-images", "3", "--momentum", "0.9"),
}
TINY = ("--layers", "1", "--width", "8", "--heads", "1", "--iterations", "8")
SOLVES: dict[str, tuple[str, ...]] = {
    "solve": ("driven.py", "--t-end", "0.5", "--steady", "--seeds", "2", *TINY),
    "solve, paper's methods": ("cubic.py", "--t-end", "0.4", "--method", "dynamics", *TINY),
    "solve, search": ("cubic.py", "--steady", "--method", "variational", *TINY),
    "solve, draws": ("cubic.py", "--t-end", "0.4", "--estimator", "sampled", "--n-samples", "50", *TINY),
    "solve, imaginary time": ("thermal.py", "--t-end", "0.5", *TINY),
}
DRIVEN = """
import numpy as np
import repro
X, Z, MINUS = np.array([[0, 1], [1, 0]]), np.diag([1, -1]), np.array([[0, 0], [1, 0]])
ring = repro.ring(3)
model = repro.LindbladModel(
    ring,
    one_site=[(site, (0.3 + 0.1 * site) * X) for site in ring.sites],
    two_site=[(bond, 0.5 * np.kron(Z, Z)) for bond in ring.bonds],
    jumps=[(site, MINUS, 1.0) for site in ring.sites],
)
problem = repro.Problem(model, ["up", "down", "plus"], observables=["Z", "Z*", "X0 Y1"], correlators=[("Z0", "Z2")])
"""
PROBLEMS = {
    "driven.py": DRIVEN,
    # draws do not leave an outcome of no probability, such as one of "down" in the tetrahedron
    "cubic.py": DRIVEN.replace("observables=", "povm='tetrahedral-cubic', observables="),
    "thermal.py": """
import numpy as np
import repro
X, Z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])
ring = repro.ring(3)
model = repro.LindbladModel(
    ring, one_site=[(site, X) for site in ring.sites], two_site=[(bond, np.kron(Z, Z)) for bond in ring.bonds]
)
problem = repro.Problem(model, (0, 0, 0), imaginary_time=True, observables=["X", "Z0 Z1", "purity"])
""",
}


def numbers(python: Path, checkout: Path, cases: Iterable[str] = (*RUNS, *SOLVES), jobs: int = 1) -> list[list[str]]:
    """Rows of `KEY` and `VALUES` of the cases named, computed by a checkout's command line.

    Raises:
        RuntimeError: a command failed; with what it printed.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        for name, text in PROBLEMS.items():
            (Path(folder) / name).write_text(text)
        found = pool.map(lambda case: _case(case, python, checkout, Path(folder)), cases)
        return [row for rows in found for row in rows]


def _case(case: str, python: Path, checkout: Path, folder: Path) -> list[list[str]]:
    runs, out = folder / case / "runs", folder / case / "out"
    if case in RUNS:
        figure, *options = RUNS[case]
        _repro(python, checkout, ["run", figure, "--profile", "smoke", *options, "--wandb", "disabled"], runs)
        (table,) = (runs / figure).glob("*/table.csv")
    else:
        file, *options = SOLVES[case]
        _repro(python, checkout, ["solve", str(folder / file), *options, "--out", str(out)], runs)
        table = out / "table.csv"
    with table.open() as opened:
        rows = list(csv.DictReader(opened))
    named = [[case, row.get("point") or row.get("kind") or "", row["t"], row["observable"]] for row in rows]
    return [key + [row.get(name) or "" for name in VALUES] for key, row in zip(named, rows, strict=True)]


def _repro(python: Path, checkout: Path, arguments: list[str], runs: Path) -> None:
    command = [str(python), "-m", "repro", *arguments, "--runs", str(runs), "--jobs", "1"]
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=checkout, env=os.environ | threads, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


def read(path: Path) -> list[list[str]]:
    """A kept record."""
    with path.open() as opened:
        return list(csv.reader(opened))[1:]


def _write(python: str, checkout: str, out: str) -> int:
    rows = numbers(Path(python).absolute(), Path(checkout).absolute(), jobs=2)
    with Path(out).open("w", newline="") as opened:
        csv.writer(opened, lineterminator="\n").writerows([[*KEY, *VALUES], *rows])
    print(f"{len(rows)} rows of {len(RUNS) + len(SOLVES)} cases")
    return 0


def _compare(before: str, after: str) -> int:
    old, new = read(Path(before)), read(Path(after))
    apart = [f"- {a}\n+ {b}" for a, b in zip(old, new, strict=False) if a != b]
    if len(old) != len(new):
        apart.append(f"{len(old)} rows against {len(new)}")
    print("\n".join(apart) or f"{len(old)} rows: every digit equal")
    return 1 if apart else 0


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    sys.exit({"write": _write, "compare": _compare}[command](*rest))
