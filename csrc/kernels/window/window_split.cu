#include "kernels/window/window_entries.cuh"

namespace qudnn::kernels {

WindowKernels split_kernels() { return split_window_entries<WindowTail::none>(); }

}  // namespace qudnn::kernels
