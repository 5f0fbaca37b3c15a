"""`python -m benchmarks.crossing`: complete the table, say where which way is the cheapest, draw."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import tyro

from benchmarks import crossing
from benchmarks.crossing.measure import complete
from benchmarks.crossing.problems import PROBLEMS
from benchmarks.crossing.rows import Table
from figures import crossing as drawing
from figures import crossing_text
from repro.utils.errors import InputError
from repro.utils.files import write_atomic

SHIPPED = Path("results/crossing.csv")


@dataclasses.dataclass
class Settings:
    """What is measured. Rows that the table has are not measured again."""

    ways: tuple[str, ...] = ("density matrix", "trajectories", "matrix products", "gates", "tensor jumps", "network")
    """ways to measure"""
    panels: tuple[str, ...] = ("1d", "2d")
    """1d: rings; 2d: lattices"""
    longest: float = 300.0
    """CPU seconds that one measurement may be expected to take; what takes longer is told from a part or by a rule"""
    table: Path = SHIPPED
    """table of measurements, completed as they finish"""
    figure: Path = Path("results/figures/crossing.png")
    """the plot"""
    runs: Path = Path("runs")
    """folder of this suite's own runs and of kept trajectories"""


def main(settings: Settings) -> None:
    """Measure, say, draw."""
    table = Table(settings.table)
    for problem in PROBLEMS:
        if problem.panel in settings.panels:
            complete(table, problem, settings.ways, settings.longest, settings.runs, _say)
    frame = table.frame()
    for sentence in crossing_text.sentences(frame):
        print(sentence)
    drawing.draw(frame, settings.figure)
    for page, sizes in crossing_text.PAGES.items() if settings.table == SHIPPED else ():
        write_atomic(page, crossing_text.with_table(Path(page).read_text(), frame, sizes))
    print(settings.figure)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        main(tyro.cli(Settings, description=crossing.__doc__))
    except InputError as error:
        print(f"crossing: {error}", file=sys.stderr)
        sys.exit(2)
