"""The models that transformer.py measures: exported by PyTorch, quantized by onnxruntime."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx

Array = npt.NDArray[Any]

FORMS = ("QDQ", "QOperator", "dynamic")
# The operators to quantize; None: all that the quantizer can.
RECIPES: dict[str, list[str] | None] = {"matmul": ["MatMul", "Gemm"], "all": None}
VOCABULARY = 100  # the words that inputs are made of: the small models have no more
CALIBRATED_TOKENS = 64
SMALL = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "num_labels": 10,
}
LABELS = 1000  # enough results to tell differences by


class Architecture(NamedTuple):
    """A float model, and the recipes by which it is quantized.

    Attention masks hold the least float, -3.4e38: quantized along with the scores, it leaves one value for
    all of these. So where everything is quantized, BERT has no mask.
    """

    export: Callable[[bool, bool, Path], None]  # small, in float16, to a file
    recipes: tuple[str, ...]


def make_models(folder: Path, architectures: list[str], recipes: list[str], small: bool) -> None:
    """Write each architecture in float32, in float16 and quantized. What is in `folder` already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in architectures:
        architecture = ARCHITECTURES[name]
        source = folder / f"{name}.fp32.onnx"
        _make(source, partial(architecture.export, small, False))
        _make(
            folder / f"{name}.fp16.onnx", partial(_halve, source, partial(architecture.export, small, True))
        )
        for recipe in (recipe for recipe in recipes if recipe in architecture.recipes):
            for form in FORMS:
                _make(
                    folder / f"{name}.{recipe}.{form}.onnx",
                    partial(_quantize, source, recipe, form),
                )


def inputs(model: onnx.ModelProto, batch: int, tokens: int, *, seed: int = 0) -> dict[str, Array]:
    """Random words in sequences of `tokens`, the first full and the others padded; or random images."""
    rng = np.random.default_rng(seed)
    feed: dict[str, Array] = {}
    for value in model.graph.input:
        if value.name == "input_ids":
            feed[value.name] = rng.integers(0, VOCABULARY, (batch, tokens))
        elif value.name == "attention_mask":
            lengths = rng.integers(tokens // 2, tokens + 1, batch)
            lengths[0] = tokens
            feed[value.name] = (np.arange(tokens) < lengths[:, None]).astype(np.int64)
        else:
            sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim[1:]]
            feed[value.name] = rng.standard_normal((batch, *sizes), dtype=np.float32)
    return feed


def reads_words(model: onnx.ModelProto) -> bool:
    return any(value.name == "input_ids" for value in model.graph.input)


def _make(path: Path, make: Callable[[Path], None]) -> None:
    """A file is there only when it is complete; one that cannot be made does not keep others from it."""
    if path.is_file():
        return
    unfinished = path.with_suffix(".unfinished")
    try:
        make(unfinished)
    except Exception as error:
        print(f"{path.name} cannot be made: {error}", file=sys.stderr)
        return
    unfinished.rename(path)
    print(f"made {path.name}, {path.stat().st_size >> 20} MB", flush=True)


def _quantize(source: Path, recipe: str, form: Any, path: Path) -> None:
    from zoo.quantize import quantize, quantize_dynamically

    model = onnx.load(source)
    if form == "dynamic":
        quantized = quantize_dynamically(model, op_types=RECIPES[recipe])
    else:
        samples = inputs(model, 4, CALIBRATED_TOKENS, seed=1)
        quantized = quantize(model, samples, form=form, op_types=RECIPES[recipe])
    onnx.save(quantized, path)


def _halve(source: Path, export: Callable[[Path], None], path: Path) -> None:
    """The graph of `source` in float16; exported anew where onnxruntime's tool for it is not installed."""
    try:
        from onnxruntime.transformers.float16 import convert_float_to_float16
    except ImportError:
        export(path)
    else:
        onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=False), path)


def _export_bert(masked: bool, small: bool, half: bool, path: Path) -> None:
    import torch
    import transformers

    sizes = {**SMALL, "vocab_size": VOCABULARY} if small else {"num_labels": LABELS}
    config = transformers.BertConfig(attn_implementation="eager", **sizes)
    model = _seeded(transformers.BertForSequenceClassification, config, half)

    class Classifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any = None) -> Any:
            if attention_mask is None:  # without these zeros, which are added, a mask would be made
                attention_mask = torch.zeros(1, 1, 1, 1, dtype=model.dtype)
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    ids = torch.randint(0, VOCABULARY, (2, 16))
    sequence = {0: _dimension("batch", 1, 1024), 1: _dimension("sequence", 2, 500)}
    arguments = {"input_ids": ids}
    if masked:
        arguments["attention_mask"] = torch.ones_like(ids)
    _export(Classifier(), arguments, sequence, path)


def _export_vit(small: bool, half: bool, path: Path) -> None:
    import torch
    import transformers

    sizes = {**SMALL, "image_size": 32, "patch_size": 8} if small else {"num_labels": LABELS}
    config = transformers.ViTConfig(attn_implementation="eager", **sizes)
    model = _seeded(transformers.ViTForImageClassification, config, half)

    class Classifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixel_values: Any) -> Any:
            return self.model(pixel_values=pixel_values).logits

    images = torch.randn(2, 3, config.image_size, config.image_size, dtype=model.dtype)
    _export(Classifier(), {"pixel_values": images}, {0: _dimension("batch", 1, 1024)}, path)


def _seeded(kind: Any, config: Any, half: bool) -> Any:
    """A model with random weights, in float16 if `half`."""
    import torch

    torch.manual_seed(0)
    model = kind(config)
    with torch.no_grad():  # equal weights would be shared, as those of a trained model are not
        for layer in model.modules():
            if isinstance(layer, torch.nn.LayerNorm):
                layer.weight.uniform_(0.8, 1.2)
            if getattr(layer, "bias", None) is not None:
                layer.bias.normal_(0.0, 0.1)
    return model.half() if half else model


def _dimension(name: str, least: int, most: int) -> Any:
    import torch

    return torch.export.Dim(name, min=least, max=most)


def _export(module: Any, arguments: dict[str, Any], dynamic: dict[int, Any], path: Path) -> None:
    """dynamic: the dimensions that all inputs have dynamic."""
    import torch

    with torch.no_grad():
        torch.onnx.export(
            module.eval(),
            tuple(arguments.values()),
            path,
            input_names=list(arguments),
            output_names=["logits"],
            opset_version=20,
            external_data=False,
            dynamo=True,
            dynamic_shapes=tuple(dynamic for _ in arguments),
        )


ARCHITECTURES = {
    "bert-base": Architecture(partial(_export_bert, True), ("matmul",)),
    "bert-base-unmasked": Architecture(partial(_export_bert, False), ("all",)),
    "vit-b16": Architecture(_export_vit, ("matmul", "all")),
}
