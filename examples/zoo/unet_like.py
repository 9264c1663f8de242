"""Like U-Net: a way down, a way up by transposed convolutions, and connections between them."""

from onnx import ModelProto

from zoo.graph import Graph


def unet_like(seed: int = 0, *, size: int = 256, width: float = 1.0, classes: int = 4) -> ModelProto:
    """`x [N,3,size,size] -> y [N,classes,size,size]`."""
    graph = Graph("unet_like", (3, size, size), seed)
    widths = [max(8, round(channels * width)) for channels in (32, 64, 128, 256)]
    y, skipped = graph.x, []
    for channels in widths[:-1]:
        y = graph.conv(graph.conv(y, channels, 3), channels, 3)
        skipped.append(y)
        y = graph.op("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = graph.conv(graph.conv(y, widths[-1], 3), widths[-1], 3)
    for skip in reversed(skipped):
        channels = graph.channels(skip)
        y = graph.concat(skip, graph.upconv(y, channels))
        y = graph.conv(graph.conv(y, channels, 3), channels, 3)
    return graph.finish(graph.conv(y, classes, 1, relu=False), [classes, size, size])
