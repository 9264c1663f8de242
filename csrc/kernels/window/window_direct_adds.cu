#include "kernels/window/window_entries.cuh"

namespace qudnn::kernels {

WindowKernels direct_kernels_that_add() {
    return window_entries<WindowTail::residual, WindowResults::direct>();
}

}  // namespace qudnn::kernels
