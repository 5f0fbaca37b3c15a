"""The table: one row for every fit, written as each finishes; its weights are kept beside the samples."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from benchmarks.ansatz_limit.fit import Fitted, paired, sums_of
from benchmarks.ansatz_limit.likelihood import SAMPLES, Budget
from benchmarks.ansatz_limit.problems import Problem
from benchmarks.ansatz_limit.samples import Samples, standard_error
from benchmarks.ansatz_limit.trajectories import FOLDER
from benchmarks.ansatz_limit.variants import Variant
from repro.ansatz.string_mixture import StringMixture
from repro.utils.errors import InputError
from repro.utils.files import SHIPPED_DIGITS, write_atomic
from repro.utils.names import PAULI_AVERAGES
from repro.utils.provenance import provenance
from repro.utils.result_table import read_exactly

LABELS = (
    *("lattice", "n_sites", "Jy", "t", "povm", "variant", "settings", "sums", "iterations", "batch", "rate", "seed"),
    *("train_groups", "train_samples", "held_groups", "held_samples"),
)
"""What a fit is: rows with the same are the same fit."""
VALUES = (
    *("nll", "nll_error", "gain", "gain_error", "over_one", "over_one_error", "train_nll"),
    *("entropy", "relative_entropy"),
    *(f"{name}{suffix}" for name in PAULI_AVERAGES for suffix in ("", "_error", "_samples", "_samples_error")),
    *("parameters", "seconds", "device"),
)
COLUMNS = (*LABELS, *VALUES)
LIKELIHOODS = "nll_G"
"""Beside the weights in a fit's file."""


def labels_of(
    problem: Problem, variant: Variant, sizes: Mapping[str, int], budget: Budget, seed: int
) -> dict[str, Any]:
    """What a fit is; sizes are those of its samples."""
    network = not variant.product
    sums = sums_of(problem, variant, budget) if network else SAMPLES
    return {
        "lattice": problem.lattice,
        "n_sites": problem.n_sites,
        "Jy": problem.Jy,
        "t": problem.t,
        "povm": variant.povm,
        "variant": variant.name,
        "settings": variant.text,
        "sums": sums,
        "iterations": budget.iterations if network else 0,
        "batch": budget.batch if network and sums == SAMPLES else 0,
        "rate": budget.rate if network else 0.0,
        "seed": seed if network else 0,
        **sizes,
    }


class Table:
    """The table on disk and the folder of fits.

    Args:
        path: of the table.
        runs: folder of runs.

    Raises:
        InputError: a file that is no such table.
    """

    def __init__(self, path: Path, runs: Path) -> None:
        self.path, self.fits = path, runs / FOLDER / "fits"
        self.rows: list[dict[str, Any]] = []
        if path.exists():
            try:
                frame = read_exactly(path)
            except (OSError, ValueError) as error:
                raise InputError(f"{path}: not a table of fits ({' '.join(str(error).split())[:80]})") from error
            if tuple(frame.columns) != COLUMNS:
                raise InputError(f"{path}: not a table of fits, expected the columns {', '.join(COLUMNS[:6])}, ...")
            frame["settings"] = frame["settings"].astype(object).fillna("")
            self.rows = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]

    def has(self, labels: dict[str, Any]) -> bool:
        """Whether a fit has its row."""
        return any(_plain(row) == _plain(labels) for row in self.rows)

    def add(
        self, labels: dict[str, Any], fitted: Fitted, samples: Samples, product_G: np.ndarray, one: Path | None
    ) -> None:
        """Keep a fit, then add its row and write.

        Args:
            labels: of the fit.
            fitted: it.
            samples: it was fitted to and evaluated on.
            product_G: -log p(a) of the product of marginals on the groups held out.
            one: file of the fit of one string, None where there is nothing to compare.
        """
        kept = {LIKELIHOODS: torch.from_numpy(fitted.nll_G)}
        if isinstance(fitted.model, StringMixture):
            kept |= {name: value.contiguous() for name, value in fitted.model.state_dict().items()}
        write_atomic(self.file(labels, samples.key), save(kept))
        one_G = None if one is None else _likelihoods(one)
        nowhere = (math.nan, math.nan)
        likelihoods = {
            "nll": (float(fitted.nll_G.mean()), standard_error(fitted.nll_G)),
            "gain": paired(product_G, fitted.nll_G),
            "over_one": nowhere if one_G is None else paired(one_G, fitted.nll_G),
            **{name: fitted.paulis[name] for name in PAULI_AVERAGES},
            **{f"{name}_samples": pair for name, pair in samples.pauli_means().items()},
        }
        values: dict[str, Any] = {
            "train_nll": fitted.train_nll,
            "entropy": samples.entropy,
            "relative_entropy": fitted.relative_entropy,
            "parameters": fitted.n_parameters,
            "seconds": round(fitted.seconds, 2),
            "device": provenance("cpu")["device"],
        }
        for name, (mean, error) in likelihoods.items():
            values |= {name: mean, f"{name}_error": error}
        self.rows.append({**labels, **values})
        text = self.frame().to_csv(index=False, float_format=f"%.{SHIPPED_DIGITS}g", lineterminator="\n")
        write_atomic(self.path, text)

    def file(self, labels: dict[str, Any], key: str) -> Path:
        """Where the weights of a fit to some samples are kept."""
        words = json.dumps([*map(str, _plain(labels)), key])
        return self.fits / f"{hashlib.sha256(words.encode()).hexdigest()[:16]}.safetensors"

    def frame(self) -> pd.DataFrame:
        """The rows as a table."""
        return pd.DataFrame(self.rows, columns=list(COLUMNS))


def _plain(row: dict[str, Any]) -> list[Any]:
    """Labels as they compare, whether they were read or made."""
    return [value if isinstance(value := row[name], str) else float(value) for name in LABELS]


def _likelihoods(file: Path) -> np.ndarray | None:
    """-log p(a) of the groups held out, from a fit's file; None without one."""
    try:
        return load(file.read_bytes())[LIKELIHOODS].numpy()
    except (OSError, KeyError, SafetensorError):
        return None
