"""How much memory points will take, estimated before they start, and what would fit if that is too much.

Counted in tensors alive at the peak of an iteration, calibrated on measured peaks: never below, at most twice as much.

V nodes of the prefix tree, A = 4^N configurations, D width, F feed-forward width, H heads, T tokens seen by a node.
"""

from __future__ import annotations

from collections.abc import Sequence

from repro.ansatz.lattice_images import HELD
from repro.ansatz.string_mixture import MAX_ENUMERATED_SITES
from repro.config.ansatz import Ansatz
from repro.config.estimator import Enumeration, Naive
from repro.config.evolution import Method
from repro.config.listed import Listed
from repro.config.method import Collocation, Projection, Tdvp
from repro.config.point import Point
from repro.config.settings import change, leaves
from repro.config.spin_symmetry import NO_SYMMETRY
from repro.methods.batch_size import BYTES_OF_TREE, GIB, WIDTHS_OF_FIRST_LAYER, WIDTHS_OF_LAYER
from repro.utils.errors import WHAT_WOULD_FIT, InputError
from repro.utils.free_memory import free_memory

OF_PROCESS = 600 * 2**20
"""A process with everything imported that a fit needs."""
FLOAT = 4
# Bytes per configuration: log p of every level with its gradient, p, L p and its permutations; per further string two
# gather indices in int64 and the permuted p.
OF_CONFIGURATION, OF_STRING = 170, 36
# Bytes per configuration of a method: of a search, of an evolution, and of one with two networks; of every state that a
# step records on its way; per draw.
OF_SEARCH, OF_EVOLUTION, OF_STAGES = 0, 45, 115
OF_DENSE_STATE = 12
OF_DRAW, OF_DRAW_STAGES = 40, 90
# Floats per node and unit of: width (first, last folded, other layer), feed-forward width, norms, attention weights.
FIRST, FOLDED, LAYER, FEEDFORWARD, NORM, ATTENTION = 8, 3, 12, 6, 2, 11
# Tokens of a sequence that go through the network at once, all layers' intermediate values kept; copies of all rows of
# derivatives; floats per entry of their kernel.
OF_SEQUENCE, OF_TANGENT, OF_KERNEL = 14, 7, 10
WITH_GRADIENT = 1.5
"""What a sequence takes with the gradient of its log p, in units of one without."""
FREE_SHARE = 0.95
EXACT_ALONE = {"sampling": "masked", "dense_output": 1, "hilbert_schmidt": 0.0}
"""Settings that only enumeration takes, at what draws from the network have."""


def bytes_of(point: Point, memory: int) -> int:
    """Peak memory of a point's process beyond what is imported.

    Args:
        point: what is computed.
        memory: bytes that one evaluation of the sampled estimator may take.
    """
    estimator, always = point.estimator, _weights(point) + _tangent(point)
    if isinstance(estimator, Enumeration):
        return always + _enumeration(point, estimator)
    sequences = int(estimator.draws * _sequence(point) * _at_once(point))
    if isinstance(estimator, Naive):
        return always + _naive(point, estimator.draws) + sequences
    return always + min(_tree(point, estimator.draws), memory) + sequences


def _weights(point: Point) -> int:
    """Weights, gradients, Adam's two moments; a copy of them in the checkpoint."""
    return 6 * FLOAT * point.method.networks * _parameters(point)


def _parameters(point: Point) -> int:
    D, F, N = point.ansatz.width, point.ansatz.feedforward, point.lattice.n_sites
    return point.ansatz.layers * (4 * D * D + 2 * D * F) + (N + 9) * D


def _tangent(point: Point) -> int:
    """Derivatives of log p at every draw, twice with images; kernel and factor in double precision, the smaller way."""
    draws = point.estimator.n_samples or 4**point.lattice.n_sites
    rows = draws + min(draws, HELD) if point.method.draws_images else draws
    floats = OF_TANGENT * rows * _parameters(point) + OF_KERNEL * min(rows, _parameters(point)) ** 2
    return FLOAT * floats if isinstance(point.method, Tdvp) else 0


def _enumeration(point: Point, estimator: Enumeration) -> int:
    N, method = point.lattice.n_sites, point.method
    A, V = 4**N, (4**N - 1) // 3
    per_configuration = OF_CONFIGURATION + _of_method(method) + OF_STRING * _gathers(point)
    n_samples = estimator.n_samples or 0
    draws = n_samples * (OF_DRAW if method.networks == 1 else OF_DRAW_STAGES)
    if estimator.sampling == "unmasked":
        draws += max(n_samples, 20_000) * _sequence(point)
    per_node = FLOAT * method.networks * _floats_per_node(point.ansatz, N)
    return A * per_configuration + V * per_node + draws + 55 * 2**20


def _of_method(method: Method) -> int:
    """Bytes per configuration that a method adds."""
    if method.evolution is None:
        return OF_SEARCH
    recorded = OF_DENSE_STATE * method.dense_output if isinstance(method, Projection) else 0
    return (OF_EVOLUTION if method.networks == 1 else OF_STAGES) + recorded


def _gathers(point: Point) -> int:
    """Permuted copies of p that a mixture averages: of strings, and of outcomes."""
    return sum(n for n in (len(point.orders), len(point.outcome_maps)) if n > 1)


def _floats_per_node(ansatz: Ansatz, N: int) -> int:
    if ansatz.is_shallow:
        return 0
    D, F = ansatz.width, ansatz.feedforward
    later = ansatz.layers - 1
    folded = ansatz.norm == "none" and ansatz.heads == 1
    widths = FIRST + (LAYER * (later - 1) + FOLDED if folded else LAYER * later)
    norms = 0 if ansatz.norm == "none" else NORM * D * ansatz.layers
    return widths * D + FEEDFORWARD * F * ansatz.layers + norms + ATTENTION * later * ansatz.heads * (N + 18)


