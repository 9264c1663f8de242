#include "kernels/window/window_entries.cuh"

namespace qudnn::kernels {

WindowKernels flat_kernels_with_function() {
    return window_entries<WindowTail::function, WindowResults::flat>();
}

}  // namespace qudnn::kernels
