"""The error estimate: its two parts one by one, controls, and how often it covers on made-up runs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from repro.reporting.error_estimate import CONTROL, estimates, printed
from repro.utils.errors import InputError
from repro.utils.result_table import tidy
from tests.helpers import rows


def run(panel: str, seed: int, means: list[float], times: tuple[float, ...], **more: Any) -> list[dict[str, Any]]:
    name = panel.removesuffix(CONTROL) + (f"-seed{seed}" if seed else "")
    common = {
        "figure": "methods",
        "panel": panel,
        "method": "projection",
        "seed": seed,
        "point": name,
        "point_id": f"{panel}-{seed}",
        "tau": 0.25 if panel.endswith(CONTROL) else 0.5,
    } | more
    return [rows.row(**common, t=t, mean=m, exact=0.0) for t, m in zip(times, means, strict=True)]


def test_seeds_alone_give_students_interval() -> None:
    values = [0.1, 0.13, 0.19]
    made = tidy([row for seed, v in enumerate(values) for row in run("a", seed, [v], (math.inf,))])
    (found,) = estimates(made).to_dict("records")
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert found["estimate"] == pytest.approx((high - low) / 2)
    assert found["deviation"] == pytest.approx(0.14) and found["covered"] == (found["estimate"] >= 0.14)
    assert (found["seeds"], found["controlled"]) == (3, False)


def test_an_estimate_is_judged_where_something_exact_is_known() -> None:
    """Off by 0.1 at t = 1 with seeds alike; at t = 5, where nothing is known, they scatter."""
    made = [row for seed, last in ((0, -0.1), (1, 0.1)) for row in run("a", seed, [0.1, last], (1.0, 5.0))]
    (found,) = estimates(tidy([row | ({"exact": None} if row["t"] == 5 else {}) for row in made])).to_dict("records")
    assert found["deviation"] == pytest.approx(0.1) and found["estimate"] > 0.5 and not found["covered"]


def test_at_which_part_of_the_times_it_holds() -> None:
    """At t = 2 the seeds scatter about 0; at 0.5 and 1 they agree, off by nothing and by 0.1; at 3 nothing is known."""
    made = []
    for seed, scattered in ((0, -0.1), (1, 0.1)):
        found = run("a", seed, [0.0, 0.1, scattered, scattered], (0.5, 1.0, 2.0, 3.0))
        made += [row | ({"exact": None} if row["t"] == 3 else {}) for row in found]
    (found,) = estimates(tidy(made)).to_dict("records")
    assert found["covered"] and found["of times"] == pytest.approx(2 / 3)
    assert "0.6667" in printed(estimates(tidy(made)))


def test_problems_of_two_decay_rates_are_two() -> None:
    made = tidy([row for seed in (0, 1) for row in run("a", seed, [0.1], (math.inf,))])
    assert len(estimates(pd.concat([made, made.assign(gamma=2.0)]))) == 2


def test_a_control_adds_its_distance_at_shared_times() -> None:
    made = [row for seed in (0, 1) for row in run("a", seed, [0.1, 0.1, 0.1], (0.0, 0.5, 1.0))]
    made += run(f"a{CONTROL}", 0, [0.1, 0.9, 0.14, 0.1], (0.0, 0.25, 0.5, 1.0 + 1e-12))
    (found,) = estimates(tidy(made)).to_dict("records")
    assert found["estimate"] == pytest.approx(0.04) and found["controlled"]
    assert found["deviation"] == pytest.approx(0.1) and not found["covered"]


def test_draws_add_their_error() -> None:
    made = tidy([row for seed in (0, 1) for row in run("a", seed, [0.1], (math.inf,), error=0.02)])
    assert estimates(made)["estimate"].iloc[0] == pytest.approx(0.02 / math.sqrt(2))


def test_a_steady_state_adds_how_much_the_last_unit_of_time_has_changed() -> None:
    made = [row for seed in (0, 1) for row in run("a", seed, [0.5, 0.4, 0.2, 0.1, 0.1], (0.0, 2.0, 2.5, 3.0, math.inf))]
    evolution, steady = estimates(tidy(made)).sort_values("kind").to_dict("records")
    assert (evolution["kind"], steady["kind"]) == ("evolution", "steady state")
    assert steady["estimate"] == pytest.approx(0.3) and steady["deviation"] == pytest.approx(0.1)
    assert evolution["estimate"] == pytest.approx(0.0) and evolution["deviation"] == pytest.approx(0.5)


def test_what_still_moves_is_that_of_the_runs_where_their_control_ends_elsewhere() -> None:
    """Runs end at t = 3, and have moved by 0.3 since t = 2; their control has no time but t = 2."""
    made = [row for seed in (0, 1) for row in run("a", seed, [0.4, 0.2, 0.1, 0.1], (2.0, 2.5, 3.0, math.inf))]
    made += run(f"a{CONTROL}", 0, [0.4, 0.1], (2.0, math.inf))
    steady = estimates(tidy(made)).set_index("kind").loc["steady state"]
    assert steady["estimate"] == pytest.approx(0.3)


def test_problems_stay_apart_and_without_exact_nothing_is_covered() -> None:
    made = [row for seed in (0, 1) for Jy in (1.0, 1.8) for row in run("a", seed, [Jy * seed], (math.inf,), Jy=Jy)]
    found = estimates(tidy(made).assign(exact=np.nan)).set_index("Jy")
    assert found["estimate"].loc[1.8] == pytest.approx(1.8 * found["estimate"].loc[1.0])
    assert found["covered"].isna().all() and found["deviation"].isna().all()


@pytest.mark.parametrize(
    "changed", [{"tau": 0.1}, {"n_samples": 100}, {"povm": "pauli4"}, {"profile": "paper"}, {"point": "another-seed1"}]
)
def test_runs_of_other_settings_are_no_seeds_of_one_computation(changed: dict[str, Any]) -> None:
    made = [row for seed in (0, 1) for row in run("a", seed, [0.1], (math.inf,))]
    apart = run("a", 1, [0.9], (math.inf,), point_id="another", **changed)
    (found,) = estimates(tidy(made + apart)).to_dict("records")
    assert (found["seeds"], found["estimate"], found["deviation"]) == (2, pytest.approx(0.0), pytest.approx(0.1))
    more = run("a", 0, [0.9], (math.inf,), point_id="another0", **changed | {"point": "another"})
    more += run("a", 1, [0.8], (math.inf,), point_id="another1", **changed | {"point": "another-seed1"})
    assert len(estimates(tidy(made + more))) == 2


def test_times_that_not_all_seeds_have_are_left_out() -> None:
    made = run("a", 0, [0.1, 0.1], (0.0, 1.0)) + run("a", 1, [0.1, 0.1], (0.0, 1.0))
    longer = run("a", 2, [0.1, 0.1, 0.5], (0.0, 1.0, 2.0))
    (found,) = estimates(tidy(made + longer)).to_dict("records")
    assert (found["seeds"], found["deviation"], found["covered"]) == (3, pytest.approx(0.1), False)
    assert found["estimate"] == pytest.approx(0.0)


def test_what_is_printed_counts_what_holds() -> None:
    made = [row for seed in (0, 1) for Jy in (1.0, 1.8) for row in run("a", seed, [Jy * seed], (math.inf,), Jy=Jy)]
    text = printed(estimates(tidy(made)))
    assert text.splitlines()[-1] == "2 of 2 estimates cover the true error"
    assert "Jy" in text.splitlines()[0] and "width" not in text.splitlines()[0]
    assert printed(estimates(tidy(made).assign(exact=np.nan))).splitlines()[-1] == "no exact curve"


def test_one_seed_is_refused() -> None:
    with pytest.raises(InputError, match="at least two runs that differ in seed"):
        estimates(tidy(run("a", 0, [0.1], (math.inf,))))


def test_coverage_of_scattered_seeds_is_what_it_says() -> None:
    source = np.random.default_rng(0)
    made: list[pd.DataFrame] = []
    for case in range(300):
        values = source.normal(0, 0.01, 3)
        made.append(tidy([r for seed, v in enumerate(values) for r in run(f"p{case}", seed, [v], (math.inf,))]))
    assert 0.9 < estimates(pd.concat(made))["covered"].mean() < 0.99
