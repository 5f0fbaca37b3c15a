"""Claims about time evolution: 1, 8, 9, 11, 12, and the second stage of 10."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from repro.claims.claim import Finding
from repro.claims.tables import Missing, Tables, at_least, estimate

if TYPE_CHECKING:
    import pandas as pd

TRACKS = 0.05
"""Largest |<sigma_z> - exact| of a curve that tracks the exact one."""
BETTER = 0.5
"""An error at most this part of another is significantly better."""
SAME = 0.03
"""Two steady values of <sigma_z> this close are the same."""
FLUCTUATES = 1e-4
"""Root mean square change of <sigma_z> per time step above which no fixed point is reached."""
SHORT = 0.03
"""Largest deviation of a very precise short-time curve."""
LAST = 0.2
"""The part of an evolution at its end that counts as its long-time limit."""
SEEDS = 3


def tracks_exact(tables: Tables) -> Finding:
    """Claim 1: every curve within TRACKS, and the first and last fifth closer on average than the middle."""
    curves = {**tables.curves("fig2", panel="a", n_sites=10), **tables.curves("fig2", panel="b", strings="0s")}
    at_least(tables.rows("fig2", panel="b"), "Jy", 2, "Fig. 2b")
    worst, told, edges = 0.0, [], True
    for name, curve in curves.items():
        off, t = (curve["mean"] - curve["exact"]).abs().to_numpy(), curve["t"].to_numpy()
        if np.isnan(off).any():
            raise Missing(f"fig2: exact curve of {name}")
        fifth = np.minimum(5 * (t - t[0]) / (t[-1] - t[0]), 4.999).astype(int)
        first, last = off[fifth == 0].mean(), off[fifth == 4].mean()
        edges &= bool(max(first, last) < off[(fifth > 0) & (fifth < 4)].mean())
        worst = max(worst, off.max())
        told.append(f"{name} {off.max():.3f} (t = {t[off.argmax()]:.2f}), last fifth {last:.3f}")
    reason = f"worst deviation {worst:.3f}; small and large times {'are' if edges else 'are not'} the best"
    return Finding(worst <= TRACKS and edges, "largest deviation " + "; ".join(told), reason, exact="0 deviation")


def dynamics_beats_variational(tables: Tables) -> Finding:
    """Claim 8: mean |off| of the dynamics at most BETTER times the variational one's, at the same couplings."""
    dynamics = _by_coupling(tables, "dynamics")
    variational = _by_coupling(tables, "variational").reindex(dynamics.index)
    if variational.isna().any() or len(dynamics) < 2:
        raise Missing("fig4: variational points at the couplings of the dynamics, two at least")
    gain = estimate((variational - dynamics).to_numpy())
    ours = f"mean deviation {dynamics.mean():.3f} (dynamics), {variational.mean():.3f} (variational), 1x32"
    holds = dynamics.mean() <= BETTER * variational.mean()
    reason = (
        f"ratio {dynamics.mean() / variational.mean():.2f} over J_y = {', '.join(f'{J:g}' for J in dynamics.index)}"
    )
    return Finding(bool(holds), ours, reason, exact="0 deviation", error=f"gain {gain} over couplings")


def second_stage_saves_time(tables: Tables) -> Finding:
    """Claim 9: with and without a variational start the same steady value, and settled after less computing."""
    told, same, faster, ratios = [], True, True, []
    both = [_seeds(tables, method) for method in ("dynamics", "variational+dynamics")]
    for coupling in sorted(set(both[0]) & set(both[1])):
        plain, started = both[0][coupling], both[1][coupling]
        difference = abs(np.mean([_end(c) for c in plain]) - np.mean([_end(c) for c in started]))
        seconds = [float(np.mean([_seconds_to_settle(curve) for curve in curves])) for curves in (plain, started)]
        same, faster = same and bool(difference <= SAME), faster and seconds[1] < seconds[0]
        ratios.append(seconds[1] / seconds[0])
        told.append(
            f"J_y = {coupling:g}: apart {difference:.3f}, settled after {seconds[1]:.0f} s against {seconds[0]:.0f} s"
        )
    if not told:
        raise Missing("fig4: both ways to evolve at one coupling")
    reason = f"{'the same' if same else 'not the same'} steady values; time ratio {np.mean(ratios):.2f}"
    return Finding(same and faster, "; ".join(told), reason)


