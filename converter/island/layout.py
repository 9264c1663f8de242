"""The layout of a tensor inside an island, relative to that outside."""

from dataclasses import dataclass, replace

ALIGNMENT = 16  # channels: what the int8 tensor cores take in one piece
ALL = 2**63 - 1  # channels, where their number is unknown: as many as there are


def padded(channels: int) -> int:
    """channels, rounded up to what a tensor of an island has."""
    return -(-channels // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True)
class Layout:
    """Outside: `rank` dimensions, the channels along `channel_axis`. Inside: the channels last.

    Channel i lies at positions[i] of the last axis, each at another, of `width` elements, a multiple of 16;
    what no channel lies at holds anything. Tensors cross the border in the plain layout, all channels in
    front. Others come of joining tensors, shuffling channels and taking some of them, at no cost: whoever
    reads such a tensor with weights packs them accordingly.

    Where the number of channels is unknown, positions are empty and width is 0: the tensor lies inside as
    it does outside, its last axis last and without padding.
    """

    rank: int
    channel_axis: int
    positions: tuple[int, ...]
    width: int

    @property
    def is_unpadded(self) -> bool:
        """Whether the number of channels is unknown."""
        return not self.positions

    @property
    def channels(self) -> int:
        """Their number, ALL where it is unknown."""
        return len(self.positions) or ALL

    @property
    def is_plain(self) -> bool:
        return self == plain(self.rank, self.channel_axis, self.channels)

    @property
    def is_sparse(self) -> bool:
        """Whether channels without content take at least half of the tensor."""
        return not self.is_unpadded and self.width >= 2 * padded(self.channels)

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
        return [0] * (2 * self.rank - 1) + [self.width - len(self.positions)]

    def inside(self, axis: int) -> int:
        """Where an axis of the tensor outside is, inside."""
        return self.perm_in.index(axis)

    def seen_as(self, rank: int, channel_axis: int) -> "Layout":
        """The same channels of a tensor that has other dimensions outside."""
        return replace(self, rank=rank, channel_axis=channel_axis)

    def taking(self, channels: "list[int] | range") -> "Layout":
        """Of a tensor whose channel i is the channel channels[i] of this one."""
        return replace(self, positions=tuple(self.positions[channel] for channel in channels))

    def side_by_side(self, count: int, rank: int, channel_axis: int) -> "Layout":
        """Of a tensor with the channels of `count` such tensors, each as it lies here."""
        positions = tuple(i * self.width + place for i in range(count) for place in self.positions)
        return Layout(rank, channel_axis, positions, count * self.width)


def plain(rank: int, channel_axis: int, channels: int) -> Layout:
    """The layout in which tensors cross an island's border; channels may be ALL."""
    if channels == ALL:
        return unpadded(rank)
    return Layout(rank, channel_axis, tuple(range(channels)), padded(channels))


def unpadded(rank: int) -> Layout:
    """The layout of a tensor that lies as it does outside."""
    return Layout(rank, rank - 1, (), 0)
