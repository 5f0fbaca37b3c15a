"""A claim of the paper, the test that decides it, and what the test found."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.claims.effect import OPEN, REPRODUCED, UNDECIDED, Effect, deciding, verdict
from repro.claims.paper_settings import compared
from repro.claims.tables import Missing, Tables

if TYPE_CHECKING:
    import pandas as pd

TOLD = 3
"""Effects that a reason quotes."""


@dataclass(frozen=True)
class Finding:
    """What the tables say.

    Attributes:
        effects: what the claim is about, with bounds; all have to be on its side.
        ours: numbers in words.
        rows: the rows of tables that they come from.
        beside: something to add to the reason.
    """

    effects: tuple[Effect, ...]
    ours: str
    rows: pd.DataFrame
    beside: str = ""

    def check(self) -> None:
        """Refuse effects that are no numbers, such as a part of a range that is zero.

        Raises:
            Missing: names the first.
        """
        for effect in self.effects:
            if not math.isfinite(effect.value) or math.isnan(effect.error):
                raise Missing(f"a number for: {effect.what}")


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes:
        number: on the list of claims.
        text: the claim.
        where: where the paper says it.
        paper: what the paper reports.
        test: the test in words, with its thresholds.
        find: the test.
    """

    number: int
    text: str
    where: str
    paper: str
    test: str
    find: Callable[[Tables], Finding]

    def row(self, tables: Tables) -> dict[str, object]:
        """The claim's row of the ledger; what is missing makes it open."""
        fixed = {"number": self.number, "claim": self.text, "where": self.where, "test": self.test, "paper": self.paper}
        try:
            found = self.find(tables)
            found.check()
        except Missing as missing:
            empty = dict.fromkeys(("effects", "ours", "settings", "verdict", "reason", "change"), "")
            return {**fixed, **empty, "verdict": OPEN, "reason": f"missing: {missing}", "change": "those rows"}
        decided = deciding(found.effects)
        settings, differences = compared(found.rows, tables.settings(found.rows))
        differing = [f"{name} in {where}" for name, where in differences if _concerns(where, decided)]
        word = verdict(found.effects, differing)
        return {
            **fixed,
            "effects": "; ".join(map(str, found.effects)),
            "ours": found.ours,
            "settings": "; ".join(settings),
            "verdict": word,
            "reason": "; ".join([*_first(list(map(str, decided))), *filter(None, [found.beside])]),
            "change": _would_change(word, decided, differing),
        }


def _concerns(where: str, effects: list[Effect]) -> bool:
    """Whether any of these effects is of that part of the rows."""
    return any(not effect.rests or where.startswith(effect.rests) for effect in effects)


def _first(words: list[str]) -> list[str]:
    """A few; all effects are in the column of effects."""
    more = len(words) - TOLD
    return [*words[:TOLD], *([f"and {more} more"] if more > 0 else [])]


def _would_change(word: str, decided: list[Effect], differing: list[str]) -> str:
    """What would change the verdict."""
    paper = f"the paper's {', '.join(differing)}" if differing else ""
    if word == UNDECIDED:
        return "; ".join(filter(None, [*dict.fromkeys(effect.needed for effect in decided), paper]))
    if word == REPRODUCED:
        nearest = min(decided, key=_room)
        return nearest.turned + (f"; or {paper}" if paper else "")
    return paper or "; ".join(_first([effect.turned for effect in decided]))


def _room(effect: Effect) -> float:
    """Distance from the bound in half widths of the interval."""
    low, high = effect.interval
    return abs(effect.value - effect.bound) / max((high - low) / 2, 1e-300)
