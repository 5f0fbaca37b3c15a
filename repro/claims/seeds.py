"""Claims about variational steady states that further seeds decide: 5, 6, 7 and 13, on the 3x3 lattice at J_y = 1.8."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from repro.claims.claim import Finding
from repro.claims.effect import Effect, estimate, of
from repro.claims.tables import Missing, Tables, once

if TYPE_CHECKING:
    import pandas as pd

SEEDS = 3
"""Fewest seeds of a size that a claim may rest on."""
SIZES = ((1, 32), (1, 64), (2, 32), (2, 64))
SLIGHT = 0.5
"""A gain at most this part of the deviation is slight, and a rise on the way at most this part of the gain is none."""


def string_one_beats_zero(tables: Tables) -> Finding:
    """Claim 5."""
    pairs, rows = _seed_table(tables)
    zero, one = (np.concatenate([runs[name].to_numpy() for runs in pairs.values()]) for name in ("0s", "1s"))
    gain, beyond, n = estimate(zero - one), estimate((1 - SLIGHT) * zero - one), len(zero)
    effects = (
        of("gain from string 0 to string 1", gain, 0.0, True, n),
        of(f"that gain beyond {SLIGHT:g} of the deviation", beyond, 0.0, runs=n),
    )
    told = f"deviation falls by {gain} from string 0 ({zero.mean():.3f}) to string 1, {n} pairs"
    return Finding(effects, told, rows[rows["strings"].isin(["0s", "1s"])])


def more_strings_help(tables: Tables) -> Finding:
    """Claim 6: every rise on the way over the seeds that both of its strings have."""
    told, effects, untested = [], [], []
    pairs, rows = _seed_table(tables)
    for (layers, width), runs in pairs.items():
        size = f"{layers}x{width}"
        names = [name for name in ("1s", "2s", "4s", "8s") if name in runs and runs[name].count() >= SEEDS]
        gain = runs["1s"] - runs["8s"]
        effects.append(of(f"gain from 1 to 8 strings, {size},", estimate(gain.to_numpy()), 0.0, True, len(gain)))
        rises = _rises(runs[names], gain, size)
        effects += rises
        if not rises:
            untested.append(size)
        told.append(f"{size}: " + ", ".join(f"{name} {estimate(runs[name].dropna())}" for name in names))
    few = f"rises on the way not tested at {', '.join(untested)}: fewer than {SEEDS} seeds of 2 and of 4 strings"
    return Finding(tuple(effects), "; ".join(told), rows, few if untested else "")


def _rises(runs: pd.DataFrame, gain: pd.Series[float], size: str) -> list[Effect]:
    """Rises from a number of strings to the next one beyond SLIGHT of the gain, each of the same runs as the gain."""
    effects = []
    for few, more in itertools.pairwise(map(str, runs)) if len(runs.columns) > 2 else ():
        over = (runs[more] - runs[few] - SLIGHT * gain).dropna()
        if len(over) >= SEEDS:
            what = f"rise from {few[0]} to {more[0]} strings beyond {SLIGHT:g} of that gain, {size},"
            effects.append(of(what, estimate(over.to_numpy()), 0.0, runs=len(over)))
    return effects


def eight_strings_like_large(tables: Tables) -> Finding:
    """Claim 7: apart by at most half of what eight strings gain at 1x32."""
    rows = _searches(tables)
    small, large = _by_seed(rows, 1, 32, ["0s", "8s"]), _by_seed(rows, 2, 64, ["0s"])["0s"].to_numpy()
    if min(len(small), len(large)) < SEEDS:
        raise Missing(f"ledger: {SEEDS} seeds of strings 0s and 8s for 1x32 and of 0s for 2x64")
    one, eight = (small[name].to_numpy() for name in ("0s", "8s"))
    sign = 1 if eight.mean() > large.mean() else -1
    over = estimate(sign * eight - SLIGHT * (one - eight)) - estimate(sign * large)
    effect = of(f"distance beyond {SLIGHT:g} of the gain of eight strings", over, 0.0, runs=min(len(eight), len(large)))
    told = f"deviation {estimate(eight)} (1x32, eight strings), {estimate(large)} (2x64, string 0), "
    told += f"{estimate(one)} (1x32, string 0)"
    used = rows["strings"].eq("0s") & rows["width"].eq(64) & rows["layers"].eq(2)
    used |= rows["strings"].isin(["0s", "8s"]) & rows["width"].eq(32) & rows["layers"].eq(1)
    return Finding((effect,), told, rows[used])


def sign_loss_helps_unstably(tables: Tables) -> Finding:
    """Claim 13: of lambdas with SEEDS the best gains, and some spreads more over seeds than the plain loss."""
    rows = tables.steady("ledger", panel="sign")
    rows = rows.assign(kind=rows["point"].str.extract(r"-sign([\d.]+)", expand=False).fillna("1"))
    once(rows, ["kind", "seed"], "ledger: the sign-augmented loss")
    rows = rows[rows.groupby("kind")["seed"].transform("nunique") >= SEEDS]
    off = {str(name): frame["off"].to_numpy() for name, frame in rows.groupby("kind")}
    plain = off.pop("1", None)
    if plain is None or not off:
        raise Missing(f"ledger: {SEEDS} seeds of the plain loss and of the sign-augmented one")
    best = min(off, key=lambda name: off[name].mean())
    widest = max(off, key=lambda name: off[name].std(ddof=1))
    effects = (
        of(f"gain of lambda {best}", estimate(plain) - estimate(off[best]), 0.0, True, min(len(plain), len(off[best]))),
        _spread(f"logarithm of the spread of lambda {widest} over that of the plain loss", off[widest], plain),
    )
    told = f"plain {estimate(plain)}; " + ", ".join(f"lambda {name}: {estimate(off[name])}" for name in off)
    return Finding(effects, told, rows, "the best of several lambda, chosen after looking")


def _spread(what: str, values: np.ndarray, plain: np.ndarray) -> Effect:
    """log(s / s_plain) above 0; of normal values log(s) of n has the standard error 1 / sqrt(2 (n - 1))."""
    error = math.hypot(*(1 / math.sqrt(2 * (len(each) - 1)) for each in (values, plain)))
    value = math.log(max(values.std(ddof=1), 1e-12) / max(plain.std(ddof=1), 1e-12))
    return Effect(what, value, 0.0, error, True, len(values))


def _seed_table(tables: Tables) -> tuple[dict[tuple[int, int], pd.DataFrame], pd.DataFrame]:
    """|off| by seed (rows) and strings (columns) for every size with SEEDS seeds of 0s, 1s and 8s; and the rows."""
    rows = _searches(tables)
    found = {(layers, width): _by_seed(rows, layers, width, ["0s", "1s", "8s"]) for layers, width in SIZES}
    found = {size: wide for size, wide in found.items() if len(wide) >= SEEDS}
    if (1, 32) not in found or len(found) < 2:
        raise Missing(f"ledger: {SEEDS} seeds of strings 0s, 1s and 8s for 1x32 and another size")
    used = {(*size, seed) for size, wide in found.items() for seed in wide.index}
    return found, rows[[key in used for key in zip(rows["layers"], rows["width"], rows["seed"], strict=True)]]


def _searches(tables: Tables) -> pd.DataFrame:
    return tables.steady("ledger", panel="seeds", method="variational")


def _by_seed(rows: pd.DataFrame, layers: int, width: int, needed: list[str]) -> pd.DataFrame:
    """|off| of a size by seed (rows) and strings (columns), of seeds that have all strings that are needed."""
    frame = rows[(rows["layers"] == layers) & (rows["width"] == width)]
    wide = frame.pivot_table(index="seed", columns="strings", values="off")
    wide = wide.reindex(columns=[*needed, *(name for name in wide if name not in needed)])
    return wide.dropna(subset=needed)
