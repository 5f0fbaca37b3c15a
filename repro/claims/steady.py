"""Claims about variational steady states of single points: 2, 3, 4, 10, and what is beside the paper, 14 and 15."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from repro.claims.claim import Finding
from repro.claims.effect import Effect, Estimate, estimate, of
from repro.claims.evolution import second_stage_converges
from repro.claims.seeds import SEEDS, SIZES
from repro.claims.tables import Missing, Tables, at_least, once, together
from repro.utils.names import PAULI_AVERAGES

if TYPE_CHECKING:
    import pandas as pd

AGREES = 0.05
"""Mean |<sigma_w> - exact| of a method that agrees, as a part of the exact curve's range over the fields."""
RANDOM = math.sqrt(0.5)
"""An average this part of a single run's deviation away: half of the variance of single runs is random."""
MARGINAL = 0.5
"""Sizes below the largest bring at most this part of the largest size's gain."""
FLAT = 0.05
"""Relative change of the median loss between the last two fifths of a converged search."""
CLOSE = 0.03
"""Two values of <sigma_z> this far apart are the same, and a mean this far from zero is zero."""
TWO_LAYERS = ((2, 32), (2, 64))
GRID, GRID_RBM = 23, 7
SIZES_PANEL = "sizes"
"""Fig. 4(a)'s searches with other seeds, in the ledger's table."""


def agrees_where_rbm_fails(tables: Tables) -> Finding:
    """Claim 2."""
    ours = _of_paulis(tables, "fig3", method="variational")
    at_least(ours, "g", GRID, "Fig. 3: fields g")
    every, hard = ours["part"], ours.loc[_hard(ours), "part"]
    told = f"mean deviation over range {estimate(every)} over the grid, {estimate(hard)} for 1 < g < 2.5"
    if not (tables.folder / "fig3_rbm.csv").exists():
        raise Missing(f"fig3: the RBM's table (ours: {told})")
    ranges = ours.groupby("observable")["exact"].agg(np.ptp)
    rbm = _of_paulis(tables, "fig3_rbm", ranges)
    at_least(rbm, "g", GRID_RBM, "Fig. 3: fields of the RBM")
    theirs = rbm.loc[_hard(rbm), "part"]
    effects = (
        of("mean deviation over range", estimate(every), AGREES, runs=len(every)),
        of("mean deviation over range for 1 < g < 2.5", estimate(hard), AGREES, runs=len(hard)),
        of("that of the RBM there", estimate(theirs), AGREES, True, len(theirs)),
    )
    return Finding(effects, f"{told}; RBM {estimate(theirs)} there", ours)


def averaging_helps(tables: Tables) -> Finding:
    """Claim 3 (Eqs. S17-S18): the average's deviation over that of a single run, with a jackknife error."""
    effects, told = [], []
    rows = {name: tables.steady("figS5", name) for name in ("sigma_x", "sigma_y")}
    for name, runs in rows.items():
        at_least(runs, "seed", SEEDS, "Fig. S5: runs")
        once(runs, ["seed"], "Fig. S5")
        off = (runs["mean"] - runs["exact"]).to_numpy()
        effects.append(
            of(f"deviation of the average over that of a run, {name},", _jackknife(off), RANDOM, runs=len(off))
        )
        told.append(
            f"{name}: average {abs(off.mean()):.4f} off, a run {math.sqrt(np.mean(off**2)):.4f} ({len(off)} runs)"
        )
    return Finding(tuple(effects), "; ".join(told), together(list(rows.values())))


def size_helps(tables: Tables) -> Finding:
    """Claim 4: gains over 1x32, paired over the couplings and seeds where both are physical."""
    searches = {size: _over_couplings(tables, *size) for size in SIZES}
    rows = {size: physical for size, (physical, _) in searches.items()}
    off = {size: frame.groupby(["Jy", "seed"])["off"].mean() for size, frame in rows.items()}
    gains = {size: (off[1, 32] - off[size]).dropna() for size in SIZES[1:]}
    middle = (gains[1, 64] + gains[2, 32]).dropna() / 2
    beyond = (middle - MARGINAL * gains[2, 64]).dropna()
    if beyond.index.get_level_values("Jy").nunique() < 2:
        raise Missing("fig4: physical states of all four sizes, two couplings at least")
    whole = estimate(gains[2, 64].to_numpy())
    effects = (
        of("gain from 1x32 to 2x64 over couplings and seeds,", whole, 0.0, True, len(gains[2, 64])),
        of(f"gain at 1x64 and 2x32 beyond {MARGINAL:g} of it", estimate(beyond.to_numpy()), 0.0, runs=len(beyond)),
    )
    told = ", ".join(f"{n}x{d}: {off[n, d].mean():.3f}" for n, d in SIZES)
    collapsed = sum(collapsed for _, collapsed in searches.values())
    beside = f"{collapsed} unphysical left out" if collapsed else ""
    return Finding(effects, f"mean deviation {told}", together(list(rows.values())), beside)


