"""What is fitted: one line each. Settings are those of `repro/config/ansatz.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from repro.physics.povm import CUBIC
from repro.utils.errors import unknown

TETRAHEDRON = "tetrahedral"
ONE: dict[str, Any] = {"positions": "learned", "heads": 4}
"""One string, 1x32, as the methods beyond the paper use it."""


@dataclass(frozen=True)
class Variant:
    """An ansatz.

    Attributes:
        name: of the table.
        settings: of the ansatz, beside `ONE`.
        povm: whose samples it is fitted to.
        images: whether every sample is replaced by a random image of it under the lattice's symmetries as it is drawn.
        product: the product of marginals, no network.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    povm: str = TETRAHEDRON
    images: bool = False
    product: bool = False

    @property
    def ansatz(self) -> dict[str, Any]:
        """All its settings."""
        return {} if self.product else {**ONE, **self.settings}

    @property
    def text(self) -> str:
        """Its settings in the table."""
        words = [f"{name} {value}" for name, value in self.settings.items()]
        return ", ".join([*words, *(["images of the samples"] if self.images else [])])


VARIANTS = (
    Variant("product of marginals", product=True),
    Variant("one string"),
    Variant("images", images=True),
    Variant("2t", {"strings": "2t"}),
    Variant("two layers", {"layers": 2}),
    Variant("wide", {"width": 64, "feedforward": 64}),
    Variant("wide, images", {"width": 64, "feedforward": 64}, images=True),
    Variant("4t", {"strings": "4t"}),
    Variant("cubic: product of marginals", povm=CUBIC, product=True),
    Variant("cubic: one string", povm=CUBIC),
    Variant("cubic: rotation about z", {"spin_symmetry": "z"}, povm=CUBIC),
)
"""In the order in which they are fitted: a product and one string of a POVM first."""
POVMS = tuple(dict.fromkeys(variant.povm for variant in VARIANTS))
"""Those that samples are made of."""


def named(names: Sequence[str]) -> tuple[Variant, ...]:
    """Variants by name, in the table's order.

    Raises:
        InputError: a name that none has.
    """
    known = [variant.name for variant in VARIANTS]
    for name in names:
        if name not in known:
            raise unknown("variant", name, known)
    return tuple(variant for variant in VARIANTS if variant.name in names)


def one_string(povm: str) -> Variant:
    """What others of a POVM are compared with."""
    return next(variant for variant in VARIANTS if variant.povm == povm and not variant.product)
