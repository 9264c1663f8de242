#include "kernels/window/window_entries.cuh"

namespace qudnn::kernels {

WindowKernels flat_kernels() { return window_entries<WindowTail::none, WindowResults::flat>(); }

}  // namespace qudnn::kernels
