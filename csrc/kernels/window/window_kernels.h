// The table of kernels of window.h; each of its lists is a translation unit.
#pragma once

#include <vector>

#include "kernels/conv/conv.h"
#include "kernels/window/window.h"
#include "kernels/window/window_task.cuh"

namespace qudnn::kernels {

struct WindowKernel {
    int rows, columns, lane_group, threads;
    void (*run)(Window, WindowMaps, Epilogue, const int32_t*, OutputRange, WindowAddition, int8_t*);
};

using WindowKernels = std::vector<WindowKernel>;

WindowKernels direct_kernels();
WindowKernels direct_kernels_that_add();  // a residual
WindowKernels direct_kernels_with_function();
WindowKernels flat_kernels();
WindowKernels flat_kernels_that_add();
WindowKernels flat_kernels_with_function();
WindowKernels split_kernels();
WindowKernels split_kernels_that_add();
WindowKernels split_kernels_with_function();

const WindowKernels& window_kernels(bool flat_results, const WindowOptions& options, bool split);

}  // namespace qudnn::kernels
