"""Claims about variational steady states: 2 to 7, 10, 13, and the public code's sampling."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from repro.claims.claim import Finding
from repro.claims.evolution import second_stage_converges
from repro.claims.tables import Estimate, Missing, Tables, at_least, estimate
from repro.references.cache import OBSERVABLES

if TYPE_CHECKING:
    import pandas as pd

AGREES = 0.03
"""Largest |<sigma_w> - exact| of a variational steady state that agrees."""
FAILS = 2.0
"""A competitor fails where its worst deviation is this many times ours, and above AGREES."""
MARGINAL = 0.5
"""Sizes below the largest bring at most this part of the largest size's gain."""
SIGMAS = 2.0
"""Standard errors that a difference must exceed."""
CLOSE = 0.03
"""Two mean deviations this far apart at most are similar."""
FLAT = 0.05
"""Relative change of the median loss between the last two fifths of a converged search."""
GRID = 23
SEEDS = 3
SIZES = ((1, 32), (1, 64), (2, 32), (2, 64))


def agrees_where_rbm_fails(tables: Tables) -> Finding:
    """Claim 2."""
    ours = [tables.steady("fig3", observable, method="variational") for observable in OBSERVABLES]
    at_least(ours[0], "g", GRID, "Fig. 3: fields g")
    worst = max(float(frame["off"].max()) for frame in ours)
    hard = max(float(frame.loc[_hard(frame), "off"].max()) for frame in ours)
    rbm_path = tables.folder / "fig3_rbm.csv"
    if not rbm_path.exists():
        raise Missing(f"fig3: the RBM's table (ours: largest deviation {worst:.3f}, {hard:.3f} for 1 < g < 2.5)")
    rbm = [tables.steady("fig3_rbm", observable) for observable in OBSERVABLES]
    at_least(rbm[0], "g", 7, "Fig. 3: fields of the RBM")
    rbm_hard = max(float(frame.loc[_hard(frame), "off"].max()) for frame in rbm)
    error = max(float(frame["error"].max()) for frame in ours)
    told = f"largest deviation {worst:.3f} over the grid, {hard:.3f} for 1 < g < 2.5; RBM {rbm_hard:.3f} there"
    fails = rbm_hard > max(AGREES, FAILS * hard)
    agrees = "agrees" if worst <= AGREES else "does not agree"
    reason = f"{agrees} everywhere; the RBM {'fails' if fails else 'does not fail'}"
    return Finding(worst <= AGREES and fails, told, reason, "0 deviation", f"largest standard error {error:.3f}")


def averaging_helps(tables: Tables) -> Finding:
    """Claim 3 (Eqs. S17-S18)."""
    told, holds = [], True
    for observable in ("sigma_x", "sigma_y"):
        runs = tables.steady("figS5", observable)
        at_least(runs, "seed", SEEDS, "Fig. S5: runs")
        average = abs(float(runs["mean"].mean()) - float(runs["exact"].iloc[0]))
        single = float(runs["off"].median())
        holds &= average < single
        told.append(f"{observable}: average {average:.4f} off, median run {single:.4f} ({len(runs)} runs)")
    errors = [estimate(tables.steady("figS5", name)["mean"].to_numpy()).error for name in ("sigma_x", "sigma_y")]
    reason = "the average is " + ("closer than the median run for both" if holds else "not closer for both")
    return Finding(
        bool(holds), "; ".join(told), reason, "0 deviation", f"standard errors {errors[0]:.4f}, {errors[1]:.4f}"
    )


