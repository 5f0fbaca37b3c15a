"""Lists of resolved settings are read in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.claims.paper_settings import read_settings
from repro.states.shipped import figures
from repro.utils.errors import InputError
from repro.utils.point_settings import read_points

DAMAGED = ["", "{", "[]", "1", '{"points": 1}', '{"points": {}}', '{"points": [1]}', '{"points": null}']


@pytest.mark.parametrize("text", [*DAMAGED, "{}"])
def test_a_damaged_list_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fig4.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"fig4.json: expected an object with a list 'points' of resolved settings"):
        read_points(path)


@pytest.mark.parametrize("text", DAMAGED)
def test_every_reader_refuses_a_damaged_list(tmp_path: Path, text: str) -> None:
    (tmp_path / "fig4.json").write_text(text)
    for read in (
        lambda: read_settings(tmp_path, "fig4"),
        lambda: figures(tmp_path),
    ):
        with pytest.raises(InputError, match=r"fig4.json: expected an object"):
            read()


def test_points_come_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "fig4.json"
    path.write_text('{"figure": "fig4", "points": [{"point_id": "b"}, {"point_id": "a", "tau": 0.1}]}')
    assert read_points(path) == [{"point_id": "b"}, {"point_id": "a", "tau": 0.1}]
    assert read_settings(tmp_path, "fig4") == {"b": {"point_id": "b"}, "a": {"point_id": "a", "tau": 0.1}}


def test_an_object_without_points_is_no_table_of_any(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"problem": 1}')
    assert read_points(path, needed=False) == []


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read '.*fig4.json': No such file"):
        read_points(tmp_path / "fig4.json")
    assert read_settings(tmp_path, "fig4") == {}
