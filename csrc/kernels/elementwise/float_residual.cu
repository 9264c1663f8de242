#include "kernels/elementwise/float_residual.h"

#include "kernels/common/float_divisor.cuh"
#include "kernels/epilogue/residual_epilogue.cuh"

namespace qudnn::kernels {
namespace {

// Four channels to a thread.
__global__ void __launch_bounds__(kThreads)
    ending_kernel(int64_t words, int64_t k, const int4* __restrict__ sums, ResidualEpilogue epilogue,
                  int8_t* __restrict__ y) {
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < words;
         i += int64_t{gridDim.x} * kThreads) {
        const int64_t first = i * 4, channel = first % k;
        const int4 four = __ldcs(sums + i);
        const int32_t sum[4] = {four.x, four.y, four.z, four.w};
        ResidualEpilogue::Result results[4];
#pragma unroll
        for (int j = 0; j < 4; ++j)
            results[j] = epilogue.result(sum[j], {0, epilogue.multiplier[channel + j]}, first + j);
        ResidualEpilogue::store4(y + first, results);
    }
}

}  // namespace

bool divides_exactly(float scale) { return IntegerDivisor::takes(scale); }

cudaError_t end_with_residual(int64_t count, int64_t k, const int32_t* sums, const Epilogue& epilogue,
                              const Residual& residual, int8_t* y, cudaStream_t stream) {
    if (count == 0) return cudaSuccess;
    if (k % 4 != 0 || count % k != 0 || !residual.in_float) return cudaErrorInvalidValue;
    if (!aligned(sums, 16) || !aligned(y, 4)) return cudaErrorMisalignedAddress;
    return launch(ending_kernel, ceil_div(count / 4, kThreads), kThreads, stream, count / 4, k,
                  reinterpret_cast<const int4*>(sums), ResidualEpilogue(epilogue, residual), y);
}

}  // namespace qudnn::kernels
