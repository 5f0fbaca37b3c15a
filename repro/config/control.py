"""Controls: runs with other time steps, whose distance from the rest shows what the steps leave wrong."""

from __future__ import annotations

from typing import TypeVar

from repro.config.point import Point
from repro.config.settings import change, leaves

AnyPoint = TypeVar("AnyPoint", bound=Point)


def half_step_control(point: AnyPoint) -> AnyPoint:
    """The control of an evolution: twice as many steps, of half the length and, where it is trained, the iterations."""
    flat = leaves(point)
    halved = {"tau": flat["tau"] / 2}
    if "step_iterations" in flat:
        halved["step_iterations"] = max(1, flat["step_iterations"] // 2)
        halved["first_iterations"] = max(min(1, flat["first_iterations"]), flat["first_iterations"] // 2)
    return change(point, **halved)
