"""How a tensor lies inside an island, seen from its place outside."""

from dataclasses import dataclass

ALIGNMENT = 16  # channels: what the int8 tensor cores take in one piece


def padded(channels: int) -> int:
    """channels, rounded up to what a tensor of an island has."""
    return -(-channels // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True)
class Layout:
    """Outside: `rank` dimensions, `channels` along `channel_axis`. Inside: the channels last, padded."""

    rank: int
    channel_axis: int
    channels: int

    @property
    def perm_in(self) -> list[int]:
        """The transposition into the island."""
        return [axis for axis in range(self.rank) if axis != self.channel_axis] + [self.channel_axis]

    @property
    def perm_out(self) -> list[int]:
        """The transposition out of the island."""
        return [self.perm_in.index(axis) for axis in range(self.rank)]

    @property
    def pads_in(self) -> list[int]:
        """What pads the channels of a tensor already transposed by perm_in, in ONNX Pad's form."""
        return [0] * (2 * self.rank - 1) + [padded(self.channels) - self.channels]
