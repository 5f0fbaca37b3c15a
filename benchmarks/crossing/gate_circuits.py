"""Trajectories as circuits of gates, state vectors by qsim: the mean over their end, from all spins up."""

from __future__ import annotations

from pathlib import Path

from benchmarks.crossing.rows import TARGET, Measured, Say
from repro.physics.lindblad import LindbladModel
from repro.references.cache import DEFAULT_FOLDERS, Reference
from repro.references.gates import curves
from repro.references.gates.circuit import installed
from repro.utils.names import PAULI_AVERAGES

__all__ = ["installed"]

MISSING = "gates: no package qsimcirq, left out (pip install '.[gates]')"


def gates(model: LindbladModel, runs: Path, say: Say) -> Measured:
    """Seconds of as many trajectories as the target asks for, at least eight; those that are kept count with theirs.

    Raises:
        InputError: qsim is not installed.
    """
    return _measured(curves.steady_state(model, "up", _folders(runs), target=TARGET, say=say))


def kept(model: LindbladModel, runs: Path) -> Measured | None:
    """The same of a steady state that is stored, None where none is."""
    found = curves.stored_steady_state(model, _folders(runs))
    return None if found is None else _measured(found)


def _folders(runs: Path) -> tuple[Path, Path]:
    """The shipped references, and a folder of its own: trajectories that a curve has needed would count too."""
    return Path(DEFAULT_FOLDERS[0]), runs / "crossing" / "gates"


def _measured(found: Reference) -> Measured:
    means = {name: float(found.at(0.0, name)) for name in PAULI_AVERAGES}
    error = max(found.error(name) for name in PAULI_AVERAGES)
    settings = f"qsim, {found.info['trajectories']} trajectories, steps of {found.info['settings']['dt']:g}"
    return Measured(float(found.info["seconds"]), error, settings, means, rule="wall time")
