#include "kernels/gemm/few_rows.h"

#include "kernels/common/dependent_launch.cuh"
#include "kernels/gemm/matmul_epilogues.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kMostRows = 8, kWarps = kFewRowsColumns;
constexpr int kHeld = 4;  // vectors of weights that a lane has read before x is there: 2,048 values of a row

__device__ __forceinline__ int add_products(const uint4& a, const uint4& b, int sum) {
    sum = __dp4a(static_cast<int>(a.x), static_cast<int>(b.x), sum);
    sum = __dp4a(static_cast<int>(a.y), static_cast<int>(b.y), sum);
    sum = __dp4a(static_cast<int>(a.z), static_cast<int>(b.z), sum);
    return __dp4a(static_cast<int>(a.w), static_cast<int>(b.w), sum);
}

// A warp takes one row of w and all m rows of x, at most kRows. c counts vectors of 16 bytes.
template <int kRows, class E, typename Y>
__global__ void __launch_bounds__(kWarps * 32)
    few_rows_kernel(int m, int64_t k, int c, const uint4* x, const uint4* __restrict__ w, E epilogue,
                    Y* __restrict__ y) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int64_t column = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
    let_next_kernel_start();
    uint4 held[kHeld] = {};
    typename E::Channel channel{};
    if (column < k) {
        w += column * c;
#pragma unroll
        for (int i = 0; i < kHeld; ++i)
            if (lane + i * 32 < c) held[i] = w[lane + i * 32];
        channel = epilogue.channel(column);
    }
    wait_for_kernels_before();
    if (column >= k) return;
    int acc[kRows] = {};
    const auto add = [&](int at, const uint4& weights) {
#pragma unroll
        for (int r = 0; r < kRows; ++r)
            if (r < m) acc[r] = add_products(x[int64_t{r} * c + at], weights, acc[r]);
    };
#pragma unroll
    for (int i = 0; i < kHeld; ++i)
        if (lane + i * 32 < c) add(lane + i * 32, held[i]);
    for (int at = lane + kHeld * 32; at < c; at += 32) add(at, w[at]);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
#pragma unroll
        for (int offset = 16; offset > 0; offset /= 2) acc[r] += __shfl_xor_sync(~0u, acc[r], offset);
        if (lane == r && r < m) y[r * k + column] = static_cast<Y>(epilogue.result(acc[r], channel));
    }
}

}  // namespace

std::string few_rows_refusal(int64_t m, int64_t c) {
    if (m > kMostRows) return "more than 8 rows";
    if (c % 16 != 0) return "rows whose length is no multiple of 16";
    return narrow(c) ? "" : "rows that are too long";
}

template <typename Y>
cudaError_t few_rows(int64_t m, int64_t k, int64_t c, const int8_t* x, const int8_t* w,
                     const Epilogue& epilogue, const Residual& constant, Y* y, cudaStream_t stream) {
    if (!few_rows_refusal(m, c).empty()) return cudaErrorInvalidValue;
    if (!aligned(x, 16) || !aligned(w, 16)) return cudaErrorMisalignedAddress;
    if (m * k == 0) return cudaSuccess;
    return with_matmul_epilogue<Y>(epilogue, constant, [&](const auto& end) {
        const auto run = [&]<int kRows>() {
            return launch_dependent(few_rows_kernel<kRows, std::decay_t<decltype(end)>, Y>,
                                    ceil_div(k, kWarps), kWarps * 32, 0, stream, static_cast<int>(m), k,
                                    static_cast<int>(c / 16), reinterpret_cast<const uint4*>(x),
                                    reinterpret_cast<const uint4*>(w), end, y);
        };
        return m == 1 ? run.template operator()<1>() : run.template operator()<kMostRows>();
    });
}

template cudaError_t few_rows(int64_t, int64_t, int64_t, const int8_t*, const int8_t*, const Epilogue&,
                              const Residual&, int8_t*, cudaStream_t);
template cudaError_t few_rows(int64_t, int64_t, int64_t, const int8_t*, const int8_t*, const Epilogue&,
                              const Residual&, float*, cudaStream_t);
template cudaError_t few_rows(int64_t, int64_t, int64_t, const int8_t*, const int8_t*, const Epilogue&,
                              const Residual&, int32_t*, cudaStream_t);

}  // namespace qudnn::kernels
