// Compiles a list of the table of kernels.
#pragma once

#include "kernels/window/window.cuh"
#include "kernels/window/window_kernels.h"

namespace qudnn::kernels {

template <class S>
constexpr WindowKernel window_entry() {
    return {S::kRows, S::kColumns, S::kLaneGroup, S::kBlockThreads, window_kernel<S>};
}

template <bool kAdds, bool kFlat>
constexpr WindowKernels window_entries() {
    return {
        window_entry<WindowShape<1, 64, kAdds, kFlat, 3>>(),   // 128 x 64
        window_entry<WindowShape<2, 64, kAdds, kFlat, 2>>(),   // 256 x 64
        window_entry<WindowShape<1, 128, kAdds, kFlat, 2>>(),  // 128 x 128
        window_entry<WindowShape<2, 128, kAdds, kFlat, 1>>(),  // 256 x 128
        window_entry<WindowShape<2, 32, kAdds, kFlat, 3>>(),   // 256 x 32
    };
}

}  // namespace qudnn::kernels
