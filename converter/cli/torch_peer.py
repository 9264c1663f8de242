"""A float model in PyTorch, in float16 through torch.compile, as `qudnn bench --torch` measures it."""

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qudnn.converter.cli.verb import UsageError


def check(name: str) -> None:
    """Raises UsageError where name is not of the form MODULE:NAME or FILE.py:NAME."""
    module, colon, attribute = name.rpartition(":")
    if not (colon and module and attribute.isidentifier()):
        raise UsageError(f"--torch {name}: write MODULE:NAME or FILE.py:NAME, as torchvision.models:resnet50")


def missing() -> str:
    """Why there is no PyTorch; empty where there is."""
    try:
        importlib.import_module("torch")
    except Exception as error:  # an installation that is broken raises many
        return f"skipped: PyTorch cannot be imported ({error})"
    return ""


class Compiled:
    """A model that is ready to run: what torch.compile makes of it, and its inputs, where it computes.

    name: MODULE:NAME or FILE.py:NAME of a module, or of what makes one without arguments. feed: its inputs in
    their order; floating point becomes float16, images channels-last, as it is fastest. cuda_graph: in
    torch's mode "reduce-overhead". It is compiled in the first run. Raises ImportError, AttributeError or
    TypeError where there is no such module, and what the module raises.
    """

    def __init__(self, name: str, feed: Mapping[str, npt.NDArray[Any]], gpu: bool, cuda_graph: bool) -> None:
        import torch

        self._torch, self._gpu = torch, gpu
        device = "cuda" if gpu else "cpu"
        module = _module(name).eval().half().to(device)
        self._inputs = []
        for value in feed.values():
            is_float = np.issubdtype(value.dtype, np.floating)
            tensor = torch.from_numpy(value.astype(np.float16) if is_float else value).to(device)
            is_image = is_float and value.ndim == 4
            self._inputs.append(tensor.to(memory_format=torch.channels_last) if is_image else tensor)
            if is_image:
                module = module.to(memory_format=torch.channels_last)
        self._run = torch.compile(module, mode="reduce-overhead" if cuda_graph else "default")

    def run(self) -> None:
        """One run, to its end."""
        with self._torch.no_grad():
            self._run(*self._inputs)
        if self._gpu:
            self._torch.cuda.synchronize()


def _module(name: str) -> Any:
    import torch

    place, _, attribute = name.rpartition(":")
    if place.endswith(".py"):
        spec = importlib.util.spec_from_file_location(Path(place).stem, place)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules.setdefault(spec.name, module)
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(place)
    found = getattr(module, attribute)
    made = found if isinstance(found, torch.nn.Module) else found()
    if not isinstance(made, torch.nn.Module):
        raise TypeError(f"{name} is no torch.nn.Module, nor makes one")
    return made
