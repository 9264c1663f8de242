// The table of kernels of window.h; each of its lists is a translation unit.
#pragma once

#include <array>

#include "kernels/window/window_task.cuh"

namespace qudnn::kernels {

struct WindowKernel {
    int rows, columns, lane_group, threads;
    void (*run)(Window, WindowMaps, Epilogue, const int32_t*, OutputRange, WindowAddition, int8_t*);
};

using WindowKernels = std::array<WindowKernel, 5>;

WindowKernels direct_kernels();
WindowKernels direct_kernels_that_add();  // a residual
WindowKernels flat_kernels();
WindowKernels flat_kernels_that_add();

}  // namespace qudnn::kernels
