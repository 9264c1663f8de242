"""Models as PyTorch 2 quantizes exported programs, with the quantizers for x86 and for XNNPACK.

pip install torchao torch executorch onnxscript
python tests/quantizers/make/pt2e.py FOLDER
"""

import sys
from pathlib import Path

import torch
import torchao.quantization.pt2e.quantizer.x86_inductor_quantizer as x86
from networks import NETWORKS, export, network, samples
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in NETWORKS:
        made = network(name)
        x = samples(made)
        sizes = ({0: torch.export.Dim("n", min=1, max=64)},)
        program = torch.export.export(made, (x,), dynamic_shapes=sizes, strict=True).module()
        quantizer = x86.X86InductorQuantizer().set_global(x86.get_default_x86_inductor_quantization_config())
        prepared = prepare_pt2e(program, quantizer)
        prepared(x)
        export(convert_pt2e(prepared), folder / f"pt2e-{name}-x86.onnx", x, dynamo=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
