"""Tables in parts: the old one or the new one, whenever writing ends; never something between."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.utils import table_parts
from repro.utils.errors import InputError

OLD, NEW = ["a\n1\n", "a\n2\n", "a\n3\n"], ["a\n4\n", "a\n5\n"]


def texts(path: Path) -> list[str]:
    return [data.decode() for _, data in table_parts.read(path)]


class Killed(BaseException):
    """The process ends."""


def kill_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """End at the given call of what changes a file."""
    left = [steps]

    def counted(name: str) -> None:
        real = getattr(Path, name)

        def call(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return real(*args, **kwargs)

        monkeypatch.setattr(Path, name, call)

    for name in ("replace", "unlink"):
        counted(name)


@pytest.mark.parametrize(("first", "second"), [(OLD, NEW), (NEW, OLD), (OLD[:1], NEW), (OLD, NEW[:1])])
def test_whenever_writing_ends_the_table_is_whole(
    first: list[str], second: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    for steps in range(40):
        path = tmp_path / str(steps) / "t.csv"
        table_parts.write(path, first)
        with monkeypatch.context() as patch:
            kill_after(steps, patch)
            try:
                table_parts.write(path, second)
                done = True
            except Killed:
                done = False
        found = texts(path)
        assert found in (first, second)
        seen.add(tuple(found))
        table_parts.write(path, second)
        assert texts(path) == second
        if done:
            left = {each.name for each in path.parent.iterdir()}
            assert left == {"t.csv"} | ({"t.part2.csv", "t.parts.json"} if len(second) > 1 else set()) | (
                {"t.part3.csv"} if len(second) > 2 else set()
            )
            break
    assert seen == {tuple(first), tuple(second)}


def test_a_part_that_is_missing_or_another_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table_parts.write(path, OLD)
    second = tmp_path / "t.part2.csv"
    second.write_text("a\n7\n")
    with pytest.raises(InputError, match=r"t\.part2\.csv: not the part that its table lists"):
        texts(path)
    second.unlink()
    with pytest.raises(InputError, match=r"t\.part2\.csv: not there, but its table lists it"):
        texts(path)
    second.write_text(OLD[1])
    (tmp_path / "t.parts.json").write_text("{}")
    with pytest.raises(InputError, match=r"t\.parts\.json: no list of a table's parts"):
        texts(path)
    (tmp_path / "t.parts.json").unlink()
    with pytest.raises(InputError, match=r"t\.part2\.csv: no list 't\.parts\.json' beside it"):
        texts(path)


def test_every_shipped_table_is_whole() -> None:
    results = Path(__file__).parents[2] / "results"
    lists = sorted(results.glob("*.parts.json"))
    assert len(lists) >= 3
    for each in lists:
        assert len(table_parts.read(results / each.name.replace(".parts.json", ".csv"))) > 1
