"""Curves of the ledger count as further seeds of a figure's where nothing but the seed differs."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import experiments
from repro.claims.catalogue import CLAIMS
from repro.claims.effect import REPRODUCED, UNDECIDED
from repro.claims.ledger import judge
from repro.claims.other_seeds import PANELS, with_seeds
from repro.claims.tables import Tables
from repro.utils.result_table import read_table, tidy, write_table
from tests.helpers import claim_tables

LATTICE: dict[str, Any] = {"figure": "ledger", "method": "dynamics", "Jy": 1.0, "panel": "2b"}


def with_run(folder: Path, off: float, **settings: Any) -> Tables:
    """The made-up tables and one more evolution of J_y = 1 in the ledger, off by a constant beside Fig. 2."""
    claim_tables.write(folder)
    bump = claim_tables.bump(0.02)
    settings = {**LATTICE, "t_end": 5.0, "point": "more", **settings}
    run = claim_tables.evolution(lambda part: off + bump(part), 1.0, **settings)
    write_table(tidy([*claim_tables.ledger(), *run]), folder / "ledger.csv")
    return Tables(folder)


def seeds(tables: Tables, steady: bool = False) -> list[int]:
    """Of what is found for Fig. 2(b), J_y = 1, whose own seed is 1."""
    rows = read_table(tables.folder / "fig2.csv").query("panel == 'b' and Jy == 1.0 and observable == 'sigma_z'")
    rows = rows[rows["t"].eq(math.inf) == steady]
    return sorted(set(with_seeds(tables, rows.assign(off=0.0) if steady else rows)["seed"]))


def test_another_seed_is_found(tmp_path: Path) -> None:
    assert seeds(with_run(tmp_path, 0.0, seed=2)) == [1, 2]


@pytest.mark.parametrize(
    "settings",
    [{"tau": 0.05}, {"n_samples": 300}, {"panel": "interpolated"}, {"Jy": 1.1}, {"method": "variational+dynamics"}],
)
def test_runs_at_other_settings_are_not(tmp_path: Path, settings: dict[str, Any]) -> None:
    assert seeds(with_run(tmp_path, 0.0, seed=2, **settings)) == [1]


def test_the_figures_own_seed_counts_once_and_nothing_beyond_its_end(tmp_path: Path) -> None:
    rows = read_table(with_run(tmp_path, 0.0, seed=1).folder / "fig2.csv").query("panel == 'b' and t < inf")
    assert len(with_seeds(Tables(tmp_path), rows)) == len(rows)
    later = with_seeds(with_run(tmp_path, 0.0, seed=2, t_end=8.0), rows)
    assert later["t"].max() == 5.0 and (later["seed"] == 2).sum() == 51  # 81 times to t = 8, 51 of them to t = 5


def test_a_run_that_ends_early_is_no_seed_and_one_run_of_a_seed_counts(tmp_path: Path) -> None:
    assert seeds(with_run(tmp_path, 0.0, seed=2, t_end=2.0)) == [1]
    rows = read_table(with_run(tmp_path, 0.0, seed=2).folder / "fig2.csv").query("panel == 'b' and t < inf")
    once = len(with_seeds(Tables(tmp_path), rows))
    ledger = read_table(tmp_path / "ledger.csv")
    again = ledger[ledger["panel"] == "2b"].assign(panel="seeds", point_id="again")
    write_table(tidy(pd.concat([ledger, again], ignore_index=True)), tmp_path / "ledger.csv")
    assert len(with_seeds(Tables(tmp_path), rows)) == once


def test_steady_states_are_paired_with_steady_states_that_a_state_has(tmp_path: Path) -> None:
    assert seeds(with_run(tmp_path, 0.0, seed=2), steady=True) == [1, 2]
    assert seeds(with_run(tmp_path, 2.0, seed=2), steady=True) == [1]


def test_a_seed_that_fails_changes_the_verdict(tmp_path: Path) -> None:
    def verdict(off: float) -> tuple[str, str]:
        with_run(tmp_path, off, seed=2)
        told = judge(tmp_path).set_index("number").loc[1]
        return told["verdict"], told["settings"]

    assert verdict(0.0)[0] == REPRODUCED
    word, settings = verdict(0.4)
    assert word != REPRODUCED and "Fig. 2b, other seeds: N_s 12000" in settings and "seeds 1" in settings


def test_the_rings_of_fig_s4_are_averaged_over_seeds(tmp_path: Path) -> None:
    """0.1 and 0.04 off at N = 4 and 10 in Fig. S4; a second seed of N = 10 is 0.4 off, a second of N = 4 exact."""
    claim_tables.write(tmp_path)
    of = {"figure": "ledger", "panel": "S4", "method": "dynamics", "tau": 0.0075, "seed": 2}
    runs = [
        row
        for n, off in ((4, 0.0), (10, 0.4))
        for row in claim_tables.evolution(
            lambda part, off=off: off, 1.0, **of, n_sites=n, lattice=f"{n}-ring", point=f"N{n}"
        )
    ]
    write_table(tidy([*claim_tables.ledger(), *runs]), tmp_path / "ledger.csv")
    effects = next(claim for claim in CLAIMS if claim.number == 11).find(Tables(tmp_path)).effects
    assert effects[-1].value == pytest.approx((0.04 + 0.4) / 2 / (0.1 / 2)) and effects[-1].runs == 2
    told = judge(tmp_path).set_index("number").loc[11]
    assert told["verdict"] == UNDECIDED, "two runs tell little"
    assert "Fig. S4, other seeds: N_s 12000, N 4/10, tau" in told["settings"] and "(paper" not in told["settings"]


def test_the_lists_differ_in_the_seed_alone() -> None:
    """Points of the ledger's panels, with the figure's seed, are the figure's points."""
    panels = {"fig2": "2", "figS4": "S4"}
    shown = {(panels[figure] + p.panel, p.point) for figure in panels for p in experiments.load(figure).points("paper")}
    more = [p for p in experiments.load("ledger").points("paper") if p.panel in PANELS[:3]]
    assert sorted({p.panel for p in more}) == ["2a", "2b", "S4"] and {p.settings["seed"] for p in more} == {1, 2}
    assert all((p.panel, p.change(seed=0).point) in shown for p in more)


def test_what_claim_seven_compares_has_twice_the_seeds() -> None:
    searches = [
        p for p in experiments.load("ledger").points("paper") if p.panel == "seeds" and not p.point.method.evolution
    ]
    count = Counter((p.settings["layers"], p.settings["width"], p.settings["strings"]) for p in searches)
    doubled = {size for size, seeds in count.items() if seeds == 16}
    assert doubled == {(1, 32, "0s"), (1, 32, "8s"), (2, 64, "0s")} and set(count.values()) == {8, 16}


def test_frames_without_the_ledger_stay_as_they_are(tmp_path: Path) -> None:
    rows = tidy([claim_tables.steady(0.0, figure="fig2", point="p")])
    assert with_seeds(Tables(tmp_path), rows) is rows
