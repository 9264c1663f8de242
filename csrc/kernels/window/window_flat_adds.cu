#include "kernels/window/window_entries.cuh"

namespace qudnn::kernels {

WindowKernels flat_kernels_that_add() { return window_entries<WindowTail::residual, WindowResults::flat>(); }

}  // namespace qudnn::kernels