def size_helps(tables: Tables) -> Finding:
    """Claim 4, with medians over the couplings: a collapsed search does not decide."""
    off = {size: _over_couplings(tables, *size) for size in SIZES}
    median = {size: float(values.median()) for size, values in off.items()}
    gain = median[1, 32] - median[2, 64]
    before = median[1, 32] - min(median[1, 64], median[2, 32])
    better = int((off[2, 64] < off[1, 32]).sum())
    ordered = all(median[first] >= median[second] for first, second in (((1, 32), (1, 64)), ((1, 32), (2, 32))))
    ordered &= median[2, 64] <= min(median[1, 64], median[2, 32])
    told = ", ".join(f"{n}x{d}: {median[n, d]:.3f}" for n, d in SIZES)
    collapsed = sum(int((values > 1).sum()) for values in off.values())
    holds = ordered and gain > 0 and before <= MARGINAL * gain
    reason = (
        f"2x64 closer than 1x32 at {better} of {len(off[1, 32])} couplings; gain {gain:.3f}, {before:.3f} before 2x64"
    )
    reason += f"; {collapsed} collapsed" if collapsed else ""
    return Finding(
        bool(holds), f"median deviation {told}", reason, "0 deviation", "spread over couplings, one seed each"
    )


def string_one_beats_zero(tables: Tables) -> Finding:
    """Claim 5."""
    pairs = _seed_table(tables)
    differences = np.concatenate([(pairs[size]["0s"] - pairs[size]["1s"]).to_numpy() for size in pairs])
    gain, level = estimate(differences), float(np.mean([pairs[size]["0s"].mean() for size in pairs]))
    holds = gain.mean > SIGMAS * gain.error and gain.mean < level / 2
    told = f"deviation falls by {gain} from string 0 ({level:.3f}) to string 1, {len(differences)} pairs"
    reason = _significance(gain) + (", and slight" if gain.mean < level / 2 else ", and not slight")
    return Finding(bool(holds), told, reason, "0 deviation", "standard error over seeds and sizes")


def more_strings_help(tables: Tables) -> Finding:
    """Claim 6."""
    told, holds = [], True
    for (layers, width), runs in _seed_table(tables).items():
        found = {name: estimate(runs[name].to_numpy()) for name in ("1s", "2s", "4s", "8s") if name in runs}
        gain = estimate((runs["1s"] - runs["8s"]).to_numpy())
        steps = list(found.values())
        falls = all(b.mean <= a.mean + math.hypot(a.error, b.error) for a, b in itertools.pairwise(steps))
        fine = gain.mean > SIGMAS * gain.error and falls
        holds &= fine
        told.append(
            f"{layers}x{width}: " + ", ".join(f"{s} {e}" for s, e in found.items()) + ("" if fine else " (fails)")
        )
    reason = "every size gains from 1 to 8 strings" if holds else "not every size gains significantly and steadily"
    return Finding(bool(holds), "; ".join(told), reason, "0 deviation", "standard error over seeds")


def eight_strings_like_large(tables: Tables) -> Finding:
    """Claim 7."""
    pairs = _seed_table(tables)
    if (2, 64) not in pairs:
        raise Missing("ledger: seeds of 2x64")
    small, large = estimate(pairs[1, 32]["8s"].to_numpy()), estimate(pairs[2, 64]["0s"].to_numpy())
    apart = Estimate(small.mean - large.mean, math.hypot(small.error, large.error))
    holds = abs(apart.mean) <= max(CLOSE, SIGMAS * apart.error)
    told = f"deviation {small} (1x32, eight strings), {large} (2x64, string 0)"
    return Finding(bool(holds), told, f"apart by {apart}", "0 deviation", "standard error over seeds")


def loss_converges(tables: Tables) -> Finding:
    """Claim 10."""
    losses, told, holds = tables.losses("figS2"), [], True
    at_least(losses, "panel", 2, "Fig. S2: panels")
    for panel, run in losses.groupby("panel"):
        fifths = np.array_split(run.sort_values("iteration")["loss"].to_numpy(), 5)
        change = abs(np.median(fifths[4]) / np.median(fifths[3]) - 1)
        holds &= bool(change <= FLAT)
        told.append(f"({panel}) loss changes by {100 * change:.1f} %")
    settled, said = second_stage_converges(tables)
    return Finding(
        bool(holds and settled), "; ".join([*told, said]), "both" if holds and settled else "not all converge"
    )