def loss_converges(tables: Tables) -> Finding:
    """Claim 10: over searches; that of one alone is known within a factor of two, as every single run."""
    losses, effects, told = tables.losses("figS2"), [], []
    at_least(losses, "panel", 2, "Fig. S2: panels")
    searches = tables.rows("figS2") if tables.has("figS2") else None
    settings = {} if searches is None else tables.settings(searches)
    for panel, runs in losses.groupby("panel"):
        changes = []
        for name, run in runs.groupby("point_id"):
            asked = settings.get(str(name), {}).get("iterations", run["iteration"].max())
            if run["iteration"].max() != asked or not run["iteration"].is_unique:
                raise Missing(f"figS2: the losses of {asked} iterations of ({panel}), each once")
            changes.append(_change(run))
        change = estimate(changes)
        what = f"relative change of the loss of ({panel})"
        effects.append(of(what, change, FLAT, False, len(changes), (f"Fig. S2{panel}",)))
        told.append(f"({panel}) loss changes by {100 * change.mean:.1f} %")
    settled, said, rows = second_stage_converges(tables)
    used = rows if searches is None else together([rows, searches])
    return Finding((*effects, *settled), "; ".join([*told, said]), used)


def sampling_fault(tables: Tables) -> Finding:
    """The public code's unmasked sampling: does it leave two-layer results as they are?"""
    told, effects, used = [], [], []
    rows = tables.steady("ledger", panel="sampling")
    for layers, width in TWO_LAYERS:
        frame = _of_equal_draws(rows[(rows["layers"] == layers) & (rows["width"] == width)])
        used.append(frame)
        unmasked = frame["point"].str.contains("-unmasked")
        kinds = (frame[unmasked], frame[~unmasked])
        for kind in kinds:
            at_least(kind, "seed", SEEDS, f"ledger: seeds of the sampling comparison at {layers}x{width}")
            once(kind, ["seed"], f"ledger: the sampling comparison at {layers}x{width}")
        faulty, right = (estimate(kind["mean"].to_numpy()) for kind in kinds)
        shift = faulty - right
        effects.append(
            Effect(f"shift of {layers}x{width}", abs(shift.mean), CLOSE, shift.error, runs=min(map(len, kinds)))
        )
        told.append(f"{layers}x{width}: <sigma_z> {faulty} unmasked, {right} masked")
    return Finding(tuple(effects), "; ".join(told), together(used))


def _of_equal_draws(frame: pd.DataFrame) -> pd.DataFrame:
    """Searches that differ in the mask alone: of as many draws as most seeds of both kinds have, then of most draws."""
    unmasked = frame["point"].str.contains("-unmasked")
    seeds = [frame[kind].groupby("n_samples")["seed"].nunique() for kind in (unmasked, ~unmasked)]
    fewest = seeds[0].combine(seeds[1], min, fill_value=0).sort_index()
    if not len(fewest):
        return frame.iloc[:0]
    return frame[frame["n_samples"] == fewest[fewest == fewest.max()].index[-1]]


def keeps_the_rotation(tables: Tables) -> Finding:
    """Whether variational 3x3 states have <sigma_x> = <sigma_y> = 0 as the exact one, by the rotation by pi about z."""
    across = [tables.steady("fig4", name, method="variational") for name in ("sigma_x", "sigma_y")]
    x, y = (frame.drop_duplicates("point_id").set_index("point_id")["mean"] for frame in across)
    if set(x.index) != set(y.index):
        raise Missing("fig4: both <sigma_x> and <sigma_y> of every search")
    size = np.hypot(x.to_numpy(), y.reindex(x.index).to_numpy())
    broken = int((size > CLOSE).sum())
    effect = of("mean length of (<sigma_x>, <sigma_y>)", estimate(size), CLOSE, runs=len(size))
    told = f"{broken} of {len(size)} searches are more than {CLOSE} from zero, {size.max():.2f} at most"
    return Finding((effect,), told, across[0])


def _of_paulis(tables: Tables, figure: str, ranges: pd.Series[float] | None = None, **wanted: Any) -> pd.DataFrame:
    """Steady rows of all three Paulis with `part`, the deviation over the range of the exact curve."""
    rows = together([tables.steady(figure, name, **wanted) for name in PAULI_AVERAGES])
    widths = rows.groupby("observable")["exact"].agg(np.ptp) if ranges is None else ranges
    return rows.assign(part=rows["off"] / rows["observable"].map(widths))


def _jackknife(off: np.ndarray) -> Estimate:
    """|mean| over root mean square of signed deviations, and its error from leaving out one at a time."""

    def ratio(values: np.ndarray) -> float:
        size = math.sqrt(float(np.mean(values**2)))
        return abs(float(values.mean())) / size if size else math.nan

    n = len(off)
    without = np.array([ratio(np.delete(off, k)) for k in range(n)])
    return Estimate(ratio(off), math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum())))


def _change(run: pd.DataFrame) -> float:
    """Of a search's median loss from its fourth to its last fifth, relative to the fourth's."""
    before, last = np.array_split(run.sort_values("iteration")["loss"].to_numpy(), 5)[3:]
    return abs(float(np.median(last) / np.median(before)) - 1)


def _hard(frame: pd.DataFrame) -> pd.Series[bool]:
    return (frame["g"] > 1) & (frame["g"] < 2.5)


def _over_couplings(tables: Tables, layers: int, width: int) -> tuple[pd.DataFrame, int]:
    """Physical states of Fig. 4(a)'s searches of a size and of those with other seeds; how many are of no state."""
    wanted: dict[str, Any] = {"method": "variational", "layers": layers, "width": width, "strings": "0s"}
    at_least(tables.rows("fig4", panel="a", **wanted), "Jy", 5, f"Fig. 4a: couplings of {layers}x{width}")
    further = [("ledger", SIZES_PANEL)] if tables.has("ledger", panel=SIZES_PANEL, **wanted) else []
    places = [("fig4", "a"), *further]
    physical = together([tables.steady(figure, panel=panel, **wanted) for figure, panel in places])
    return physical, sum(tables.unphysical(figure, panel=panel, **wanted) for figure, panel in places)
