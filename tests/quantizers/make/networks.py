"""The two networks that each tool quantizes, in PyTorch: `cnn` and `encoder`, with random weights.

They are small and hold what real ones are made of. `cnn`: residual block, depthwise convolution,
squeeze-excite, SiLU, average pool. `encoder`: two layers of self-attention with Gelu.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn
from torch.nn import functional

CALIBRATION = 8  # samples


class Cnn(nn.Module):
    """float32 [N, 3, 32, 32] -> [N, 10]."""

    shape = (3, 32, 32)

    def __init__(self) -> None:
        super().__init__()
        self.stem = _conv(3, 32, 3, stride=2)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.first, self.second = _conv(32, 32, 3), _conv(32, 32, 3)
        self.depthwise = _conv(32, 32, 3, groups=32)
        self.squeeze, self.excite = nn.Conv2d(32, 8, 1), nn.Conv2d(8, 32, 1)
        self.last = nn.Conv2d(32, 64, 1)
        self.classes = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(functional.relu(self.stem(x)))
        x = functional.relu(self.second(functional.relu(self.first(x))) + x)
        x = functional.relu6(self.depthwise(x))
        means = functional.adaptive_avg_pool2d(x, 1)
        x = x * torch.sigmoid(self.excite(functional.relu(self.squeeze(means))))
        x = functional.silu(self.last(x))
        return self.classes(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1))


class Encoder(nn.Module):
    """float32 [N, 16, 32] -> [N, 16, 32]."""

    shape = (16, 32)

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(EncoderLayer(32, heads=2), EncoderLayer(32, heads=2))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class EncoderLayer(nn.Module):
    """Self-attention and two linear layers, each normalized after its residual."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.project = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.after_attention, self.after_linear = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (self._heads(of(x)) for of in (self.query, self.key, self.value))
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        mixed = (torch.softmax(scores, -1) @ value).transpose(1, 2).flatten(2)
        x = self.after_attention(x + self.project(mixed))
        return self.after_linear(x + self.down(functional.gelu(self.up(x))))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


NETWORKS: dict[str, Callable[[], Cnn | Encoder]] = {"cnn": Cnn, "encoder": Encoder}


def network(name: str) -> Cnn | Encoder:
    """The network, with the same weights each time; its running statistics are those of random inputs."""
    torch.manual_seed(0)
    made = NETWORKS[name]().train()
    with torch.no_grad():
        for _ in range(8):
            made(samples(made))
    return made.eval()


def samples(of: Cnn | Encoder) -> Tensor:
    return torch.randn(CALIBRATION, *of.shape)


def export(module: nn.Module, path: Path, x: Tensor, *, dynamo: bool = False) -> None:
    """Write `module` as ONNX, with a free batch size; by torch's present exporter, or by its former one."""
    names = {"input_names": ["x"], "output_names": ["y"]}
    if dynamo:
        sizes = ({0: torch.export.Dim("n", min=1, max=64)},)
        torch.onnx.export(
            module, (x,), path, opset_version=21, dynamic_shapes=sizes, external_data=False, **names
        )
    else:
        free = {"x": {0: "n"}, "y": {0: "n"}}
        torch.onnx.export(module, (x,), path, opset_version=17, dynamic_axes=free, dynamo=False, **names)


def sources(folder: Path) -> Iterator[tuple[str, Path, Tensor]]:
    """Each network as a float ONNX file of each exporter, with its name and samples; and make the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NETWORKS:
        made = network(name)
        x = samples(made)
        for exporter in ("ts", "dynamo"):
            with TemporaryDirectory() as temporary:
                source = Path(temporary) / "float.onnx"
                export(made, source, x, dynamo=exporter == "dynamo")
                yield f"{name}-{exporter}", source, x


def _conv(channels: int, results: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(channels, results, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(results))
