"""The competitor's objects of NetKet: ansatz, sampler, stochastic reconfiguration, operators.

NetKet and JAX are imported inside functions: they are the optional extra `rbm`.
"""

from __future__ import annotations

import math
from importlib import util
from typing import Any

from repro.physics.lattice import ring
from repro.references.rbm_point import EVERY, RbmPoint
from repro.utils.errors import InputError
from repro.utils.names import PAULI_AVERAGES


class Search:
    """NetKet's objects of one search."""

    def __init__(self, point: RbmPoint) -> None:
        nk, jax = _netket()
        import optax

        self.point = point
        liouvillian, self.observables = build_operators(point.n_sites, point.V, point.g)
        start = jax.nn.initializers.normal(point.width_of_start)
        ansatz = nk.models.NDM(
            alpha=point.alpha, beta=point.beta, kernel_init=start, bias_init=start, visible_bias_init=start
        )
        self.state = nk.vqs.MCMixedState(
            nk.sampler.MetropolisLocal(liouvillian.hilbert, n_chains=16),
            ansatz,
            n_samples=point.n_samples,
            n_samples_diag=point.n_diagonal,
            seed=point.seed,
            sampler_seed=point.seed + 1,
        )
        # a whole step of stochastic reconfiguration collapses the state of a long ring at the start
        clipped = optax.clip_by_global_norm(point.largest_step / point.learning_rate)
        self.driver = nk.SteadyState(
            liouvillian,
            optax.chain(clipped, optax.sgd(point.learning_rate)),
            variational_state=self.state,
            preconditioner=nk.optimizer.SR(diag_shift=point.diag_shift),
        )

    def advance(self) -> dict[str, float]:
        """Do EVERY iterations; returns the cost at the last and the Pauli means after it."""
        self.driver.run(EVERY, out=(), show_progress=False)
        row = {"ldagl": float(self.driver.ldagl.mean.real), "ldagl_error": float(self.driver.ldagl.error_of_mean)}
        means = {name: float(self.state.expect(op).mean.real) for name, op in self.observables.items()}
        if not all(math.isfinite(value) for value in (*row.values(), *means.values())):
            raise InputError(
                f"{self.point.label} diverged: smaller --learning-rate, larger --diag-shift or --n-samples"
            )
        return row | means

    def parameters(self) -> bytes:
        """The ansatz's parameters, serialised."""
        from flax import serialization

        return bytes(serialization.to_bytes(self.state.parameters))

    def load(self, data: bytes) -> None:
        """Set the ansatz's parameters."""
        from flax import serialization

        self.state.parameters = serialization.from_bytes(self.state.parameters, data)


def build_operators(n_sites: int, V: float, g: float) -> tuple[Any, dict[str, Any]]:
    """NetKet's Liouvillian of the Ising ring, H = V/4 sum ZZ + g/2 sum X with jumps sigma^-, and the site averages."""
    nk, _ = _netket()
    hilbert = nk.hilbert.Spin(0.5, N=n_sites)
    x, y, z = nk.operator.spin.sigmax, nk.operator.spin.sigmay, nk.operator.spin.sigmaz
    zero = nk.operator.LocalOperator(hilbert, dtype=complex)
    hamiltonian = sum((g / 2 * x(hilbert, k) for k in range(n_sites)), zero)
    for i, j in ring(n_sites).bonds:
        hamiltonian += V / 4 * z(hilbert, i) @ z(hilbert, j)
    averages = {
        name: sum((pauli(hilbert, k) / n_sites for k in range(n_sites)), zero)
        for name, pauli in zip(PAULI_AVERAGES, (x, y, z), strict=True)
    }
    jumps = [nk.operator.spin.sigmam(hilbert, k) for k in range(n_sites)]
    return nk.operator.LocalLiouvillian(hamiltonian, jumps), averages


def _netket() -> tuple[Any, Any]:
    try:
        import jax
        import netket
    except ImportError as error:
        raise _absent(str(error)) from error
    return netket, jax


def check_installed() -> None:
    """Refuse to start without NetKet.

    Raises:
        InputError: it is not installed.
    """
    if not util.find_spec("netket"):
        raise _absent("No module named 'netket'")


def _absent(reason: str) -> InputError:
    return InputError(f"the RBM needs NetKet ({reason}): pip install 'repro-povm[rbm]'")


def versions() -> dict[str, str]:
    """Versions of NetKet and JAX."""
    nk, jax = _netket()
    return {"netket": nk.__version__, "jax": jax.__version__}
