#include "kernels/window/window_entries.cuh"

namespace qudnn::kernels {

WindowKernels split_kernels_with_function() { return split_window_entries<WindowTail::function>(); }

}  // namespace qudnn::kernels
