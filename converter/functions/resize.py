"""QResize, QFloatResize and QDepthToSpace, which give an island's tensor more or fewer pixels.

QResizeTo and QFloatResizeTo give it as many as the run says.
"""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QResize(
    x,
    scales: Sequence[float],
    mode: str,
    coordinate_transformation_mode: str,
    nearest_mode: str,
    dtype: int,
):
    """int8 `[N,H,W,Cp]` -> int8 `[N,floor(H*scales[1]),floor(W*scales[2]),Cp]`, with the bits of Resize.

    scales has four values, those of N and C are 1. mode is nearest or linear. A linear value is computed
    from the values as tensors of dtype (2 uint8, 3 int8) hold them; a uint8 tensor counts as its int8
    form + 128. With weights of 10 bits that is onnxruntime's kernel for channels-last images (1.30,
    upsample.h, NhwcUpsampleBilinearInteger).
    """
    is_uint8 = op.Equal(op.Constant(value_int=dtype), op.Constant(value_int=2))
    offset = op.Cast(op.Where(is_uint8, op.Constant(value_int=128), op.Constant(value_int=0)), to=6)
    outside = op.Cast(op.Add(op.Cast(x, to=6), offset), to=dtype)
    y = op.Resize(
        outside,
        None,
        op.Constant(value_floats=scales),
        mode=mode,
        coordinate_transformation_mode=coordinate_transformation_mode,
        nearest_mode=nearest_mode,
    )
    return op.Cast(op.Sub(op.Cast(y, to=6), offset), to=3)


@script(qudnn, default_opset=op)
def QFloatResize(
    x,
    scales: Sequence[float],
    coordinate_transformation_mode: str,
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
):
    """int8 `[N,H,W,Cp]` -> int8 `[N,floor(H*scales[1]),floor(W*scales[2]),Cp]`, linear, in float32.

        real = float(x - x_zp) * x_scale
        sum  = ((w1*h1 * upper left + w2*h1 * upper right) + w1*h2 * lower left) + w2*h2 * lower right
        y    = rint(clamp(sum / y_scale, -128 - y_zp, 127 - y_zp)) + y_zp

    of the four real pixels around, with one rounding after each operation: the bits of DequantizeLinear,
    Resize, QuantizeLinear. An image that keeps its size is only quantized anew. scales has four values, those
    of N and C are 1; that of H is 1 only if that of W is.

    onnxruntime 1.27 and newer compute so between the two. Older ones, where scales and zero points are equal,
    interpolate in 8 bits and cut off, of the body as of the model that it is made of; so it works on uint8.
    """
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_zp = op.Cast(op.Add(op.Constant(value_int=x_zero_point), op.Constant(value_int=128)), to=2)
    y_zp = op.Cast(op.Add(op.Constant(value_int=y_zero_point), op.Constant(value_int=128)), to=2)
    x_u8 = op.Cast(op.Add(op.Cast(x, to=6), shift), to=2)
    resized = op.Resize(
        op.DequantizeLinear(x_u8, op.Constant(value_float=x_scale), x_zp),
        None,
        op.Constant(value_floats=scales),
        mode="linear",
        coordinate_transformation_mode=coordinate_transformation_mode,
    )
    y = op.QuantizeLinear(resized, op.Constant(value_float=y_scale), y_zp)
    return op.Cast(op.Sub(op.Cast(y, to=6), shift), to=3)


@script(qudnn, default_opset=op)
def QResizeTo(
    x,
    sizes,
    mode: str,
    coordinate_transformation_mode: str,
    nearest_mode: str,
    dtype: int,
):
    """int8 `[N,H,W,Cp]`, int64 `[2]` -> int8 `[N,sizes[0],sizes[1],Cp]`, as QResize.

    By the scales sizes / (H, W), each a quotient in float32 (onnxruntime 1.31, upsamplebase.h,
    UpsampleBase::ParseScalesDataFromOutputSize).
    """
    is_uint8 = op.Equal(op.Constant(value_int=dtype), op.Constant(value_int=2))
    offset = op.Cast(op.Where(is_uint8, op.Constant(value_int=128), op.Constant(value_int=0)), to=6)
    outside = op.Cast(op.Add(op.Cast(x, to=6), offset), to=dtype)
    batch = op.Slice(op.Shape(x), op.Constant(value_ints=[0]), op.Constant(value_ints=[1]))
    channels = op.Slice(op.Shape(x), op.Constant(value_ints=[3]), op.Constant(value_ints=[4]))
    y = op.Resize(
        outside,
        None,
        None,
        op.Concat(batch, sizes, channels, axis=0),
        mode=mode,
        coordinate_transformation_mode=coordinate_transformation_mode,
        nearest_mode=nearest_mode,
    )
    return op.Cast(op.Sub(op.Cast(y, to=6), offset), to=3)


