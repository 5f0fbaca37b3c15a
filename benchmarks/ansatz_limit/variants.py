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


TWO, FOUR, DEEP = {"strings": "2t"}, {"strings": "4t"}, {"layers": 2}
WIDE, ROTATION = {"width": 64, "feedforward": 64}, {"spin_symmetry": "z"}
VARIANTS = (
    Variant("product of marginals", product=True),
    Variant("one string"),
    Variant("one string, images", images=True),
    Variant("2t", TWO),
    Variant("2t, images", TWO, images=True),
    Variant("4t", FOUR),
    Variant("4t, images", FOUR, images=True),
    Variant("two layers", DEEP),
    Variant("two layers, images", DEEP, images=True),
    Variant("wide", WIDE),
    Variant("wide, images", WIDE, images=True),
    Variant("cubic: product of marginals", povm=CUBIC, product=True),
    Variant("cubic: one string", povm=CUBIC),
    Variant("cubic: one string, images", povm=CUBIC, images=True),
    Variant("cubic: rotation about z", ROTATION, povm=CUBIC),
    Variant("cubic: rotation about z, images", ROTATION, povm=CUBIC, images=True),
)
"""In the order in which they are fitted: what others are compared with comes first."""
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


def compared_with(variant: Variant) -> Variant | None:
    """One string fitted in the same way; with images, without them; without, nothing. A product: nothing."""
    if variant.product:
        return None
    plain, images = (
        next(one for one in VARIANTS if one.povm == variant.povm and one.images == images and not one.product)
        for images in (False, True)
    )
    other = images if variant.images and variant is not images else plain
    return None if other is variant else other
