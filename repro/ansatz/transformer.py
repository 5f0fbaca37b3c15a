"""The causal Transformer: outcomes seen so far -> logits of the next outcome. Nothing about physics.

Decoder-style, as in the paper's Ref. 66: token embedding (four outcomes and a start token) plus sinusoidal position
encoding, then layers of attention and feed-forward with residual sums, then a linear readout.

Tensor suffixes: B batch, N sites (positions), T tokens so far, K outcomes (4), D width, H heads, E width of one head.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from repro.utils.errors import InputError, unknown
from repro.utils.validation import check_int, normalise_fields

OUTCOMES = 4
START = OUTCOMES
NORMS = ("none", "post", "pre")
POSITIONS = ("sinusoidal", "learned")


@dataclass(frozen=True)
class TransformerConfig:
    """Size and kind of the network.

    Attributes:
        n_sites: length N of the sequence.
        layers: n_l, stacked layers.
        width: n_d, hidden dimension (even).
        heads: attention heads, a divisor of the width.
        feedforward: inner width of the feed-forward sublayer.
        norm: "none" (the authors' public code), "post" or "pre" layer normalisation.
        positions: "sinusoidal" (the paper's Ref. 66) or "learned", which starts from independent normal vectors: on few
            sites the sinusoidal ones are nearly parallel, and attention learns slowly who neighbours whom.
    """

    n_sites: int
    layers: int = 1
    width: int = 32
    heads: int = 1
    feedforward: int = 16
    norm: str = "none"
    positions: str = "sinusoidal"

    def __post_init__(self) -> None:
        normalise_fields(self)
        for field in ("n_sites", "layers", "width", "heads", "feedforward"):
            check_int(f"transformer {field}", getattr(self, field), 1)
        if self.width % 2:
            raise InputError(f"transformer width = {self.width}: expected an even number (sine and cosine positions)")
        if self.width % self.heads:
            raise InputError(f"transformer heads = {self.heads}: expected a divisor of the width {self.width}")
        if self.norm not in NORMS:
            raise unknown("norm", self.norm, NORMS)
        if self.positions not in POSITIONS:
            raise unknown("positions", self.positions, POSITIONS)


def sinusoidal_positions(n_positions: int, width: int) -> torch.Tensor:
    """Sinusoidal position encoding, shape (positions, width)."""
    position = torch.arange(n_positions, dtype=torch.float64)[:, None]
    frequency = torch.exp(torch.arange(0, width, 2, dtype=torch.float64) * (-math.log(10000.0) / width))
    encoding = torch.zeros(n_positions, width, dtype=torch.float64)
    encoding[:, 0::2] = torch.sin(position * frequency)
    encoding[:, 1::2] = torch.cos(position * frequency)
    return encoding.to(torch.get_default_dtype())


class Layer(nn.Module):
    """One layer: attention and feed-forward sublayers, each with a residual sum.

    `project` and `finish` are the two halves around the attention itself, which depends on who attends to whom:
    a sequence (`Transformer.forward`), a cache (`Transformer.step`) or a tree of prefixes (`repro.ansatz.full_tree`).
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        D = config.width
        self.heads, self.norm = config.heads, config.norm
        self.query, self.key, self.value, self.out = (nn.Linear(D, D) for _ in range(4))
        self.expand, self.contract = nn.Linear(D, config.feedforward), nn.Linear(config.feedforward, D)
        normed = config.norm != "none"
        self.attention_norm = nn.LayerNorm(D) if normed else nn.Identity()
        self.feedforward_norm = nn.LayerNorm(D) if normed else nn.Identity()

    def project(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries, keys and values of tokens; (..., D) each."""
        if self.norm == "pre":
            x = self.attention_norm(x)
        return self.query(x), self.key(x), self.value(x)

    def finish(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """The layer's output from its input and the attention's weighted values; (..., D) each."""
        return self.feed_forward(x + self.out(context))

    def feed_forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's output from the residual sum after attention; (..., D)."""
        if self.norm == "post":
            x = self.attention_norm(x)
        inner = self.feedforward_norm(x) if self.norm == "pre" else x
        x = x + self.contract(F.gelu(self.expand(inner)))
        return self.feedforward_norm(x) if self.norm == "post" else x

    def split_heads(self, x: torch.Tensor) -> torch.Tensor:
        """(..., T, D) -> (..., H, T, E)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(-3, -2)

    def merge_heads(self, x: torch.Tensor) -> torch.Tensor:
        """(..., H, T, E) -> (..., T, D)."""
        return x.transpose(-3, -2).flatten(-2)

    def attend(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """softmax(q k^T / sqrt(E)) v per head; (..., T, D) in and out, boolean mask True where attended."""
        context = F.scaled_dot_product_attention(
            self.split_heads(q), self.split_heads(k), self.split_heads(v), attn_mask=mask
        )
        return self.merge_heads(context)


class Transformer(nn.Module):
    """Conditional logits of an autoregressive distribution over N outcomes.

    Args:
        config: size and kind.
        product_state_bias: (4,) log-probabilities of one spin's outcomes; with the readout's weight at zero the
            network starts as that product state (S VI). (N, 4): another one at every position of the sequence, trained
            as a bias of its own. None: all outcomes equally likely.

    Attributes:
        position_bias_NK: what is added to the logits at every position, None for nothing.
    """

    def __init__(self, config: TransformerConfig, product_state_bias: torch.Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(OUTCOMES + 1, config.width)
        self.positions_ND: torch.Tensor
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.final_norm = nn.LayerNorm(config.width) if config.norm == "pre" else nn.Identity()
        self.readout = nn.Linear(config.width, OUTCOMES)
        nn.init.zeros_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)
        self.position_bias_NK: nn.Parameter | None = None
        if product_state_bias is not None:
            self._start_from(torch.as_tensor(product_state_bias))
        if config.positions == "learned":
            self.positions_ND = nn.Parameter(torch.randn(config.n_sites, config.width))
        else:
            self.register_buffer("positions_ND", sinusoidal_positions(config.n_sites, config.width), persistent=False)

    def _start_from(self, bias: torch.Tensor) -> None:
        if bias.shape not in ((OUTCOMES,), (self.config.n_sites, OUTCOMES)) or not bias.isfinite().all():
            raise InputError(f"product_state_bias of shape {tuple(bias.shape)}: expected four finite numbers")
        if bias.ndim == 2:
            self.position_bias_NK = nn.Parameter(bias.to(self.readout.bias.dtype))
            return
        with torch.no_grad():
            self.readout.bias.copy_(bias)

    def stack(self) -> list[Layer]:
        """The layers, first to last."""
        return list(self.layers)  # type: ignore[arg-type]

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Readout of the last layer's output, (..., D) -> (..., K), without the bias of positions."""
        return self.readout(self.final_norm(x))

    def logits_at(self, x: torch.Tensor, position: int | slice) -> torch.Tensor:
        """Logits from the last layer's output at one position, (..., D) -> (..., K), or at several, (..., n, D)."""
        logits = self.logits(x)
        return logits if self.position_bias_NK is None else logits + self.position_bias_NK[position]

    def levels_of(self, logits_KV: torch.Tensor, sizes: Sequence[int]) -> list[torch.Tensor]:
        """Logits of a tree's nodes, level after level and without the bias of positions -> (K, X) of every level."""
        levels = list(logits_KV.split(list(sizes), dim=1))
        if self.position_bias_NK is None:
            return levels
        return [level + bias_K[:, None] for level, bias_K in zip(levels, self.position_bias_NK, strict=True)]

    def forward(self, outcomes_BN: torch.Tensor) -> torch.Tensor:
        """Logits of every outcome given the ones before it.

        Args:
            outcomes_BN: integers 0 to 3 in visiting order.

        Returns:
            logits_BNK: entry [:, n] is for outcome n given outcomes 0 to n - 1.
        """
        B, N = outcomes_BN.shape
        start_B1 = torch.full((B, 1), START, dtype=torch.long, device=outcomes_BN.device)
        tokens_BN = torch.cat([start_B1, outcomes_BN[:, :-1]], dim=1)
        x_BND = self.embedding(tokens_BN) + self.positions_ND[:N]
        causal_NN = torch.ones(N, N, dtype=torch.bool, device=outcomes_BN.device).tril()
        for layer in self.stack():
            q_BND, k_BND, v_BND = layer.project(x_BND)
            x_BND = layer.finish(x_BND, layer.attend(q_BND, k_BND, v_BND, causal_NN))
        return self.logits_at(x_BND, slice(N))

    def step(
        self, token_B: torch.Tensor, position: int, cache: list[tuple[torch.Tensor, torch.Tensor]]
    ) -> torch.Tensor:
        """One position with a key-value cache: logits_BK of the next outcome.

        Args:
            token_B: the token at `position` (the start token at 0).
            position: 0 to N - 1.
            cache: one (keys_BTD, values_BTD) per layer, extended in place; an empty list at position 0.
        """
        x_B1D = (self.embedding(token_B) + self.positions_ND[position])[:, None]
        for depth, layer in enumerate(self.stack()):
            q_B1D, k_BTD, v_BTD = layer.project(x_B1D)
            if depth < len(cache):
                k_BTD = torch.cat([cache[depth][0], k_BTD], dim=1)
                v_BTD = torch.cat([cache[depth][1], v_BTD], dim=1)
                cache[depth] = (k_BTD, v_BTD)
            else:
                cache.append((k_BTD, v_BTD))
            x_B1D = layer.finish(x_B1D, layer.attend(q_B1D, k_BTD, v_BTD))
        return self.logits_at(x_B1D[:, 0], position)
