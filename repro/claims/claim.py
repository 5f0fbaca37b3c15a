"""A claim of the paper, the test that decides it, and what the test found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from repro.claims.tables import Missing, Tables

REPRODUCED, NOT_REPRODUCED, OPEN = "reproduced", "not reproduced", "open"


@dataclass(frozen=True)
class Finding:
    """What the tables say.

    Attributes:
        holds: whether the test is passed.
        exact, ours, error: numbers in words; error says what the bar is made of.
        reason: one sentence why.
    """

    holds: bool
    ours: str
    reason: str
    exact: str = ""
    error: str = ""


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
        except Missing as missing:
            return {**fixed, "exact": "", "ours": "", "error": "", "verdict": OPEN, "reason": f"missing: {missing}"}
        verdict = REPRODUCED if found.holds else NOT_REPRODUCED
        numbers = {"exact": found.exact, "ours": found.ours, "error": found.error}
        return {**fixed, **numbers, "verdict": verdict, "reason": found.reason}
