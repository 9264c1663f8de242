// A function of int8 as a table in shared memory.
#pragma once

#include "kernels/common.cuh"

namespace qudnn::kernels {

// A copy of the table for each lane of a warp, in that lane's bank, so that lookups never collide:
// word 32 * i + lane holds entries 4 i .. 4 i + 3.
struct LaneTables {
    static constexpr int kWords = 64 * 32;

    uint32_t words[kWords];

    // Whether the part that the thread loaded is that of the identity.
    __device__ bool load(const int8_t* table) {
        bool identity = true;
        for (int i = threadIdx.x; i < kWords; i += blockDim.x) {
            const auto* entry = reinterpret_cast<const uint8_t*>(table) + i / 32 * 4;
            words[i] = static_cast<uint32_t>(entry[0]) | static_cast<uint32_t>(entry[1]) << 8 |
                       static_cast<uint32_t>(entry[2]) << 16 | static_cast<uint32_t>(entry[3]) << 24;
            identity &= (words[i] ^ kByteBias) == 0x03020100u + 0x04040404u * static_cast<uint32_t>(i / 32);
        }
        return identity;
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
