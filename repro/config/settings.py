"""Settings as small frozen dataclasses, and the flat view of them: every leaf has one name, "Jy" or "tau".

A field is a leaf, a part (a dataclass of its own), or a choice: one of several dataclasses, named by a `kind` such as
lattice = "ring". What a choice does not have cannot be set: nothing is ignored.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar

from repro.utils.errors import InputError, unknown
from repro.utils.validation import LARGEST, check_int, normalise_fields, shorten

AnySettings = TypeVar("AnySettings", bound="Settings")


@dataclass(frozen=True)
class Settings:
    """Base of all settings: fields are checked when they are set.

    Attributes:
        kind: name of the class where it is one of several.
    """

    kind: ClassVar[str] = ""

    def __post_init__(self) -> None:
        normalise_fields(self)
        for each in fields(self):
            if "help" in each.metadata:
                _check(each, getattr(self, each.name))


def setting(default: Any, text: str, **limits: Any) -> Any:
    """A leaf.

    Args:
        default: its default.
        text: help, shown by `--help`.
        limits: `above`, `least`, `most`: bounds of a number; `choices`: the values that there are.
    """
    return field(default=default, metadata={"help": text, **limits})


def part(of: type[Settings]) -> Any:
    """A dataclass of its own."""
    return field(default_factory=of, metadata={"of": of})


def choice(name: str, text: str, *classes: type[Settings]) -> Any:
    """One of several dataclasses, the first by default; `name` is the leaf that holds its kind."""
    metadata = {"choice": name, "text": text, "classes": {each.kind: each for each in classes}}
    return field(default_factory=classes[0], metadata=metadata)


def _check(leaf: Any, value: Any) -> None:
    """Refuse a value outside a leaf's limits."""
    name, limits = leaf.name, leaf.metadata
    if choices := limits.get("choices"):
        if str(value) not in choices:
            raise unknown(name, str(value), choices)
        return
    if value is None or isinstance(value, bool | str):
        return
    expected = _expected(value, limits)
    if expected:
        raise InputError(f"{name} = {shorten(value)}: expected {expected}")
    if leaf.type in ("int", "int | None"):
        check_int(name, value, most=limits.get("most", 10**9))


def _expected(value: float, limits: Mapping[str, Any]) -> str:
    """What was expected of a number, empty where it is that."""
    if "above" in limits and not limits["above"] < value < math.inf:
        return f"a number above {limits['above']}"
    if "least" in limits and not limits["least"] <= value < math.inf:
        return f"a number not below {limits['least']}"
    if not abs(value) <= max(LARGEST, limits.get("most", 0)):
        return "a finite number"
    if "most" in limits and value > limits["most"]:
        return f"at most {limits['most']}"
    return ""


def leaves(settings: Settings) -> dict[str, Any]:
    """Flat view: every leaf and every kind by name."""
    flat: dict[str, Any] = {}
    for each in fields(settings):
        value = getattr(settings, each.name)
        if "choice" in each.metadata:
            flat[each.metadata["choice"]] = value.kind
        flat |= leaves(value) if isinstance(value, Settings) else {each.name: value}
    return flat


def build(of: type[AnySettings], flat: Mapping[str, Any]) -> AnySettings:
    """Settings from their flat view; leaves that it does not name keep their defaults, others are passed over.

    Raises:
        InputError: a kind that does not exist, or a value outside its limits.
    """
    values: dict[str, Any] = {}
    for each in fields(of):
        if "choice" in each.metadata:
            values[each.name] = build(_chosen(each.metadata, flat), flat)
        elif "of" in each.metadata:
            values[each.name] = build(each.metadata["of"], flat)
        elif each.name in flat:
            values[each.name] = flat[each.name]
    return of(**values)


def _chosen(metadata: Mapping[str, Any], flat: Mapping[str, Any]) -> type[Settings]:
    name, classes = metadata["choice"], metadata["classes"]
    kind = flat.get(name, next(iter(classes)))
    if not isinstance(kind, str):
        raise InputError(f"{name} = {shorten(kind)}: expected a name")
    if kind not in classes:
        raise unknown(name, kind, classes)
    return classes[kind]


def from_leaves(of: type[AnySettings], flat: Mapping[str, Any]) -> AnySettings:
    """Settings from leaves by name.

    Raises:
        InputError: as `build`, or a name that such settings do not have.
    """
    made = build(of, flat)
    check_names(flat, made, of.__name__)
    return made


def change(settings: AnySettings, **changes: Any) -> AnySettings:
    """The same with some leaves changed; where a kind is changed, leaves that both kinds have are carried over.

    Raises:
        InputError: as `build`, or a name that the settings, changed, do not have.
    """
    changed = build(type(settings), leaves(settings) | changes)
    check_names(changes, changed, getattr(settings, "label", type(settings).__name__))
    return changed


def applicable(settings: AnySettings, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Those changes whose names the settings, changed, have.

    Raises:
        InputError: as `build`.
    """
    known = leaves(build(type(settings), leaves(settings) | dict(changes)))
    return {name: value for name, value in changes.items() if name in known}


def check_names(names: Mapping[str, Any], settings: Settings, label: str) -> None:
    """Refuse names of leaves that some settings do not have.

    Raises:
        InputError: the first of them, with those that there are.
    """
    known = leaves(settings)
    for name in names:
        if name not in known:
            if name not in all_leaves(type(settings)):
                raise unknown("setting", name, known)
            kinds = ", ".join(f"{k} {known[k]}" for k in all_kinds(type(settings)) if k in known)
            raise InputError(f"{label} has no setting {name} ({kinds}); it has {', '.join(known)}")


def all_leaves(of: type[Settings]) -> dict[str, dataclasses.Field[Any]]:
    """Every leaf that settings of a class can have, whatever is chosen; a kind has the field of its choice."""
    found: dict[str, dataclasses.Field[Any]] = {}
    for each in _fields(of):
        found.setdefault(each.metadata.get("choice", each.name), each)
    return found


def all_kinds(of: type[Settings]) -> tuple[str, ...]:
    """Names of all choices."""
    return tuple(dict.fromkeys(each.metadata["choice"] for each in _fields(of) if "choice" in each.metadata))


def _fields(of: type[Settings]) -> Iterator[dataclasses.Field[Any]]:
    """Fields of a class and of everything that it can hold."""
    for each in fields(of):
        if "of" in each.metadata:
            yield from _fields(each.metadata["of"])
        else:
            yield each
            for chosen in each.metadata.get("classes", {}).values():
                yield from _fields(chosen)
