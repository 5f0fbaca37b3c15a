"""Claims about time evolution: 1, 8, 9, 11, 12, and the second stage of 10."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.claims.claim import Finding
from repro.claims.effect import Effect, Estimate, estimate, of
from repro.claims.other_seeds import with_seeds
from repro.claims.paper_settings import BY_BATCHES, in_batches
from repro.claims.tables import Missing, Tables, at_least, together
from repro.config.listed import rank

if TYPE_CHECKING:
    import pandas as pd

TRACKS = 0.05
"""Largest |<sigma_z> - exact| of a curve that tracks the exact one, as a part of the exact curve's range."""
BETTER = 0.5
"""An error at most this part of another is significantly better."""
SAME = 0.03
"""Two steady values of <sigma_z> this close are the same."""
SETTLED = 0.05
"""A curve that stays this close to its end has settled."""
FLUCTUATES = 1e-4
"""Root mean square change of <sigma_z> per time step above which no fixed point is reached."""
LAST = 0.2
"""The part of an evolution at its end that counts as its long-time limit."""

SECOND = ("Fig. S1", "3x3 seeds")
"""Where the second stage's curves are from."""

Curves = list["pd.DataFrame"]


def tracks_exact(tables: Tables) -> Finding:
    """Claim 1: every curve within TRACKS of its range, the first and last fifth closer on average than the middle."""
    shallow: dict[str, Any] = {"strings": "0s", "layers": 1, "width": 32}
    ring = tables.curves("fig2", panel="a", n_sites=10, **shallow)
    lattice = tables.curves("fig2", panel="b", **shallow)
    rows = with_seeds(tables, together([*ring.values(), *lattice.values()]))
    at_least(rows[rows["panel"] == "b"], "Jy", 2, "Fig. 2b")
    if rows["exact"].isna().any():
        raise Missing(f"fig2: exact curve of {rows.loc[rows['exact'].isna(), 'point'].iloc[0]}")
    effects, told = [], []
    for curves in _grouped(rows, ["lattice", "Jy"]).values():
        first = curves[0].iloc[0]
        ring_alone = first["panel"] == "a"
        name = "Fig. 2a" if ring_alone else f"Fig. 2b, J_y = {first['Jy']:g}"
        rests = ("Fig. 2a",) if ring_alone else ("Fig. 2b", "3x3 seeds")
        largest = estimate([_largest_part(curve) for curve in curves])
        edges = estimate([_edges_over_middle(curve) for curve in curves])
        over = f"deviation of first and last fifth over that of the middle of {name}"
        effects.append(of(f"largest deviation over range of {name}", largest, TRACKS, False, len(curves), rests))
        effects.append(of(over, edges, 1, False, len(curves), rests))
        off = _off(curves[0])
        told.append(f"{name}: largest deviation {off.max():.3f} (t = {curves[0]['t'].iloc[off.argmax()]:.2f})")
    return Finding(tuple(effects), "; ".join(told), rows)


def dynamics_beats_variational(tables: Tables) -> Finding:
    """Claim 8: BETTER times the variational deviation minus that of the dynamics, paired over couplings, is above 0."""
    rows = {method: _shallow(tables, method) for method in ("dynamics", "variational")}
    off = {method: frame.groupby("Jy")["off"].mean() for method, frame in rows.items()}
    dynamics, variational = off["dynamics"], off["variational"].reindex(off["dynamics"].index)
    if variational.isna().any() or len(dynamics) < 2:
        raise Missing("fig4: variational points at the couplings of the dynamics, two at least")
    gain = estimate((BETTER * variational - dynamics).to_numpy())
    what = f"{BETTER:g} times the variational deviation minus that of the dynamics, {len(dynamics)} couplings,"
    ours = f"mean deviation {dynamics.mean():.3f} (dynamics), {variational.mean():.3f} (variational), 1x32"
    used = together([frame[frame["Jy"].isin(dynamics.index)] for frame in rows.values()])
    return Finding((of(what, gain, 0.0, True, len(dynamics)),), ours, used)


