#include "kernels/window/window_entries.cuh"

namespace qudnn::kernels {

WindowKernels split_kernels_that_add() { return split_window_entries<WindowTail::residual>(); }

}  // namespace qudnn::kernels
