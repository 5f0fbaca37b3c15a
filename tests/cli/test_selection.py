"""Options that change points: those that have the setting, and at least one has to."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from repro.cli.selection import select_points
from repro.utils.errors import InputError

BOTH = ("a-dyn-1x32-0s-Jy1.8", "a-var-1x32-0s-Jy1.8")


def test_an_option_changes_the_points_that_have_the_setting() -> None:
    plain = select_points("fig4", "smoke", BOTH, SimpleNamespace())
    changed = select_points("fig4", "smoke", BOTH, SimpleNamespace(t_end=1.5, iterations=7, Jy=1.35))
    for before, after in zip(plain, changed, strict=True):
        expected = {"Jy": 1.35} | ({"t_end": 1.5} if "t_end" in before.settings else {"iterations": 7})
        moved = {name for name in before.settings if before.settings[name] != after.settings[name]}
        assert moved == set(expected) and expected.items() <= after.settings.items()


def test_a_setting_that_no_chosen_point_has_is_refused() -> None:
    with pytest.raises(InputError, match="has no setting t_end"):
        select_points("fig4", "smoke", BOTH[1:], SimpleNamespace(t_end=1.5, iterations=7))
    with pytest.raises(InputError, match="has no setting V"):
        select_points("fig4", "smoke", BOTH, SimpleNamespace(V=1.0, t_end=1.5))


def test_settings_that_come_with_another_choice_are_there() -> None:
    (changed,) = select_points("fig4", "smoke", BOTH[1:], SimpleNamespace(method="dynamics", t_end=1.5))
    assert changed.settings["method"] == "dynamics" and changed.settings["t_end"] == 1.5
