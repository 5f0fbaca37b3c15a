"""Tables: the same numbers out as in, one clear line for a table that cannot be used, nothing half written."""

from __future__ import annotations

import io
import math
import os
import random
import struct
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from repro.reporting import summary
from repro.utils import result_table
from repro.utils.errors import InputError
from repro.utils.names import PAULI_AVERAGES
from tests.helpers import rows
from tests.helpers.tables import NUMBERS, same_numbers


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def awkward_floats() -> list[float]:
    generator = random.Random(7)
    drawn = [struct.unpack("<d", generator.randbytes(8))[0] for _ in range(200)]
    return [0.1 + 0.2, 1 / 3, 5e-324, -0.0, 1e22, 123456789.123456789, *(x for x in drawn if math.isfinite(x))]


def test_floats_come_back_bit_for_bit(tmp_path: Path) -> None:
    values = awkward_floats()
    path = result_table.write_table(
        [rows.row(t=float(k), mean=x, exact=x) for k, x in enumerate(values)], tmp_path / "t.csv"
    )
    back = result_table.read_table(path)
    assert [bits(x) for x in back["mean"]] == [bits(x) for x in values]
    assert [bits(x) for x in back["exact"]] == [bits(x) for x in values]


def test_plain_tables_come_back_bit_for_bit_with_their_ids(tmp_path: Path) -> None:
    values = awkward_floats()
    path = tmp_path / "losses.csv"
    pd.DataFrame({"point_id": "12e456789012", "loss": values}).to_csv(path, index=False)
    back = result_table.read_exactly(path)
    assert [bits(x) for x in back["loss"]] == [bits(x) for x in values]
    assert set(back["point_id"]) == {"12e456789012"}


def test_same_numbers_give_the_same_bytes(tmp_path: Path) -> None:
    first = result_table.write_table([rows.row(Jy=1, mean=-1)], tmp_path / "a.csv").read_bytes()
    floats = result_table.write_table([rows.row(Jy=1, mean=-1) | {"Jy": 1.0, "mean": -1.0}], tmp_path / "b.csv")
    again = result_table.write_table(result_table.read_table(tmp_path / "a.csv"), tmp_path / "c.csv").read_bytes()
    assert first == floats.read_bytes() == again


def test_long_tables_come_back_whole_from_their_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_table, "ROWS_PER_FILE", 2)
    path, names = tmp_path / "t.csv", ["t.csv", "t.part2.csv", "t.part3.csv"]
    table = result_table.tidy([rows.row(t=float(k), n_samples=None if k else 5) for k in range(5)])
    assert [part.name for part in result_table.write_parts(table, path)] == [*names, "t.parts.json"]
    pd.testing.assert_frame_equal(result_table.read_table(path), table)
    assert [len(result_table.read_table(tmp_path / name)) for name in names[1:]] == [2, 1]
    result_table.write_parts(table[:2], path)
    assert len(result_table.read_table(path)) == 2
    assert [part.name for part in tmp_path.iterdir()] == names[:1]
    assert result_table.write_parts(table[:0], path) == [path]


def test_a_row_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = result_table.write_table(
        [rows.row(point="p", t=0.5), rows.row(point="p"), rows.row(point="p")], tmp_path / "t.csv"
    )
    with pytest.raises(InputError, match=r"t\.csv: 1 rows are there twice, the first is <sigma_z> of 'p' at t = inf"):
        result_table.read_table(path)


def state(t: float, *means: float, **changes: Any) -> list[dict[str, Any]]:
    """Rows of sigma_x, sigma_y and on at one time."""
    named = zip(PAULI_AVERAGES, means, strict=False)
    return [rows.row(t=t, observable=name, mean=mean, **changes) for name, mean in named]


@pytest.mark.parametrize(
    ("means", "error", "expected"),
    [
        ((0.1, -0.2, 0.9), 0.0, "yes"),
        ((0.1, -1.2, 0.9), 0.0, "no"),
        ((0.1, -1.2, 0.9), 0.07, "yes"),
        ((0.1, -1.2, 0.9), 0.06, "no"),
        ((1.0000005, 0.0, 0.0), 0.0, "yes"),
        ((math.nan, 0.0, 0.0), 0.0, ""),
        ((math.nan, 0.0, 1.1), 0.0, "no"),
    ],
)
def test_a_state_is_physical_where_all_its_means_are(means: tuple[float, ...], error: float, expected: str) -> None:
    others = [*state(0.5, 0.0, 2.0, 0.0), rows.row(t=0.25, observable="loss", mean=7.0), *state(0.5, 0.1, point="b")]
    found = result_table.tidy([*state(0.25, *means, error=error), *others, *state(0.5, 0.3, point_id="c")])
    assert found["physical"].tolist() == [expected] * 3 + ["no"] * 3 + [expected] + ["yes"] * 2


