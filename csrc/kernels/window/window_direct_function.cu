#include "kernels/window/window_entries.cuh"

namespace qudnn::kernels {

WindowKernels direct_kernels_with_function() {
    return window_entries<WindowTail::function, WindowResults::direct>();
}

}  // namespace qudnn::kernels
