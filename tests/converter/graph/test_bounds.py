"""Which of two sizes is the smaller one; what holds of any sizes is in test_sizes.py."""

from qudnn.converter.graph.bounds import is_never_negative, least
from qudnn.converter.graph.sizes import divided, plus, times, unknown


def test_windows_that_are_filled_up() -> None:
    """What PyTorch pads an image by, (7 - h % 7) % 7, and that it is not less than the image then."""
    h = unknown("h")
    for height in (h, divided(h, 4), plus(h, times(-1, divided(h, 2)))):
        lacks = plus(7, times(-1, plus(height, times(-7, divided(height, 7)))))
        lacks = plus(lacks, times(-7, divided(lacks, 7)))
        assert is_never_negative(lacks) and not is_never_negative(times(-1, lacks))
        assert least(plus(height, lacks), height) == height
    odd = plus(h, times(-2, divided(h, 2)))
    assert is_never_negative(odd) and not is_never_negative(plus(odd, -1))
