"""The torch modules of the residual layer types."""

from __future__ import annotations

from torch import Tensor, nn

from rena_pl.layers.modules import activation, merge_height, normed_convolution


class TemporalResidualBlock(nn.Module):
    """`(batch, channels, height, time)` to `(batch, out_channels, 1, time / stride)`.

    Args:
        features: Channels times height of the input.
        out_channels: Of both convolutions.
        first_kernel: Taps of the first convolution.
        second_kernel: Taps of the second.
        stride: Of the first convolution and the shortcut.
        activation_name: After the first convolution and after the sum.
    """

    def __init__(
        self,
        features: int,
        out_channels: int,
        first_kernel: int,
        second_kernel: int,
        stride: int,
        activation_name: str,
    ) -> None:
        super().__init__()
        self.merge = nn.Sequential(*merge_height(features))
        self.branch = nn.Sequential(
            *normed_convolution(
                features, out_channels, (1, first_kernel), (1, stride), activation=activation_name
            ),
            *normed_convolution(out_channels, out_channels, (1, second_kernel)),
        )
        passes = features == out_channels and stride == 1
        self.shortcut = (
            nn.Identity()
            if passes
            else nn.Sequential(
                *normed_convolution(
                    features, out_channels, (1, 1), (1, stride), activation=activation_name
                )
            )
        )
        self.activation = activation(activation_name)

    def forward(self, maps: Tensor) -> Tensor:
        """The sum of branch and shortcut, activated."""
        maps = self.merge(maps)
        out: Tensor = self.activation(self.branch(maps) + self.shortcut(maps))
        return out