def test_means_of_unmasked_samples_and_of_their_p_are_two_states() -> None:
    scored = [row | {"observable": f"scored_{row['observable']}"} for row in state(0.5, 0.1, 1.5)]
    assert result_table.tidy([*state(0.5, 0.1, 0.2), *scored])["physical"].tolist() == ["yes", "yes", "no", "no"]


def test_physical_follows_from_the_means_whatever_the_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_table, "ROWS_PER_FILE", 2)
    path = tmp_path / "t.csv"
    result_table.write_parts(result_table.tidy(state(0.5, 0.1, 0.2, 1.5, smallest_eigenvalue=-0.25)), path)
    back = result_table.read_table(path)
    assert back["physical"].tolist() == ["no"] * 3, "the mean that is out is in the second part"
    assert back["smallest_eigenvalue"].tolist() == [-0.25] * 3
    alone = result_table.write_table(back, tmp_path / "alone.csv")
    alone.write_text(alone.read_text().replace(",1.5,0.0,", ",0.5,0.0,"))
    assert result_table.read_table(alone)["physical"].tolist() == ["yes"] * 3


def test_tables_of_before_have_no_such_columns_and_are_read(tmp_path: Path) -> None:
    made = result_table.tidy([*state(0.5, 0.1, 0.2, 1.5), *state(1.0, 0.1, 0.2, 0.3)])
    made.drop(columns=["smallest_eigenvalue", "physical"]).to_csv(tmp_path / "old.csv", index=False)
    back = result_table.read_table(tmp_path / "old.csv")
    pd.testing.assert_frame_equal(back, made)
    assert back["physical"].tolist() == ["no"] * 3 + ["yes"] * 3 and back["smallest_eigenvalue"].isna().all()


def test_names_that_look_like_numbers_stay_names(tmp_path: Path) -> None:
    odd = rows.row(point_id="12e456789012", commit="0012345", strings="", device="nan", point='a "b", c')
    back = result_table.read_table(result_table.write_table([odd], tmp_path / "t.csv")).iloc[0]
    assert [back[name] for name in ("point_id", "commit", "strings", "device", "point")] == [
        *("12e456789012", "0012345", "", "nan", 'a "b", c')
    ]


def test_infinite_time_and_empty_numbers_survive(tmp_path: Path) -> None:
    path = result_table.write_table([rows.row(), rows.row(n_samples=12000, mean=math.nan, t=0.5)], tmp_path / "t.csv")
    back = result_table.read_table(path)
    assert back["t"].tolist() == [math.inf, 0.5]
    assert math.isnan(back["V"][0]) and math.isnan(back["mean"][1])
    assert pd.isna(back["n_samples"][0]) and back["n_samples"][1] == 12000
    header, first, _ = path.read_text().splitlines()
    cells = dict(zip(header.split(","), first.split(","), strict=True))
    assert (cells["V"], cells["n_samples"], cells["t"]) == ("", "", "inf")
    assert tuple(header.split(",")) == result_table.COLUMNS


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("mean,", "average,", "column 'mean' is missing"),
        ("Jx,", "Jz,", "column 'Jx' is missing"),
        ("-0.1,", "minus,", "row 1: column 'mean' is 'minus', expected a number"),
        ("-0.1,", ",", "row 1: column 'mean' is '', expected a number"),
        ("3x3 periodic,9", "3x3 periodic,9.5", "row 1: column 'n_sites' is '9.5', expected a whole number"),
        (",yes,,\n", ",yes,,,a,b,c\n", "row 1: 37 cells, expected one for each of 34 columns"),
        (",yes,,\n", ",perhaps,,\n", "row 1: column 'physical' is 'perhaps', expected yes, no or nothing"),
        ("1.5,,yes,,\n", "1.5,low,yes,,\n", "row 1: column 'smallest_eigenvalue' is 'low', expected a number"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    path = result_table.write_table([rows.row()], tmp_path / "t.csv")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        result_table.read_table(path)
    assert expected in str(caught.value) and "t.csv" in str(caught.value) and "\n" not in str(caught.value)


def test_a_place_that_cannot_be_looked_at_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        result_table.read_table(tmp_path / f"{'x' * 300}.csv")


def test_columns_that_nobody_knows_are_refused() -> None:
    table = rows.table()
    with pytest.raises(InputError, match="unknown column 'colour'"):
        result_table.tidy(table.assign(colour="red"))
    with pytest.raises(InputError, match="column 'mean' occurs twice"):
        result_table.tidy(pd.concat([table, table["mean"]], axis=1))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00binary", b'"open,quote\n'])
def test_rubbish_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"t\.csv: ") as caught:
        result_table.read_table(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"cannot read .*absent\.csv.*No such file"):
        result_table.read_table(tmp_path / "absent.csv")