def second_stage_saves_time(tables: Tables) -> Finding:
    """Claim 9: with and without a variational start the same steady value, and settled after less computing."""
    told, apart, ratios, used = [], [], [], []
    for coupling, (plain, started) in _both_ways(tables).items():
        apart.append(float(abs(np.mean([_end(c) for c in plain]) - np.mean([_end(c) for c in started]))))
        seconds = [float(np.mean([_seconds_to_settle(curve) for curve in curves])) for curves in (plain, started)]
        ratios.append(math.log(max(seconds[1], 1e-9) / max(seconds[0], 1e-9)))
        told.append(
            f"J_y = {coupling:g}: apart {apart[-1]:.3f}, settled after {seconds[1]:.0f} s against {seconds[0]:.0f} s"
        )
        used += [*plain, *started]
    if len(told) < 2:
        raise Missing("fig4: both ways to evolve at one time step and number of draws, two couplings at least")
    effects = (
        of("distance of the two steady values", estimate(apart), SAME, runs=len(apart)),
        of("logarithm of the ratio of times", estimate(ratios), 0.0, runs=len(ratios)),
    )
    return Finding(effects, "; ".join(told), together(used), f"time ratio {math.exp(np.mean(ratios)):.2f}")


def larger_energies(tables: Tables) -> Finding:
    """Claim 11: short times within TRACKS of their range on every ring; the steady deviation of the largest ring below
    that of the smallest."""
    short = [c for c in tables.curves("figS3").values() if c["exact"].notna().all()]
    if not short:
        raise Missing("figS3: a curve with exact values")
    long = with_seeds(tables, tables.steady("figS4", known=True)).sort_values("n_sites")
    at_least(long, "n_sites", 3, "Fig. S4: rings of different size")
    effects = []
    for n_sites, curves in _grouped(together(short), "n_sites").items():
        part = estimate([_largest_part(curve) for curve in curves])
        what = f"largest deviation over range of Fig. S3, N = {n_sites},"
        rests = f"{BY_BATCHES if in_batches(curves[0]).all() else ''}Fig. S3"
        effects.append(of(what, part, TRACKS, False, len(curves), (rests,)))
    off = long.groupby("n_sites")["off"]
    few, many = int(long["n_sites"].min()), int(long["n_sites"].max())
    small, large = estimate(off.get_group(few).to_numpy()), estimate(off.get_group(many).to_numpy())
    runs = min(len(off.get_group(n)) for n in (few, many))
    effects.append(_ratio(f"steady deviation of N = {many} over that of N = {few}", large, small, runs))
    ours = "short times: " + ", ".join(f"N = {int(c['n_sites'].iloc[0])}: {_off(c).max():.3f}" for c in short)
    ours += "; steady deviation: " + ", ".join(f"N = {n}: {value:.3f}" for n, value in off.mean().items())
    left_out = tables.unphysical("figS4")
    beside = f"{left_out} unphysical of Fig. S4 left out" if left_out else ""
    return Finding(tuple(effects), ours, together([*short, long]), beside)


def no_fixed_point(tables: Tables) -> Finding:
    """Claim 12, over couplings: in the last fifth <sigma_z> changes by more than FLUCTUATES a step, its halves at most
    SAME apart."""
    told, steps, drifts = [], [], []
    curves = tables.curves("fig4", method="dynamics")
    if len({curve["Jy"].iloc[0] for curve in curves.values()}) < 2:
        raise Missing("fig4: evolutions at two couplings at least")
    for name, curve in curves.items():
        end = last(curve)["mean"].to_numpy()
        if len(end) < 8:
            raise Missing(f"fig4: at least eight time steps in the last fifth of {name}")
        halves = np.array_split(end, 2)
        steps.append(math.sqrt(np.mean(np.diff(end) ** 2)))
        drifts.append(abs(halves[0].mean() - halves[1].mean()))
        told.append(f"{name}: {steps[-1]:.1e} a step, halves {drifts[-1]:.1e} apart")
    change = estimate(np.log(np.maximum(steps, 1e-12) / FLUCTUATES))
    effects = (
        of(f"logarithm of the change a step over {FLUCTUATES:g}", change, 0.0, True, len(steps)),
        of("drift between halves of the last fifth", estimate(drifts), SAME, runs=len(drifts)),
    )
    return Finding(effects, "; ".join(told), together(list(curves.values())))


def second_stage_converges(tables: Tables) -> tuple[tuple[Effect, ...], str, pd.DataFrame]:
    """Part of claim 10: <sigma_z> of the second stage moves by at most SAME between the last two fifths."""
    rows = with_seeds(tables, together(list(tables.curves("figS1").values())))
    curves = [curve for _, curve in rows.groupby("point_id", sort=False)]
    moved, spread = [], []
    for curve in curves:
        fifth = _fifth(curve)
        end, before = (curve["mean"].to_numpy()[fifth == part] for part in (4, 3))
        moved.append(abs(end.mean() - before.mean()))
        spread.append(end.std())
    effects = (
        of("change of the second stage between its last fifths", estimate(moved), SAME, False, len(curves), SECOND),
        of("spread of its last fifth", estimate(spread), SAME, False, len(curves), SECOND),
    )
    return effects, f"second stage: last fifths {moved[0]:.3f} apart, spread {spread[0]:.3f}", rows


