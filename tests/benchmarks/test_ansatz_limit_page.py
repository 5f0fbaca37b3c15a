"""The tables of docs/methods.md say what the shipped table of fits says."""

from __future__ import annotations

import math

import pytest

from benchmarks.ansatz_limit.page import BEGIN, PAGE, with_tables
from benchmarks.ansatz_limit.rows import COLUMNS, Table
from benchmarks.ansatz_limit.variants import VARIANTS
from repro.utils.errors import InputError
from repro.utils.paths import RESULTS
from tests.helpers.paths import ROOT


@pytest.fixture(scope="module")
def shipped() -> Table:
    return Table(RESULTS / "ansatz_limit.csv", RESULTS / "nowhere")


def test_the_page_has_the_shipped_tables(shipped: Table) -> None:
    page = (ROOT / PAGE).read_text()
    assert with_tables(page, shipped.frame()) == page
    with pytest.raises(InputError, match=f"no {BEGIN}"):
        with_tables("no marks", shipped.frame())


def test_every_shipped_fit_is_listed_on_the_page(shipped: Table) -> None:
    lines = (ROOT / PAGE).read_text().splitlines()
    for row in shipped.rows:
        when = "steady" if math.isinf(row["t"]) else f"t = {row['t']:g}"
        start = f"| {row['lattice']}, {when} | {row['variant']} |"
        line = next(line for line in lines if line.startswith(start) and f"{row['nll']:.4f}" in line)
        assert f"{row['sigma_z']:.3f}" in line


def test_the_shipped_fits_are_of_variants_that_are_there(shipped: Table) -> None:
    texts = {variant.name: variant.text for variant in VARIANTS}
    assert shipped.rows and tuple(shipped.frame().columns) == COLUMNS
    for row in shipped.rows:
        assert row["settings"] == texts[row["variant"]]


def test_no_shipped_fit_is_better_than_exact(shipped: Table) -> None:
    """Held-out samples scatter about the cross-entropy, which is never below the entropy."""
    for row in shipped.rows:
        if not math.isnan(row["entropy"]):
            assert row["relative_entropy"] > 0
            assert abs(row["nll"] - row["entropy"] - row["relative_entropy"]) < 4 * row["nll_error"]
