// Compiles a list of the table of kernels.
#pragma once

#include "kernels/window/window.cuh"
#include "kernels/window/window_kernels.h"

namespace qudnn::kernels {

template <class S>
constexpr WindowKernel window_entry() {
    return {S::kRows, S::kColumns, S::kLaneGroup, S::kBlockThreads, window_kernel<S>};
}

template <WindowTail kTail, WindowResults kResults>
WindowKernels window_entries() {
    return {
        window_entry<WindowShape<1, 64, kTail, kResults, 3>>(),     // 128 x 64
        window_entry<WindowShape<2, 64, kTail, kResults, 2>>(),     // 256 x 64
        window_entry<WindowShape<1, 128, kTail, kResults, 2>>(),    // 128 x 128
        window_entry<WindowShape<2, 128, kTail, kResults, 1>>(),    // 256 x 128
        window_entry<WindowShape<2, 32, kTail, kResults, 3>>(),     // 256 x 32
        window_entry<WindowShape<1, 64, kTail, kResults, 3, 1>>(),  // 64 x 64
    };
}

// Of few tiles, each of which is shared by a cluster.
template <WindowTail kTail>
WindowKernels split_window_entries() {
    return {
        window_entry<WindowShape<1, 64, kTail, WindowResults::split, 3, 1>>(),  // 64 x 64
        window_entry<WindowShape<1, 64, kTail, WindowResults::split, 2>>(),     // 128 x 64
        window_entry<WindowShape<1, 32, kTail, WindowResults::split, 3, 1>>(),  // 64 x 32
    };
}

}  // namespace qudnn::kernels
