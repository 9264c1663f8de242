// The table of engines: the one place where their order lives.
#include <array>

#include "engines/cudnn_conv.h"
#include "engines/cudnn_matmul.h"
#include "engines/native_conv.h"
#include "engines/native_matmul.h"
#include "engines/native_stem.h"

namespace qudnn::plan {

std::span<const Engine* const> engines() {
    static const engines::NativeStem native_stem;    // before cuDNN: many times faster
    static const engines::CudnnMatMul cudnn_matmul;  // before conv: faster wherever both do
    static const engines::CudnnConv cudnn_conv;
    static const engines::NativeMatMul native_matmul;
    static const engines::NativeConv native_conv;
    static const std::array<const Engine*, 5> all = {&native_stem, &cudnn_matmul, &cudnn_conv, &native_matmul,
                                                     &native_conv};
    return all;
}

}  // namespace qudnn::plan