def _tree(point: Point, draws: int) -> int:
    """Nodes of the sampled tree as if no two samples shared a prefix, but no more than there are."""
    lattice, ansatz = point.lattice, point.ansatz
    N, P = lattice.n_sites, len(lattice.bonds)
    nodes = _components(point) * min(draws * (N + 1.5 * N * (N - 1) + 9 * P * (N - 1) / 2), (4.0**N - 1) / 3)
    widths = 0 if ansatz.is_shallow else WIDTHS_OF_FIRST_LAYER + WIDTHS_OF_LAYER * (ansatz.layers - 1)
    return int(nodes * (BYTES_OF_TREE + widths * ansatz.width * FLOAT))


def _naive(point: Point, draws: int) -> int:
    """Every flipped neighbour of every sample is a sequence of its own."""
    lattice = point.lattice
    return draws * (4 * lattice.n_sites + 16 * len(lattice.bonds)) * _components(point) * _sequence(point)


def _components(point: Point) -> int:
    """Of the mixture: readings of every configuration."""
    return len(point.orders) * len(point.outcome_maps)


def _at_once(point: Point) -> float:
    """Sequences that each draw is at once: where a method fits log p of draws, all components with a gradient."""
    fits = isinstance(point.method, Projection | Collocation)
    return WITH_GRADIENT * _components(point) * point.method.networks if fits else 1.0


def _sequence(point: Point) -> int:
    N, ansatz = point.lattice.n_sites, point.ansatz
    per_token = OF_SEQUENCE * ansatz.width + 3 * ansatz.feedforward + 2 * ansatz.heads * N
    return FLOAT * N * ansatz.layers * per_token


def check_fits(points: Sequence[Point], jobs: int, memory: int, device: str) -> None:
    """Refuse points that this machine cannot hold, `jobs` at a time.

    Args:
        points: what is to be computed.
        jobs: points at a time.
        memory: bytes that one evaluation of the sampled estimator may take.
        device: "cpu", "cuda" or "cuda:1".

    Raises:
        InputError: too little memory, with what is needed, what there is, and what would fit.
    """
    needs = sorted(((_need(p, memory), p) for p in dict.fromkeys(points)), key=_size, reverse=True)
    at_once = needs[:jobs]
    needed, free = sum(size for size, _ in at_once), _room(device)
    if needed <= free:
        return
    largest, point = needs[0]
    if largest <= free:
        fitting = max(k for k in range(1, len(at_once)) if sum(size for size, _ in needs[:k]) <= free)
        raise InputError(
            f"memory: {len(at_once)} points at a time need {_gib(needed)}, {_gib(free)} are free; "
            f"{WHAT_WOULD_FIT}: --jobs {fitting}"
        )
    raise InputError(
        f"memory: {point.label} needs {_gib(largest)}, {_gib(free)} are free; "
        f"{WHAT_WOULD_FIT}: {_smaller(point, memory, free)}"
    )


def ran_out(listed: Listed, memory: int, device: str) -> MemoryError:
    """What to say where a device's memory ran out in spite of the estimate; arguments as in `check_fits`."""
    point, free = listed.point, _room(device)
    less = "" if isinstance(point.estimator, Enumeration) else f"--memory {memory / GIB / 2:.3g}, "
    return MemoryError(
        f"{listed.label}: the memory of {device} ran out, {_gib(free)} are free now; "
        f"{WHAT_WOULD_FIT}: {less}fewer --jobs on it, or {_smaller(point, memory, free)}"
    )


def fits(point: Point, memory: int, device: str) -> bool:
    """Whether this machine can hold a point now; arguments as in `check_fits`."""
    return _need(point, memory) <= _room(device)


def _need(point: Point, memory: int) -> int:
    return bytes_of(point, memory) + OF_PROCESS


def _room(device: str) -> int:
    return int(free_memory(device) * FREE_SHARE)


def _size(entry: tuple[int, Point]) -> int:
    return entry[0]


def _gib(size: int) -> str:
    return f"{size / GIB:.3g} GiB"


def _smaller(point: Point, memory: int, free: int) -> str:
    """The largest lattice of its kind, and the other estimator where this one enumerates."""
    strings = _gathers(point) * OF_STRING if isinstance(point.estimator, Enumeration) else 0
    plain = {"strings": "0s", "spin_symmetry": NO_SYMMETRY, "lattice": "ring"}
    fitting = 0
    for sites in range(1, min(point.lattice.n_sites, MAX_ENUMERATED_SITES + 1)):
        ring = _changed(point, **plain, n_sites=sites)
        if ring is not None and bytes_of(ring, memory) + strings * 4**sites + OF_PROCESS <= free:
            fitting = sites
    fits_here = (
        f"at most {fitting} sites with this network" if fitting else "a smaller --width, --layers or --n-samples"
    )
    if isinstance(point.estimator, Enumeration):
        exact = {name: value for name, value in EXACT_ALONE.items() if name in leaves(point)}
        summed = _changed(point, **exact)
        drawn = summed and _changed(summed, estimator="sampled", n_samples=1000)
        if drawn is not None and bytes_of(drawn, memory) + OF_PROCESS <= free:
            return f"{fits_here}, or --estimator sampled --n-samples 1000"
    return fits_here


def _changed(point: Point, **settings: object) -> Point | None:
    """The point with other settings, None where these do not go together: images on a ring too small for them, ..."""
    try:
        return change(point, **settings)
    except InputError:
        return None
