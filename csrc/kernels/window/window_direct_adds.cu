#include "kernels/window/window_entries.cuh"

namespace qudnn::kernels {

WindowKernels direct_kernels_that_add() { return window_entries<true, WindowResults::direct>(); }

}  // namespace qudnn::kernels
