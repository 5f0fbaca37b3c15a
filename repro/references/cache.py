"""Exact curves on disk: a reference, the key of its files, and the search for one that is computed already.

A reference is two files, `<key>.csv` (tidy table) and `<key>.json` (how it was made, and the table's checksum). The
key is a hash of everything that decides the numbers, so a reference can never be mistaken for another model's.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from repro.physics.lindblad import LindbladModel
from repro.utils.errors import InputError, unknown
from repro.utils.files import SHIPPED_DIGITS, write_atomic
from repro.utils.locks import locked
from repro.utils.names import PAULI_AVERAGES
from repro.utils.paths import SHIPPED_REFERENCES

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
SLACK = 1e-9
"""What sums of time steps leave of the last time, as a fraction of it."""
KNOWN_TO = "known_to"
"""In `info` of a curve that was cut where it is no longer known well enough: its last time."""
# Shipped references travel with the code; what this machine computes stays in the folder it works in.
DEFAULT_FOLDERS = (SHIPPED_REFERENCES, Path("runs") / "reference")

log = logging.getLogger(__name__)
Folders = Sequence[str | os.PathLike[str]]
Say = Callable[[str], None]
"""Called with a line of progress."""


@dataclass(frozen=True)
class Reference:
    """An exact curve, or an exact steady state.

    Attributes:
        table: columns t (units 1/gamma; inf for a steady state), observable ("sigma_x", "sigma_y", "sigma_z",
            averaged over the sites), mean; of trajectories and matrix products also error.
        info: kind ("dynamics", "steady state" or "steady state by trajectories"), key, label, settings, solver,
            residual (Frobenius norm of L rho of the last state), trace, smallest_eigenvalue, seconds, versions,
            created; of trajectories their number instead of the residual, trace and eigenvalue.
    """

    table: pd.DataFrame
    info: dict[str, Any]

    @property
    def t_end(self) -> float:
        """Last time in the table (units 1/gamma), inf for a steady state."""
        return float(self.table["t"].max())

    @property
    def cut(self) -> bool:
        """Whether it ends where it is no longer known well enough."""
        return KNOWN_TO in self.info

    def error(self, observable: str, t: float = math.inf) -> float:
        """Error of a value at a time: that of trajectories or matrix products, 0 of a density matrix, NaN where a curve
        that was cut has no value."""
        if self.cut and t > self.t_end * (1 + SLACK):
            return math.nan
        if "error" not in self.table:
            return 0.0
        rows = self.table[self.table["observable"] == observable]
        if math.isinf(self.t_end):
            return float(rows["error"].iloc[0])
        return float(np.interp(t, rows["t"].to_numpy(dtype=float), rows["error"].to_numpy(dtype=float)))

    def at(self, t: ArrayLike, observable: str) -> np.ndarray:
        """Site-averaged expectation value at times t, cubic between the grid's times.

        Args:
            t: times (units 1/gamma), any shape. A steady state has the same value at every time; a curve that was cut
                has NaN beyond its end.
            observable: "sigma_x", "sigma_y" or "sigma_z".

        Raises:
            InputError: an unknown observable, or a time outside the table.
        """
        if observable not in PAULI_AVERAGES:
            raise unknown("observable", observable, PAULI_AVERAGES)
        rows = self.table[self.table["observable"] == observable]
        times = np.asarray(t, dtype=float)
        if math.isinf(self.t_end):
            return np.full(times.shape, rows["mean"].iloc[0])
        from scipy.interpolate import CubicSpline

        first, last = float(rows["t"].min()), self.t_end
        slack = SLACK * last
        beyond = (times > last + slack) & self.cut
        times = np.where(beyond, last, times)
        if not np.all((times >= first - slack) & (times <= last + slack)):
            raise InputError(
                f"exact curve asked for t = {times.min():g} to {times.max():g}: it covers {first:g} to {last:g}"
            )
        curve = CubicSpline(rows["t"].to_numpy(dtype=float), rows["mean"].to_numpy(dtype=float))
        return np.where(beyond, math.nan, curve(np.clip(times, first, last)))


def numbers(matrix: np.ndarray) -> list[list[float]]:
    """Entries of a complex matrix, row by row, as [real, imaginary] to twelve digits of its largest entry."""
    # Rounding keeps the key the same on machines whose last bit differs.
    parts = np.stack([matrix.real.ravel(), matrix.imag.ravel()], axis=1)
    exponent = math.floor(math.log10(largest)) + 1 if (largest := float(np.abs(parts).max(initial=0.0))) else 0
    return [[rounded(x, 12 - exponent) for x in pair] for pair in parts.tolist()]


def rounded(x: float, decimals: int) -> float:
    """A number to so many decimals, which may be below zero or beyond what floats have; -0.0 is 0.0."""
    return float(f"{x:.{max(decimals, 0)}f}") + 0.0 if decimals <= 300 else x


def describe(model: LindbladModel, kind: str, **settings: Any) -> dict[str, Any]:
    """Everything that decides a reference's numbers, as plain JSON: terms, jumps and settings.

    Terms and jumps that vanish are left out. t_end is none of the settings: a longer curve serves a shorter one.
    """
    return {
        "format": FORMAT_VERSION,
        "kind": kind,
        "n_sites": model.lattice.n_sites,
        "hamiltonian": [
            [list(map(int, term.sites)), numbers(term.operator)]
            for term in model.hamiltonian_terms
            if term.operator.any()
        ],
        "jumps": [
            [list(map(int, jump.sites)), numbers(jump.operator), float(f"{jump.rate:.12g}")]
            for jump in model.jumps
            if jump.acts
        ],
        "observables": list(PAULI_AVERAGES),
        **settings,
    }


def key_of(description: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits of the sha256 of a description."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]


def find(description: dict[str, Any], t_end: float, folders: Folders) -> Reference | None:
    """The stored reference of a description that reaches t_end, None when no folder has it."""
    return _search(folders, key_of(description), t_end, report=False)


def find_or_compute(
    description: dict[str, Any], t_end: float, folders: Folders, compute: Callable[[], Reference]
) -> Reference:
    """The reference of a description that reaches t_end, from the first folder that has it.

    When no folder has it, it is computed under a lock and written to the last folder. A damaged or foreign file
    counts as missing and is reported in one line.

    Raises:
        InputError: the last folder cannot be written.
    """
    key = key_of(description)
    if (reference := find(description, t_end, folders)) is not None:
        return reference
    with _locked(Path(folders[-1]), key) as folder:
        reference = _search(folders, key, t_end, report=True)
        if reference is None:
            reference = _stored(compute(), key, folder)
        return reference


def _table(text: bytes) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(io.BytesIO(text))


@contextmanager
def _locked(folder: Path, key: str) -> Iterator[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"reference folder {folder}: cannot be written ({error.strerror or error})") from error
    with locked(folder / f".{key}.lock"):
        yield folder


def _search(folders: Folders, key: str, t_end: float, report: bool) -> Reference | None:
    for folder in folders:
        try:
            reference = load(Path(folder), key)
        except InputError as error:
            if report:
                log.warning("%s: computed again", error)
            continue
        if reference is not None and (math.isinf(reference.t_end) or reference.t_end >= t_end * (1 - SLACK)):
            return reference
    return None


def load(folder: Path, key: str) -> Reference | None:
    """The reference stored under a key in a folder, None when there is none.

    Raises:
        InputError: files that are damaged, incomplete or of another key.
    """
    csv, sidecar = folder / f"{key}.csv", folder / f"{key}.json"
    if not csv.exists() and not sidecar.exists():
        return None
    try:
        text = csv.read_bytes()
        info = json.loads(sidecar.read_text(encoding="utf-8"))
        sound = info["key"] == key and info["csv_sha256"] == hashlib.sha256(text).hexdigest()
        table = _table(text) if sound else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"reference {csv}: cannot be read ({type(error).__name__})") from error
    if table is None:
        raise InputError(f"reference {csv}: does not match its checksum or key")
    return Reference(table, info)


def _stored(reference: Reference, key: str, folder: Path) -> Reference:
    text = reference.table.to_csv(index=False, float_format=f"%.{SHIPPED_DIGITS}g", lineterminator="\n").encode()
    info = {"key": key, **reference.info, "csv_sha256": hashlib.sha256(text).hexdigest()}
    write_atomic(folder / f"{key}.csv", text)
    write_atomic(folder / f"{key}.json", json.dumps(info, indent=1) + "\n")
    # Read back, so that the first run and every later one see the same digits.
    return Reference(_table(text), info)
