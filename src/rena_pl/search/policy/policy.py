"""The policy network of RENA: layer embedding, network embedding, and a head for each action.

Layer embedding: look-up tables per hyper-parameter value, summed, and those of what the layer
reads. Network embedding: see `rena_pl.search.policy.embedding`. Heads: the type of action; scale,
one softmax over the values of all layers; remove, a softmax over layers; insert, an LSTM that emits
site (and with it source 1), kind, source 2 and one hyper-parameter after the other, each choice
fed to the next step (RENA, policy network).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rena_pl.errors import RenaError, require_at_least
from rena_pl.hashing import short_hash
from rena_pl.resources.resources import LAYER_NUMBERS
from rena_pl.search.policy.embedding import RecurrentEmbedding, TransformerEmbedding
from rena_pl.search.policy.encoding import (
    ACTION_TYPES,
    INSERT,
    REMOVE,
    SCALE,
    SLOTS,
    USAGE_NUMBERS,
    Encoder,
    States,
)


@dataclass(frozen=True)
class PolicySize:
    """What the policy network is like.

    Attributes:
        embedding: Length of a layer's embedding.
        hidden: Units of each direction of the LSTM over the layers; half the width of a
            transformer.
        network: What embeds the network: `lstm` or `transformer`.
        depth: Blocks of a transformer.
        heads: Attention heads of a transformer; they divide its width.
    """

    embedding: int = 32
    hidden: int = 50
    network: Literal["lstm", "transformer"] = "lstm"
    depth: int = 2
    heads: int = 4

    def __post_init__(self) -> None:
        require_at_least(1, "policy", self, "embedding", "hidden", "depth", "heads")
        if self.network == "transformer" and 2 * self.hidden % self.heads:
            raise RenaError(
                f"policy: {self.heads} heads do not divide a width of {2 * self.hidden}"
            )


@dataclass(frozen=True)
class Choices:
    """A batch of decisions with their likelihood.

    Attributes:
        decisions: What was decided, `(B, 6 + steps)`: type, scale, removal, site, kind, source 2,
            values.
            Every head decides every time; the type says which of it counts.
        log_prob: Log-probability of the decisions that count, `(B,)`.
        entropy: Entropy of the distributions that they were drawn from, `(B,)`.
    """

    decisions: Tensor
    log_prob: Tensor
    entropy: Tensor


class Draw:
    """Samples one index per row, each row with its own generator, so that no row sees another."""

    def __init__(self, generators: list[torch.Generator]) -> None:
        self.generators = generators

    def __call__(self, log_probs: Tensor) -> Tensor:
        """Indices `(B,)` drawn from log-probabilities `(B, n)`.

        Raises:
            RenaError: They are none: the policy's weights grew beyond all bounds.
        """
        probabilities = log_probs.exp().cpu()
        if not probabilities.isfinite().all():
            raise RenaError("the policy has diverged; give a smaller model.gradient.learning_rate")
        drawn = [
            torch.multinomial(row, 1, generator=generator)
            for row, generator in zip(probabilities, self.generators, strict=True)
        ]
        return torch.cat(drawn).to(log_probs.device)


class Policy(nn.Module):
    """Reads network embeddings, emits actions.

    Args:
        encoder: Gives the vocabulary and what is open at each step of an insertion.
        size: How large the network is.
    """

    hyper_open: Tensor
    merges: Tensor
    baseline: Tensor
    """Moving mean of what episodes gain, which REINFORCE compares with."""
    begun: Tensor
    """The update in which episodes last began anew, since they had met nothing new."""
    words: Tensor
    """A hash of the kinds and values that its parts stand for, in order."""

    def __init__(self, encoder: Encoder, size: PolicySize) -> None:
        super().__init__()
        kinds, vocabulary = len(encoder.kinds), len(encoder.space.vocabulary)
        width = 2 * size.hidden
        self.register_buffer("hyper_open", encoder.hyper_open(), persistent=False)
        self.register_buffer("merges", encoder.merges(), persistent=False)
        self.register_buffer("baseline", torch.tensor(float("nan")))
        self.register_buffer("begun", torch.tensor(0))
        words = short_hash([encoder.kinds, encoder.space.vocabulary])
        self.register_buffer("words", torch.tensor(int(words, 16) >> 1))
        self.kind_embedding = nn.Embedding(kinds, size.embedding)
        self.value_embedding = nn.Linear(vocabulary, size.embedding, bias=False)
        self.number_embedding = nn.Linear(LAYER_NUMBERS, size.embedding)
        self.ends = nn.Parameter(torch.randn(2, size.embedding) * 0.1)
        self.source_embedding = nn.Linear(size.embedding, size.embedding, bias=False)
        self.network = (
            RecurrentEmbedding(size.embedding, size.hidden)
            if size.network == "lstm"
            else TransformerEmbedding(
                size.embedding, size.hidden, size.depth, size.heads, encoder.space.max_layers + 2
            )
        )
        self.usage = nn.Linear(USAGE_NUMBERS * len(encoder.resources.entries), width)
        self.type_head = nn.Linear(width, ACTION_TYPES)
        self.scale_head = nn.Linear(width, vocabulary)
        self.remove_head = nn.Linear(width, 1)
        self.site_head = nn.Linear(2 * width, 1)
        self.insert_input = nn.Linear(2 * width, width)
        self.insert = nn.LSTMCell(width, width)
        self.insert_kind = nn.Linear(width, kinds)
        self.insert_second = nn.Linear(width, width)
        self.insert_value = nn.Linear(width, vocabulary)
        self.chosen_kind = nn.Embedding(kinds, width)
        self.chosen_value = nn.Embedding(vocabulary, width)
        for head in (self.type_head, self.scale_head, self.remove_head, self.site_head):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def embed(self, states: States) -> tuple[Tensor, Tensor]:
        """The network's embedding `(B, width)`, the layers' and ends' `(B, L + 2, width)`."""
        layers = (
            self.kind_embedding(states.kinds)
            + self.value_embedding(states.values)
            + self.number_embedding(states.numbers)
        )
        batch, longest, size = layers.shape
        sequence = torch.zeros(batch, longest + 2, size, device=layers.device)
        sequence[:, 0] = self.ends[0]
        sequence[:, 1:-1] = layers
        sequence[torch.arange(batch), states.lengths + 1] = self.ends[1]
        read = states.reads.float() @ sequence
        network, per_layer = self.network(
            sequence + self.source_embedding(read), states.lengths + 2, states.reads
        )
        usage = torch.tanh(self.usage(states.usage))
        return network + usage, per_layer + usage.unsqueeze(1)

    def forward(
        self, states: States, decisions: Tensor | None = None, draw: Draw | None = None
    ) -> Choices:
        """Decide, or score decisions that were made before.

        All heads run for every state, and the ones that count are selected afterwards, so that
        under DDP no parameter is ever unused.

        Args:
            states: The architectures.
            decisions: What was decided; drawn with `draw` when left out.
            draw: Draws decisions.
        """
        network, per_layer = self.embed(states)
        made: list[Tensor] = []
        log_probs: list[Tensor] = []
        entropies: list[Tensor] = []

        def decide(logits: Tensor, is_open: Tensor) -> Tensor:
            distribution = masked_log_softmax(logits, is_open)
            if decisions is not None:
                chosen = decisions[:, len(made)]
            else:
                assert draw is not None
                chosen = draw(distribution.detach())
            made.append(chosen)
            real = is_open.any(1)
            log_probs.append(distribution.gather(1, chosen.unsqueeze(1)).squeeze(1) * real)
            entropies.append(-(distribution.exp() * distribution).sum(1) * real)
            return chosen

        rows = torch.arange(len(states), device=network.device)
        type_ = decide(self.type_head(network), states.types_open)
        decide(self.scale_head(per_layer[:, 1:-1]).flatten(1), states.scales_open.flatten(1))
        decide(self.remove_head(per_layer[:, 1:-1]).squeeze(2), states.removals_open)

        readers = per_layer[:, 1:].repeat_interleave(SLOTS, dim=1)
        sites = torch.cat([per_layer[rows[:, None], states.site_sources], readers], dim=2)
        site = decide(self.site_head(sites).squeeze(2), states.sites_open.any(2))
        hidden, cell = self.insert(
            self.insert_input(sites[rows, site]), (network, torch.zeros_like(network))
        )
        kind = decide(self.insert_kind(hidden), states.sites_open[rows, site])
        hidden, cell = self.insert(self.chosen_kind(kind), (hidden, cell))
        pointers = (per_layer[:, :-1] @ self.insert_second(hidden)[:, :, None]).squeeze(2)
        is_merge = self.merges[kind][:, None]
        second = decide(pointers, states.seconds_open[rows, site] & is_merge)
        chosen = per_layer[rows, second] * is_merge
        for is_open in self.hyper_open[kind].unbind(1):
            hidden, cell = self.insert(chosen, (hidden, cell))
            chosen = self.chosen_value(decide(self.insert_value(hidden), is_open))

        counts = _counted(type_, len(made))
        return Choices(
            torch.stack(made, dim=1),
            (torch.stack(log_probs, dim=1) * counts).sum(1),
            (torch.stack(entropies, dim=1) * counts).sum(1),
        )


def masked_log_softmax(logits: Tensor, is_open: Tensor) -> Tensor:
    """Log-softmax over the open entries; over all of them in a row where none is open."""
    closed = ~is_open & is_open.any(1, keepdim=True)
    return logits.float().masked_fill(closed, -1e9).log_softmax(1)


def _counted(type_: Tensor, decisions: int) -> Tensor:
    """Which decisions the chosen type of action uses, `(B, decisions)` as 0 and 1."""
    counts = torch.zeros(ACTION_TYPES, decisions, device=type_.device)
    counts[:, 0] = 1
    counts[SCALE, 1] = 1
    counts[REMOVE, 2] = 1
    counts[INSERT, 3:] = 1
    return counts[type_]
