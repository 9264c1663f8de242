// A function of int8 as a table in shared memory.
#pragma once

#include "kernels/common/common.cuh"

namespace qudnn::kernels {

// A copy of the table for each lane of a warp, in that lane's bank, so that lookups never collide:
// word 32 * i + lane holds entries 4 i .. 4 i + 3.
struct LaneTables {
    static constexpr int kWords = 64 * 32;

    uint32_t words[kWords];

    // By whole warps. Whether the part that the thread loaded is that of the identity.
    __device__ bool load(const int8_t* table) {
        const uint32_t lane = threadIdx.x % 32;
        uint32_t low = 0, high = 0;  // words lane and 32 + lane of the table
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) {
            const auto* entry = reinterpret_cast<const uint8_t*>(table) + lane * 4 + i;
            low |= uint32_t{entry[0]} << (8 * i), high |= uint32_t{entry[128]} << (8 * i);
        }
        const uint32_t warps = blockDim.x / 32;
#pragma unroll 4
        for (uint32_t i = threadIdx.x / 32; i < 64; i += warps)
            words[i * 32 + lane] = __shfl_sync(~0u, i < 32 ? low : high, static_cast<int>(i % 32));
        const uint32_t identity = 0x03020100u + 0x04040404u * lane;
        return (low ^ kByteBias) == identity && (high ^ kByteBias) == identity + 0x80808080u;
    }
    __device__ uint32_t entry(const uint8_t* lane_table, uint32_t index) const {
        return lane_table[index + index / 4 * 124];
    }
    __device__ uint32_t look_up(uint32_t word) const {
        const auto* mine = reinterpret_cast<const uint8_t*>(words + threadIdx.x % 32);
        word ^= kByteBias;
        return pack(entry(mine, word & 255), entry(mine, word >> 8 & 255), entry(mine, word >> 16 & 255),
                    entry(mine, word >> 24));
    }
    __device__ uint4 look_up(const uint4& v) const {
        return {look_up(v.x), look_up(v.y), look_up(v.z), look_up(v.w)};
    }
};

}  // namespace qudnn::kernels
