"""`repro states`: the trained states that are shipped, and what they say. Fields are options; docstrings are help."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import tyro

from repro.utils.errors import InputError
from repro.utils.files import check_folder
from repro.utils.paths import RESULTS

AVERAGES = ("X", "Y", "Z")


@dataclass
class States:
    """Show the trained states that are shipped, those of a figure, or what one of them says.

    In Python `repro.load_state("fig4", "dyn-1x32-0s-Jy1.8")` gives the distribution itself.
    """

    figure: tyro.conf.Positional[str] = ""
    """a shipped table, such as fig4; without one, all of them"""
    name: tyro.conf.Positional[str] = ""
    """one of its points: label, panel and label, id, or a pattern that one point matches"""
    observables: tuple[str, ...] = ()
    """what to print of it: Pauli strings such as "Z0 Z1", X for the average over the sites, X* for every site; by
    default X Y Z"""
    rates: bool = False
    """of every observable also d<O>/dt from the state alone, zero in a steady state"""
    results: Path = RESULTS
    """folder of shipped results"""

    def run(self) -> int:
        """Print them."""
        from repro.states.shipped import figures, shipped_points

        check_folder(self.results)
        if self.name:
            return self._show()
        for option, given in {"--observables": self.observables, "--rates": self.rates}.items():
            if given:
                raise InputError(f"{option} without a point: expected a figure and one of its points before it")
        if self.figure:
            for point in shipped_points(self.figure, self.results):
                state = "shipped" if point.has_state else "not kept"
                print(f"{point.panel:16s} {point.label:32s} {point.point_id}  {point.profile:11s}  {state}")
            return 0
        for figure in figures(self.results):
            points = {point.point_id: point for point in shipped_points(figure, self.results)}.values()
            print(f"{figure:14s} {sum(point.has_state for point in points):3d} states of {len(points):3d} points")
        return 0

    def _show(self) -> int:
        """Values of one state, with errors where they are of draws."""
        from repro.physics.density import MAX_SITES
        from repro.states.shipped import load_state

        state = load_state(self.figure, self.name, self.results)
        observables = self.observables or AVERAGES
        values, rates = state.values(observables), state.rates(observables) if self.rates else {}
        when = "steady state of a search" if math.isinf(state.t) else f"t = {state.t:g}"
        print(f"{state.point.label}  {state.point.point_id}  {state.n_sites} sites, {when}, commit {state.commit}")
        for observable, (value, error) in values.items():
            print(f"<{observable}> = {value:.8f}{_with(error)}")
        for observable, (rate, error) in rates.items():
            print(f"d<{observable}>/dt = {rate:.8f}{_with(error)} gamma")
        if state.n_sites <= MAX_SITES:
            print(f"purity = {state.purity():.8f}\nsmallest eigenvalue of rho = {state.smallest_eigenvalue():.8f}")
        return 0


def _with(error: float) -> str:
    return f" +- {error:.1g}" if error else ""