def _ratio(what: str, above: Estimate, below: Estimate, runs: int) -> Effect:
    """A ratio that has to be at most one, with the error of its logarithm to first order."""
    if below.mean == 0:
        raise Missing(f"a number for: {what}")
    value = above.mean / below.mean
    error = math.hypot(above.error / below.mean, value * below.error / below.mean)
    return Effect(what, value, 1.0, error, False, runs, ("Fig. S4",))


def _grouped(rows: pd.DataFrame, column: str | list[str]) -> dict[object, Curves]:
    """Curves, one for each seed, by what they are of."""
    return {
        key: [curve for _, curve in group.groupby("point_id", sort=False)]
        for key, group in rows.groupby(column, sort=True)
    }


def _shallow(tables: Tables, method: str) -> pd.DataFrame:
    return tables.steady("fig4", method=method, panel="a", layers=1, width=32, strings="0s")


def _both_ways(tables: Tables) -> dict[float, tuple[Curves, Curves]]:
    """By coupling, evolutions from the start and from a search at the same time step and draws, the paper's first."""
    found: dict[float, tuple[Curves, Curves]] = {}
    for (_, coupling, *_), (plain, started) in sorted(_by_settings(tables).items()):
        if plain and started:
            found.setdefault(coupling, (plain, started))
    return dict(sorted(found.items()))


def _by_settings(tables: Tables) -> dict[tuple[int, float, float, int], tuple[Curves, Curves]]:
    """Curves of Fig. 4(a), of what is beside it, and of other seeds, by rank of profile, coupling, tau and draws."""
    rows = tables.every("fig4", panel="a", strings="0s", layers=1, width=32)
    seeds = tables.every("ledger", panel="seeds", strings="0s", layers=1, width=32)
    rows = together([rows, seeds])
    rows = rows[(rows["observable"] == "sigma_z") & (rows["t"] < math.inf)].sort_values("t")
    tables.check_ends(rows)
    found: dict[tuple[int, float, float, int], tuple[Curves, Curves]] = {}
    for _, curve in rows.drop_duplicates(["point_id", "t"]).groupby("point_id", sort=True):
        of = curve.iloc[0]
        draws = int(curve["n_samples"].fillna(0).iloc[0])
        key = (rank(str(of["profile"])), float(of["Jy"]), float(of["tau"]), draws)
        ways = found.setdefault(key, ([], []))
        ways[of["method"] != "dynamics"].append(curve)
    return found


def _off(curve: pd.DataFrame) -> np.ndarray:
    return (curve["mean"] - curve["exact"]).abs().to_numpy()


def _largest_part(curve: pd.DataFrame) -> float:
    """Largest deviation over the range of the exact curve."""
    return float(_off(curve).max() / np.ptp(curve["exact"].to_numpy()))


def _edges_over_middle(curve: pd.DataFrame) -> float:
    """The larger mean deviation of the first and of the last fifth, over that of the middle."""
    off, fifth = _off(curve), _fifth(curve)
    return float(max(off[fifth == 0].mean(), off[fifth == 4].mean()) / off[(fifth > 0) & (fifth < 4)].mean())


def _fifth(curve: pd.DataFrame) -> np.ndarray:
    """Which fifth of the whole time each row is in."""
    t = curve["t"].to_numpy()
    return np.minimum(5 * (t - t[0]) / (t[-1] - t[0]), 4.999).astype(int)


def last(curve: pd.DataFrame) -> pd.DataFrame:
    """The rows at the end that count as the long-time limit."""
    return curve[curve["t"] >= (1 - LAST - 1e-9) * curve["t"].iloc[-1]]


def _end(curve: pd.DataFrame) -> float:
    return float(last(curve)["mean"].mean())


def _seconds_to_settle(curve: pd.DataFrame) -> float:
    """Wall time after which <sigma_z> stays within SETTLED of the curve's own end."""
    outside = (curve["mean"] - _end(curve)).abs().to_numpy() > SETTLED
    settled = int(np.flatnonzero(outside)[-1]) + 1 if outside.any() else 0
    return float(curve["seconds"].iloc[min(settled, len(curve) - 1)])
