"""Long tables as several files, none too large for repositories and viewers: `<name>.csv`, `<name>.part2.csv` and on.

A list of the parts with their checksums, `<name>.parts.json`, makes them one: what does not match it is refused. New
parts lie beside the old ones, as `<part>.new`, until the list says that they count: a table that is written is always
the old one or the new one, whenever that ends.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from repro.utils.errors import InputError
from repro.utils.files import write_atomic

PARTS = "parts"
RESTORED = "expected the table as it was written (git restores it)"


def write(path: Path, texts: Sequence[str]) -> list[Path]:
    """Write a table's parts, and a list of them where there are several; parts of a longer one are removed.

    Args:
        path: the first part.
        texts: of every part.

    Raises:
        InputError: a folder that cannot be written.
    """
    names = list(itertools.islice(_names(path), len(texts)))
    left = [name for name in itertools.takewhile(Path.exists, _further(path)) if name not in names]
    if len(names) == 1 and not _list_of(path).exists():
        return [write_atomic(path, texts[0])]
    sums = {name.name: _sum(text.encode()) for name, text in zip(names, texts, strict=True)}
    for name, text in zip(names, texts, strict=True):
        write_atomic(_new(name), text)
    write_atomic(_list_of(path), json.dumps({PARTS: sums}, indent=1))
    for name in names:
        _new(name).replace(name)
    for name in left:
        name.unlink()
    if len(names) == 1:
        _list_of(path).unlink()
        return names
    return [*names, _list_of(path)]


def read(path: Path) -> list[tuple[Path, bytes]]:
    """A table's parts and what is in them, in order.

    Raises:
        InputError: a part that is missing or is not the listed one, parts without a list, a damaged list.
    """
    try:
        listed, further = _list_of(path).exists(), next(_further(path)).exists()
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error.strerror or error}") from error
    if not listed and further:
        raise InputError(f"{next(_further(path))}: no list '{_list_of(path).name}' beside it, {RESTORED}")
    if not listed:
        return [(path, _bytes(path))]
    return [(path.with_name(name), _part(path.with_name(name), expected)) for name, expected in _listed(path).items()]


def _part(path: Path, expected: str) -> bytes:
    for place in (path, _new(path)):
        if place.exists() and _sum(found := _bytes(place)) == expected:
            return found
    if not path.exists():
        raise InputError(f"{path}: not there, but its table lists it, {RESTORED}")
    raise InputError(f"{path}: not the part that its table lists, {RESTORED}")


def _listed(path: Path) -> dict[str, str]:
    try:
        found = json.loads(_bytes(_list_of(path)))[PARTS]
        if found and all(isinstance(value, str) for value in found.values()):
            return dict(found)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise InputError(f"{_list_of(path)}: no list of a table's parts, {RESTORED}")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error.strerror or error}") from error


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _names(path: Path) -> Iterator[Path]:
    return itertools.chain([path], _further(path))


def _further(path: Path) -> Iterator[Path]:
    return (path.with_suffix(f".part{number}.csv") for number in itertools.count(2))


def _list_of(path: Path) -> Path:
    return path.with_suffix(".parts.json")


def _new(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")
