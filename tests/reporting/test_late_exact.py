"""Exact values that became known after a table was shipped are filled in, for points beyond density matrices alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.config.listed import Listed
from repro.config.point import Point, point_of
from repro.references import of_point
from repro.references.beyond import prepare_beyond
from repro.reporting.late_exact import filled
from repro.utils.result_table import read_table, tidy, write_table
from tests.helpers import rows

COUPLINGS = {"Jx": 1.0, "Jy": 0.4, "Jz": 0.7, "B": 0.6, "initial": "left", "method": "dynamics", "tau": 0.05}


def point(n_sites: int) -> Point:
    sampled = {"estimator": "sampled", "n_samples": 10}
    return point_of(lattice="ring", n_sites=n_sites, t_end=0.2, **COUPLINGS, **sampled)


def test_what_is_known_by_now_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_point.chain, "RING", 6)
    far, near = point(20), point(5)
    prepare_beyond([far], tmp_path, lambda text: None)
    settings = [{"point_id": each.point_id, "label": "x", **Listed(each).settings} for each in (far, near)]
    of = {"method": "dynamics", "exact": None, "mean": 0.0}
    names = ("sigma_x", "sigma_y", "sigma_z", "residual")
    table = tidy(
        [
            rows.row(**of, point_id=each.point_id, n_sites=each.lattice.n_sites, t=t, observable=name)
            for each in (far, near)
            for t in (0.0, 0.1)
            for name in names
        ]
    )
    found = filled(table, settings, tmp_path)
    known = found["exact"].notna()
    assert (known == ((found["n_sites"] == 20) & (found["observable"] != "residual"))).all()
    assert (found["exact_error"].notna() == known).all() and table["exact"].isna().all()
    start = found[known & (found["t"] == 0)].set_index("observable")["exact"]
    assert start.to_dict() == pytest.approx({"sigma_x": 0, "sigma_y": -1, "sigma_z": 0}, abs=1e-9)
    again = filled(read_table(write_table(found, tmp_path / "t.csv")), settings, tmp_path)
    assert again["exact"].equals(found["exact"])
    partly = found.copy()
    partly.loc[(partly["t"] > 0) | ~known, ["exact", "exact_error"]] = None
    partly.loc[partly["t"] == 0, "exact"] += 0.5
    refilled = filled(partly, settings, tmp_path)
    assert refilled[refilled["t"] > 0]["exact"].equals(found[found["t"] > 0]["exact"]), "what was not known before"
    assert refilled[refilled["t"] == 0]["exact"].equals(partly[partly["t"] == 0]["exact"]), "what was is kept"


def test_settings_that_are_not_the_ids_are_left_alone(tmp_path: Path) -> None:
    far = point(20)
    settings = [{"point_id": "0" * 12, **Listed(far).settings}]
    table = tidy([rows.row(point_id="0" * 12, t=0.1, exact=None)])
    assert filled(table, settings, tmp_path)["exact"].isna().all()
