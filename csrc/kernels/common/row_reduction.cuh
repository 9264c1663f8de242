// Reductions of several rows at a time by a warp, in about as many exchanges as that of one row takes.
#pragma once

namespace qudnn::kernels {

// Each thread has a value of each of kRows rows. Returns their combination over the warp: that of row r to
// the r-th of kRows equal parts of its threads. The order of combination does not depend on kRows.
template <typename T, int kRows, typename Combine>
__device__ T reduce_rows(T (&values)[kRows], Combine combine) {
    static_assert(kRows == 1 || kRows == 2 || kRows == 4 || kRows == 8);
    int other = 16;
#pragma unroll
    for (int half = kRows / 2; half > 0; half /= 2, other /= 2) {
        const bool upper = (threadIdx.x & static_cast<unsigned>(other)) != 0;
#pragma unroll
        for (int i = 0; i < half; ++i) {
            const T mine = upper ? values[i + half] : values[i];
            const T theirs = upper ? values[i] : values[i + half];
            values[i] = combine(mine, __shfl_xor_sync(~0u, theirs, other));
        }
    }
    for (; other > 0; other /= 2) values[0] = combine(values[0], __shfl_xor_sync(~0u, values[0], other));
    return values[0];
}

// Broadcasts what the threads of row r have to all threads.
template <int kRows, typename T>
__device__ T of_row(int r, T value) {
    if constexpr (kRows == 1) return value;
    return __shfl_sync(~0u, value, r * (32 / kRows));
}

}  // namespace qudnn::kernels