def sign_loss_helps_unstably(tables: Tables) -> Finding:
    """Claim 13."""
    rows = tables.steady("ledger", panel="sign")
    kind = rows["point"].str.extract(r"-sign([\d.]+)", expand=False).fillna("1")
    runs = {name: estimate(frame["off"].to_numpy()) for name, frame in rows.groupby(kind)}
    spread = {name: float(frame["off"].std(ddof=1)) for name, frame in rows.groupby(kind)}
    at_least(rows, "seed", SEEDS, "ledger: seeds of the sign-augmented loss")
    plain = runs.pop("1", None)
    if plain is None or not runs:
        raise Missing("ledger: the sign-augmented loss beside the plain one")
    best = min(runs, key=lambda name: runs[name].mean)
    gain = Estimate(plain.mean - runs[best].mean, math.hypot(plain.error, runs[best].error))
    unstable = max(spread[name] for name in runs) > 2 * spread["1"]
    told = f"plain {plain}; " + ", ".join(f"lambda {name}: {value}" for name, value in runs.items())
    stability = "less stable than" if unstable else "as stable as"
    reason = f"best lambda {best}: {_significance(gain)}; {stability} the plain loss"
    return Finding(
        bool(gain.mean > SIGMAS * gain.error and unstable), told, reason, "0 deviation", "standard error over seeds"
    )


def sampling_fault(tables: Tables) -> Finding:
    """The public code's unmasked sampling: does it leave two-layer results as they are?"""
    told, holds = [], True
    rows = tables.rows("ledger", panel="sampling", t=math.inf, observable="sigma_z")
    for size, frame in rows.groupby(["layers", "width"]):
        unmasked = frame["point"].str.contains("-unmasked")
        kinds = (frame[unmasked], frame[~unmasked])
        for kind in kinds:
            at_least(kind, "seed", SEEDS, "ledger: seeds of the sampling comparison")
        faulty, right = (estimate(kind["mean"].to_numpy()) for kind in kinds)
        shift = Estimate(faulty.mean - right.mean, math.hypot(faulty.error, right.error))
        holds &= abs(shift.mean) <= SIGMAS * shift.error
        told.append(f"{size[0]}x{size[1]}: <sigma_z> {faulty} unmasked, {right} masked")
    exact = float(rows["exact"].iloc[0])
    reason = "no shift beyond the error bars" if holds else "results shift beyond the error bars"
    return Finding(bool(holds), "; ".join(told), reason, f"{exact:.3f}", "standard error over seeds")


def _hard(frame: pd.DataFrame) -> pd.Series:
    return (frame["g"] > 1) & (frame["g"] < 2.5)


def _over_couplings(tables: Tables, layers: int, width: int) -> pd.Series:
    rows = tables.steady("fig4", method="variational", layers=layers, width=width, strings="0s")
    at_least(rows, "Jy", 5, f"Fig. 4a: couplings of {layers}x{width}")
    return rows.groupby("Jy")["off"].mean()


def _seed_table(tables: Tables) -> dict[tuple[int, int], pd.DataFrame]:
    """|off| by seed (rows) and strings (columns) for every size with SEEDS seeds of 0s, 1s and 8s at least."""
    rows = tables.steady("ledger", panel="seeds", method="variational")
    found = {}
    for layers, width in SIZES:
        frame = rows[(rows["layers"] == layers) & (rows["width"] == width)]
        wide = frame.pivot_table(index="seed", columns="strings", values="off").dropna()
        if len(wide) >= SEEDS and {"0s", "1s", "8s"} <= set(wide.columns):
            found[layers, width] = wide
    if (1, 32) not in found or len(found) < 2:
        raise Missing(f"ledger: {SEEDS} seeds of strings 0s, 1s and 8s for 1x32 and another size")
    return found


def _significance(gain: Estimate) -> str:
    return f"gain {gain}, {'significant' if gain.mean > SIGMAS * gain.error else 'not significant'}"
