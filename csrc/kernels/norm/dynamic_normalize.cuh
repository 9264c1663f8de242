// The kernel of dynamic_normalize.h: rows are normalized as in kept_rows.cuh, and kept until the range of
// all of them is known.
#pragma once

#include <type_traits>

#include "kernels/border/dynamic_range.cuh"
#include "kernels/norm/dynamic_normalize.h"
#include "kernels/norm/kept_row.cuh"

namespace qudnn::kernels {

constexpr int kNormalizingWarps = 16;  // of a block at most, of which a multiprocessor has one

struct DynamicRows {
    int64_t rows;
    int channels, q_stride;
    int slots;  // rows that a warp keeps in shared memory; it reads the others again, from y
    float epsilon;
    double reciprocal;  // of channels
    const float *gamma, *beta;
    int8_t* q;
    float *y, *total;  // or null
};

// Of aligned rows of up to kSteps * kStepChannels.
template <int kSteps, typename Source>
__global__ void __launch_bounds__(kNormalizingWarps * 32, 1)
    normalize_dynamically(const __grid_constant__ DynamicRows k, const __grid_constant__ Source source,
                          DynamicEpilogue to) {
    extern __shared__ float4 shared[];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    auto* const chains = reinterpret_cast<Chains<kSteps>*>(shared);
    float4* const kept = reinterpret_cast<float4*>(chains + warps) + warp * k.slots * kSteps * 32 + lane;
    const int64_t first = int64_t{blockIdx.x} * warps + warp, step = int64_t{gridDim.x} * warps;

    Range range{0, 0};
    int slot = 0;
    for (int64_t row = first; row < k.rows; row += step, ++slot) {
        float values[kSteps * 4];
        __syncwarp();  // with those who read the row before
        normalize_kept_row(k, source, row, chains[warp], values);
#pragma unroll
        for (int s = 0; s < kSteps; ++s) {
            const int c = s * kStepChannels + lane * 4;
            if (c >= k.channels) break;
            const float4 four{values[s * 4], values[s * 4 + 1], values[s * 4 + 2], values[s * 4 + 3]};
            widen(range, four);
            if (slot < k.slots) kept[(slot * kSteps + s) * 32] = four;
            if (k.y != nullptr) *reinterpret_cast<float4*>(k.y + row * k.channels + c) = four;
        }
    }

    const FoundScale found = scale_of_grid(to, range);
    const RowQuantizer quantizer(found.scale, found.zero_point);
    const auto write = [&](auto plain) {
        slot = 0;
        for (int64_t row = first; row < k.rows; row += step, ++slot) {
            float4 fours[kSteps] = {};
#pragma unroll
            for (int s = 0; s < kSteps; ++s) {
                const int c = s * kStepChannels + lane * 4;
                if (c >= k.channels) break;
                fours[s] = slot < k.slots ? kept[(slot * kSteps + s) * 32]
                                          : *reinterpret_cast<const float4*>(k.y + row * k.channels + c);
            }
            int8_t* const q = k.q + row * k.q_stride;
#pragma unroll
            for (int s = 0; s < kSteps; ++s) {
                const int c = s * kStepChannels + lane * 4;
                if (c >= k.channels) break;
                *reinterpret_cast<uint32_t*>(q + c) =
                    quantizer.template quantized<plain>({fours[s].x, fours[s].y, fours[s].z, fours[s].w});
            }
            for (int c = k.channels + lane; c < k.q_stride; c += 32)
                q[c] = static_cast<int8_t>(found.zero_point);
        }
    };
    quantizer.plain ? write(std::true_type{}) : write(std::false_type{});
}

// How a kernel divides rows of up to kSteps * kStepChannels.
template <int kSteps>
struct NormalizingGrid {
    int64_t warps, blocks, rows;  // warps: of a block, rows: of a warp
    int64_t slots;                // rows that shared memory has room for, of a warp

    NormalizingGrid(const Gpu& gpu, int64_t all) {
        const int64_t room = gpu.shared_bytes - kStaticBytes;
        const int64_t most_warps = std::clamp<int64_t>(room / kChainsBytes, 1, kNormalizingWarps);
        warps = std::clamp<int64_t>(ceil_div(all, gpu.multiprocessors), 1, most_warps);
        blocks = std::clamp<int64_t>(ceil_div(all, warps), 1, gpu.multiprocessors);
        rows = ceil_div(all, blocks * warps);
        slots = std::clamp<int64_t>((room / warps - kChainsBytes) / kRowBytes, 0, rows);
    }

    int64_t bytes() const { return warps * (kChainsBytes + slots * kRowBytes); }

  private:
    static constexpr int64_t kChainsBytes = sizeof(Chains<kSteps>);
    static constexpr int64_t kRowBytes = int64_t{kSteps} * 32 * sizeof(float4);
};

// Calls run with the number of steps that rows of up to kMostKept channels take.
template <typename Run>
auto with_steps(int64_t channels, Run run) {
    if (channels <= 4 * kStepChannels) return run(std::integral_constant<int, 4>{});
    if (channels <= 6 * kStepChannels) return run(std::integral_constant<int, 6>{});
    return run(std::integral_constant<int, 8>{});
}

}  // namespace qudnn::kernels
