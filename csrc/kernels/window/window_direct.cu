#include "kernels/window/window_entries.cuh"

namespace qudnn::kernels {

WindowKernels direct_kernels() { return window_entries<WindowTail::none, WindowResults::direct>(); }

}  // namespace qudnn::kernels
