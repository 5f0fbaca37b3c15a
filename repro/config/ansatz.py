"""The network and the mixture of visiting orders that make up p_theta."""

from __future__ import annotations

from dataclasses import dataclass

from repro.ansatz.transformer import NORMS, POSITIONS, TransformerConfig
from repro.config.settings import Settings, setting
from repro.config.spin_symmetry import NO_SYMMETRY, SPIN_SYMMETRIES


@dataclass(frozen=True)
class Ansatz(Settings):
    """A Transformer and its strings."""

    layers: int = setting(1, "Transformer layers n_l", above=0)
    width: int = setting(32, "hidden dimension n_d", above=0)
    heads: int = setting(1, "attention heads", above=0)
    feedforward: int = setting(16, "inner width of the feed-forward sublayer", above=0)
    norm: str = setting("none", "layer normalisation: none, post or pre", choices=NORMS)
    positions: str = setting(
        "sinusoidal", "encoding of a site's place in the sequence: sinusoidal or learned", choices=POSITIONS
    )
    strings: str = setting(
        "0s",
        "string mixture: 0s, 1s, 2s, 4s, 8s; beyond the paper: 2t, 4t (translations far apart), translations (all), "
        "symmetries (reflections too)",
    )
    spin_symmetry: str = setting(
        NO_SYMMETRY,
        "make p symmetric under the rotation of every spin by pi about z (or x, y): none, x, y, z; needs a POVM whose "
        "outcomes it permutes (tetrahedral-cubic) and a model that has the symmetry",
        choices=SPIN_SYMMETRIES,
    )

    @property
    def size(self) -> str:
        """Layers and width as the paper writes them, "1x32"."""
        return f"{self.layers}x{self.width}"

    @property
    def is_shallow(self) -> bool:
        """Whether one layer without normalisation needs no values per node (`repro.ansatz.first_layer`)."""
        return self.layers == 1 and self.norm == "none"

    def transformer(self, n_sites: int) -> TransformerConfig:
        """Size and kind of the network on N sites.

        Raises:
            InputError: an odd width, or heads that do not divide it.
        """
        return TransformerConfig(
            n_sites, self.layers, self.width, self.heads, self.feedforward, self.norm, self.positions
        )
