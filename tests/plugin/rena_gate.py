"""A layer type of a package of its own."""

from dataclasses import dataclass

from rena_pl.layers import IN, OUT, LayerType, choice, register


@register
@dataclass(frozen=True)
class Gate(LayerType):
    """Every value is multiplied by a weight between 0 and 2 that all channels at its place give."""

    kind = "gate"
    grows = frozenset({"units"})
    units: int = choice(8, 4, 16)

    def output_shape(self, inputs):
        """The shape of the input."""
        return inputs[0]

    def build(self, inputs):
        """Two 1x1 convolutions give the weights."""
        from torch import nn

        class GateModule(nn.Module):
            def __init__(self, channels, units):
                super().__init__()
                self.look = nn.Conv2d(channels, units, 1)
                self.weigh = nn.Conv2d(units, channels, 1)

            def forward(self, maps):
                return maps * 2 * self.weigh(self.look(maps).relu()).sigmoid()

        ((channels, _, _),) = inputs
        return GateModule(channels, self.units)

    # The rest is about weights that a network takes over from the one it was made of.

    def flows(self):
        """The parts of the module, and the channels that each reads and writes."""
        return {"look": (IN, "inside"), "weigh": ("inside", OUT)}

    def passes(self, inputs):
        """Channel `i` of the output is channel `i` of input 0, weighed."""
        return (0,)

    def pass_on(self, module, inputs):
        """Weights of 1: twice the sigmoid of 0."""
        from torch import nn

        nn.init.zeros_(module.weigh.weight)
        nn.init.zeros_(module.weigh.bias)
        return True

    def is_identity(self, inputs, nonnegative):
        """So it is, on any input."""
        return True

    def nonnegative(self, inputs):
        """No value changes its sign."""
        return all(inputs)