def test_a_failed_write_leaves_the_old_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = result_table.write_table([rows.row()], tmp_path / "t.csv")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot write .*t\.csv.*No space left"):
        result_table.write_table([rows.row(mean=0.5)], path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_file_where_a_folder_should_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        result_table.write_table([rows.row()], tmp_path / "folder" / "t.csv")


def test_same_numbers_looks_past_time_machine_and_order_alone() -> None:
    table = rows.table()
    elsewhere = table.assign(seconds=table["seconds"] * 3, commit="fff", device="cuda").sample(frac=1, random_state=1)
    assert same_numbers(table, elsewhere)
    assert set(result_table.COLUMNS) - set(NUMBERS) == {"seconds", "commit", "device", "physical"}
    assert not same_numbers(table, table.iloc[1:])
    for name in NUMBERS:
        changed = table.copy()
        old = changed[name].iloc[3]
        new = f"{old}'" if isinstance(old, str) else (7 if pd.isna(old) or old == math.inf else old + type(old)(1))
        changed.loc[3, name] = new
        assert not same_numbers(table, changed), name
    nudged = table.copy()
    nudged.loc[3, "mean"] = math.nextafter(nudged["mean"].iloc[3], 1)
    assert not same_numbers(table, nudged)


def test_deviations_of_a_curve() -> None:
    found = summary.deviations(rows.table())
    assert len(found) == found["point_id"].nunique() == len(rows.variational()) + 2
    dynamics = found[found["method"] == "dynamics"].iloc[0]
    assert dynamics["deviation"] == pytest.approx(-0.24 + 0.25) and dynamics["error"] == 0.01
    assert (dynamics["largest"], dynamics["largest_t"]) == (pytest.approx(0.08), 0.5)
    assert (dynamics["last"], dynamics["last_t"]) == (pytest.approx(0.01), 1.0)
    assert dynamics["seconds"] == 12.0
    # The second stage is compared with the steady state, whatever the exact column says at finite t.
    staged = found[found["method"] == "variational+dynamics"].iloc[0]
    assert (staged["largest"], staged["largest_t"]) == (pytest.approx(1.25), 0.0)
    assert staged["last"] == pytest.approx(-0.19 + 0.25)
    still = found[(found["method"] == "variational") & (found["strings"] == "8s") & (found["width"] == 64)].iloc[0]
    assert still["deviation"] == pytest.approx(still["steady"] - still["exact"]) and math.isnan(still["largest"])


def test_deviations_of_an_unfinished_or_inexact_curve() -> None:
    unfinished = summary.deviations(result_table.tidy(rows.evolution()[:2])).iloc[0]
    assert math.isnan(unfinished["steady"]) and unfinished["last_t"] == 0.5
    inexact = result_table.tidy([{**row, "exact": None} for row in rows.evolution()])
    assert summary.deviations(inexact)[["deviation", "largest", "last"]].isna().all(axis=None)
    assert summary.deviations(result_table.tidy([])).empty


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_summary_fits_a_page_and_hides_nothing(encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    wide = rows.row(method="variational+dynamics", width=128, seconds=5999.0, Jy=1.35, strings="8s")
    summary.print_summary(result_table.tidy(pd.concat([rows.table(), result_table.tidy([wide])])), stream)
    stream.flush()
    text = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    lines = [line.strip() for line in text.splitlines()]
    assert max(map(len, text.splitlines())) <= 100 and "\x1b" not in text and "\u2026" not in text
    assert sum(line.split()[:1] in (["a"], ["b"]) for line in lines) == len(rows.variational()) + 3
    curve = next(line for line in lines if " dyn " in line).split()
    assert curve == ["a", "dyn", "1x32", "0s", "1.8", "-0.2400", "0.0100", "-0.2500", "+0.0100", *curve[9:]]
    assert curve[9:] == ["0.0800", "0.50", "+0.0100", "12.0", "s"]
    assert any("1x128 8s" in line and line.endswith("1 h 39 min") for line in lines)


@pytest.mark.parametrize("cut", [1, 2, 9, 14])
def test_plain_tables_that_end_within_a_row_are_refused(tmp_path: Path, cut: int) -> None:
    """pandas takes a cut number for a shorter one, and a row without its last cells for one with empty ones."""
    whole = "panel,iteration,loss\na,1,0.25\na,2,0.125\n"
    path = tmp_path / "losses.csv"
    path.write_text(whole)
    assert result_table.read_plain(path, ["loss"])["loss"].tolist() == [0.25, 0.125]
    path.write_text(whole[:-cut])
    with pytest.raises(InputError, match=r"row 2: [12] cells|ends within row 2|ends within row 1"):
        result_table.read_plain(path, ["loss"])