@script(qudnn, default_opset=op)
def QFloatResizeTo(
    x,
    sizes,
    coordinate_transformation_mode: str,
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
):
    """int8 `[N,H,W,Cp]`, int64 `[2]` -> int8 `[N,sizes[0],sizes[1],Cp]`, as QFloatResize.

    By the scales that QResizeTo has. Where sizes[0] is H and sizes[1] is not W, onnxruntime's result depends
    on the layout that it chooses for the image: the kernel computes the formula, this body may differ from it
    by one quantum.
    """
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_zp = op.Cast(op.Add(op.Constant(value_int=x_zero_point), op.Constant(value_int=128)), to=2)
    y_zp = op.Cast(op.Add(op.Constant(value_int=y_zero_point), op.Constant(value_int=128)), to=2)
    x_u8 = op.Cast(op.Add(op.Cast(x, to=6), shift), to=2)
    batch = op.Slice(op.Shape(x), op.Constant(value_ints=[0]), op.Constant(value_ints=[1]))
    channels = op.Slice(op.Shape(x), op.Constant(value_ints=[3]), op.Constant(value_ints=[4]))
    resized = op.Resize(
        op.DequantizeLinear(x_u8, op.Constant(value_float=x_scale), x_zp),
        None,
        None,
        op.Concat(batch, sizes, channels, axis=0),
        mode="linear",
        coordinate_transformation_mode=coordinate_transformation_mode,
    )
    y = op.QuantizeLinear(resized, op.Constant(value_float=y_scale), y_zp)
    return op.Cast(op.Sub(op.Cast(y, to=6), shift), to=3)


@script(qudnn, default_opset=op)
def QDepthToSpace(x, blocksize: int, crop: Sequence[int]):
    """int8 `[N,H,W,b*b*Cp]` -> int8 `[N,H*b-top-bottom,W*b-left-right,Cp]`, b = blocksize.

        y[n, h*b + i - top, w*b + j - left, c] = x[n, h, w, (i*b + j)*Cp + c]

    crop is top, left, bottom, right, as many rows and columns of the full result as are dropped there.
    """
    b = op.Reshape(op.Constant(value_int=blocksize), op.Constant(value_ints=[1]))
    n = op.Slice(op.Shape(x), op.Constant(value_ints=[0]), op.Constant(value_ints=[1]))
    h = op.Slice(op.Shape(x), op.Constant(value_ints=[1]), op.Constant(value_ints=[2]))
    w = op.Slice(op.Shape(x), op.Constant(value_ints=[2]), op.Constant(value_ints=[3]))
    rest = op.Constant(value_ints=[-1])
    blocks = op.Reshape(x, op.Concat(n, h, w, b, b, rest, axis=0))
    rows = op.Transpose(blocks, perm=[0, 1, 3, 2, 4, 5])
    full = op.Reshape(rows, op.Concat(n, op.Mul(h, b), op.Mul(w, b), rest, axis=0))
    first = op.Slice(op.Constant(value_ints=crop), op.Constant(value_ints=[0]), op.Constant(value_ints=[2]))
    last = op.Slice(op.Constant(value_ints=crop), op.Constant(value_ints=[2]), op.Constant(value_ints=[4]))
    extent = op.Concat(op.Mul(h, b), op.Mul(w, b), axis=0)
    return op.Slice(full, first, op.Sub(extent, last), op.Constant(value_ints=[1, 2]))
