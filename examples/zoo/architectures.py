"""The zoo's models by name: at the size at which they are used, and small, for tests."""

from collections.abc import Callable
from functools import partial

from onnx import ModelProto

from zoo.bert_like import bert_like
from zoo.densenet_like import densenet_like
from zoo.efficientnet_like import efficientnet_like
from zoo.inception_like import inception_like
from zoo.mobilenet_v2 import mobilenet_v2
from zoo.mobilenet_v3 import mobilenet_v3
from zoo.resnet import resnet50
from zoo.shufflenet_like import shufflenet_like
from zoo.unet_like import unet_like
from zoo.vit_like import vit_like
from zoo.yolo_like import yolo_like

Builder = Callable[[], ModelProto]

FULL_SIZE: dict[str, Builder] = {
    "resnet50": resnet50,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3": mobilenet_v3,
    "efficientnet_like": efficientnet_like,
    "inception_like": inception_like,
    "densenet_like": densenet_like,
    "shufflenet_like": shufflenet_like,
    "yolo_like": yolo_like,
    "unet_like": unet_like,
}

SMALL: dict[str, Builder] = {
    "resnet50": partial(resnet50, size=64, width=0.125, classes=10),
    "mobilenet_v2": partial(mobilenet_v2, size=64, width=0.25, classes=10),
    "mobilenet_v3": partial(mobilenet_v3, size=64, width=0.25, classes=10),
    "efficientnet_like": partial(efficientnet_like, size=64, width=0.25, classes=10),
    "inception_like": partial(inception_like, size=64, width=0.25, classes=10),
    "densenet_like": partial(densenet_like, size=64, width=0.25, classes=10),
    "shufflenet_like": partial(shufflenet_like, size=64, width=0.5, classes=10),
    "yolo_like": partial(yolo_like, size=64, width=0.25),
    "unet_like": partial(unet_like, size=32, width=0.25),
}

TRANSFORMERS: dict[str, Builder] = {"bert_like": bert_like, "vit_like": vit_like}

SMALL_TRANSFORMERS: dict[str, Builder] = {
    "bert_like": partial(
        bert_like, width=64, heads=4, hidden=128, layers=4, vocabulary=100, positions=64, classes=10
    ),
    "vit_like": partial(vit_like, size=32, patch=8, width=64, heads=4, hidden=128, layers=4, classes=10),
}