def larger_energies(tables: Tables) -> Finding:
    """Claim 11: short times within SHORT for every ring; long-time deviation smaller on the largest ring than on the
    smallest and falling with N (Spearman)."""
    from scipy.stats import spearmanr

    short = {
        int(c["n_sites"].iloc[0]): _largest(c) for c in tables.curves("figS3").values() if c["exact"].notna().all()
    }
    long = tables.steady("figS4").sort_values("n_sites")
    at_least(long, "n_sites", 3, "Fig. S4: rings of different size")
    falling = float(spearmanr(long["n_sites"], long["off"]).statistic)
    ours = "short times: " + ", ".join(f"N = {n}: {off:.3f}" for n, off in sorted(short.items()))
    ours += "; steady deviation: " + ", ".join(
        f"N = {n}: {o:.3f}" for n, o in zip(long["n_sites"], long["off"], strict=True)
    )
    precise = max(short.values()) <= SHORT
    converges = falling < 0 and long["off"].iloc[-1] < long["off"].iloc[0]
    reason = (
        f"short times {'precise' if precise else 'not precise'}; rank correlation of deviation with N {falling:+.2f}"
    )
    return Finding(bool(precise and converges), ours, reason, exact="0 deviation")


def no_fixed_point(tables: Tables) -> Finding:
    """Claim 12: in the last fifth <sigma_z> changes by more than FLUCTUATES a step, its halves at most SAME apart."""
    told, moves, steady = [], [], True
    for name, curve in tables.curves("fig4", method="dynamics").items():
        end = _last(curve)["mean"].to_numpy()
        if len(end) < 8:
            raise Missing(f"fig4: at least eight time steps in the last fifth of {name}")
        halves = np.array_split(end, 2)
        step, drift = math.sqrt(np.mean(np.diff(end) ** 2)), abs(halves[0].mean() - halves[1].mean())
        steady &= bool(drift <= SAME)
        moves.append(step)
        told.append(f"{name}: {step:.1e} a step, halves {drift:.1e} apart")
    holds = bool(min(moves) > FLUCTUATES and steady)
    about = "about" if steady else "not about"
    reason = f"smallest root mean square change per step {min(moves):.1e}; {about} a fixed value"
    return Finding(holds, "; ".join(told), reason, exact="0 change at a fixed point")


def second_stage_converges(tables: Tables) -> tuple[bool, str]:
    """Part of claim 10: <sigma_z> of the second stage moves by at most SAME between the last two fifths."""
    (curve,) = tables.curves("figS1").values()
    t = curve["t"].to_numpy()
    fifth = np.minimum(5 * (t - t[0]) / (t[-1] - t[0]), 4.999).astype(int)
    end, before = (curve["mean"].to_numpy()[fifth == part] for part in (4, 3))
    moved, spread = abs(end.mean() - before.mean()), end.std()
    return bool(moved <= SAME and spread <= SAME), f"second stage: last fifths {moved:.3f} apart, spread {spread:.3f}"


def _by_coupling(tables: Tables, method: str) -> pd.Series:
    rows = tables.steady("fig4", method=method, layers=1, width=32, strings="0s")
    return rows.groupby("Jy")["off"].mean()


def _seeds(tables: Tables, method: str) -> dict[float, list[pd.DataFrame]]:
    """Evolutions by coupling: Fig. 4's, and those of other seeds where there are any."""
    curves = list(tables.curves("fig4", method=method).values())
    try:
        more = list(tables.curves("ledger", panel="seeds", method=method).values())
    except Missing:
        more = []
    known = {curve["point_id"].iloc[0] for curve in curves}
    found: dict[float, list[pd.DataFrame]] = {}
    for curve in [*curves, *(c for c in more if c["point_id"].iloc[0] not in known)]:
        found.setdefault(float(curve["Jy"].iloc[0]), []).append(curve)
    return found


def _last(curve: pd.DataFrame) -> pd.DataFrame:
    return curve[curve["t"] >= (1 - LAST) * curve["t"].iloc[-1]]


def _end(curve: pd.DataFrame) -> float:
    return float(_last(curve)["mean"].mean())


def _largest(curve: pd.DataFrame) -> float:
    return float((curve["mean"] - curve["exact"]).abs().max())


def _seconds_to_settle(curve: pd.DataFrame) -> float:
    """Wall time after which <sigma_z> stays within TRACKS of the curve's own end."""
    outside = (curve["mean"] - _end(curve)).abs().to_numpy() > TRACKS
    settled = int(np.flatnonzero(outside)[-1]) + 1 if outside.any() else 0
    return float(curve["seconds"].iloc[min(settled, len(curve) - 1)])
