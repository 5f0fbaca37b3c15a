"""Arrays kept in a file, and files that are damaged in every way a file can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from repro.utils.arrays import read_arrays, write_arrays

KEPT = {"a": np.arange(600.0).reshape(20, 30), "n": np.asarray(3)}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_arrays(tmp_path / "kept.npz", KEPT)
    found = read_arrays(tmp_path / "kept.npz")
    assert found is not None and found.keys() == KEPT.keys()
    assert all(np.array_equal(found[name], KEPT[name]) for name in KEPT)
    assert [file.name for file in tmp_path.iterdir()] == ["kept.npz"]


def test_a_file_cut_anywhere_counts_as_missing(tmp_path: Path) -> None:
    file = tmp_path / "kept.npz"
    assert read_arrays(file) is None and read_arrays(tmp_path) is None
    write_arrays(file, KEPT)
    whole = file.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        file.write_bytes(whole[:length])
        assert read_arrays(file) is None, length


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_changed_bytes_count_as_missing(place: float, tmp_path: Path) -> None:
    file = tmp_path / "kept.npz"
    write_arrays(file, KEPT)
    content = bytearray(file.read_bytes())
    at = int(place * len(content) / 2)  # within the larger array
    content[at : at + 8] = b"\xff" * 8
    file.write_bytes(bytes(content))
    assert read_arrays(file) is None


def test_what_is_no_archive_counts_as_missing(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.arange(3))
    (tmp_path / "text.npz").write_text("a,b\n1,2\n")
    assert read_arrays(tmp_path / "one.npy") is None and read_arrays(tmp_path / "text.npz") is None
