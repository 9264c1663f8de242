// What the quantized binary operators share.
#pragma once

namespace qudnn::kernels {

// a and b are int8 as an island holds them; the arithmetic sees a + offset and b + offset (128 for uint8
// tensors, 0 for int8 ones), to which the zero points belong.
struct BinaryScales {
    float a_scale, b_scale, y_scale;
    int a_zero_point, b_zero_point, y_zero_point;
    int offset;
};

}  // namespace qudnn::kernels
