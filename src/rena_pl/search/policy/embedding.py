"""Network embeddings: from a sequence of layer embeddings to one vector a layer and one in all.

A sequence is the network's input, its layers in order, and its output; `sources` says which of
them each layer reads, so that branches are seen.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class RecurrentEmbedding(nn.Module):
    """A bidirectional LSTM over the layers (RENA, network embedding).

    Args:
        size: Length of a layer's embedding.
        hidden: Units of each direction; the embeddings are twice as long.
    """

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.LSTM(size, hidden, batch_first=True, bidirectional=True)

    def forward(self, sequence: Tensor, lengths: Tensor, reads: Tensor) -> tuple[Tensor, Tensor]:
        """The networks' embeddings `(B, 2 x hidden)` and their parts' `(B, N, 2 x hidden)`.

        Args:
            sequence: `(B, N, size)`.
            lengths: How much of each is no padding, `(B,)`.
            reads: Which part reads which, `(B, N, N)` bool.
        """
        packed = pack_padded_sequence(
            sequence, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        outputs, (last, _) = self.layers(packed)
        parts, _ = pad_packed_sequence(outputs, batch_first=True, total_length=sequence.shape[1])
        return torch.cat([last[0], last[1]], dim=1), parts


class TransformerEmbedding(nn.Module):
    """Self-attention over the layers, biased along the network's edges.

    The authors of RENA name it as future work; the bias follows Graphormer (arXiv 2106.05234).

    Args:
        size: Length of a layer's embedding.
        hidden: Half the length of the embeddings, as for the LSTM.
        depth: Blocks of attention.
        heads: Of each.
        longest: Of all sequences.
    """

    def __init__(self, size: int, hidden: int, depth: int, heads: int, longest: int) -> None:
        super().__init__()
        width = 2 * hidden
        self.widen = nn.Linear(size, width)
        self.position = nn.Parameter(torch.randn(longest, width) * 0.1)
        self.blocks = nn.ModuleList(GraphAttention(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, sequence: Tensor, lengths: Tensor, reads: Tensor) -> tuple[Tensor, Tensor]:
        """As for `RecurrentEmbedding`; the network's is the mean of its parts'."""
        longest = sequence.shape[1]
        real = torch.arange(longest, device=sequence.device) < lengths[:, None]
        parts = self.widen(sequence) + self.position[:longest]
        for block in self.blocks:
            parts = block(parts, real, reads)
        parts = self.norm(parts) * real[:, :, None]
        return parts.sum(1) / lengths[:, None], parts


class GraphAttention(nn.Module):
    """One block: attention with a learnt bias where one part reads another, then a wide layer.

    Args:
        width: Of the embeddings.
        heads: Each with a bias for either direction.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first_norm = nn.LayerNorm(width)
        self.inward = nn.Linear(width, 3 * width)
        self.outward = nn.Linear(width, width)
        self.edge_bias = nn.Parameter(torch.zeros(2, heads))
        self.second_norm = nn.LayerNorm(width)
        self.wide = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, parts: Tensor, real: Tensor, reads: Tensor) -> Tensor:
        """Embeddings `(B, N, width)`, which of them are real `(B, N)`, and who reads whom."""
        edges = torch.stack([reads, reads.transpose(1, 2)], dim=3).float() @ self.edge_bias
        bias = edges.permute(0, 3, 1, 2).masked_fill(~real[:, None, None, :], -1e9)
        queries, keys, values = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in self.inward(self.first_norm(parts)).chunk(3, dim=2)
        )
        gathered = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=bias)
        parts = parts + self.outward(gathered.transpose(1, 2).flatten(2))
        out: Tensor = parts + self.wide(self.second_norm(parts))
        return out
