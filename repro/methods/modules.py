"""Which Lightning module computes which method."""

from __future__ import annotations

from repro.config import method
from repro.config.point import Point
from repro.methods.collocation_training import CollocationModule
from repro.methods.dynamics import DynamicsModule
from repro.methods.module import PointModule
from repro.methods.projection_training import ProjectionModule
from repro.methods.tdvp import TdvpModule
from repro.methods.variational import VariationalModule

MODULES: dict[type[method.Method], type[PointModule]] = {
    method.Variational: VariationalModule,
    method.Dynamics: DynamicsModule,
    method.VariationalThenDynamics: DynamicsModule,
    method.Projection: ProjectionModule,
    method.Collocation: CollocationModule,
    method.Tdvp: TdvpModule,
}


def module_of(point: Point, memory: int | None = None) -> PointModule:
    """The module that computes a point, freshly made.

    Args:
        point: what is computed.
        memory: bytes that one evaluation of the sampled estimator may take.
    """
    return MODULES[type(point.method)](point, memory)
