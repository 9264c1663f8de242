// A function of int8 as a table in shared memory.
#pragma once

#include "kernels/common/common.cuh"

namespace qudnn::kernels {

// A copy of the table for each lane of a warp, in that lane's bank, so that lookups never collide:
// word 32 * i + lane holds entries 4 i .. 4 i + 3.
struct LaneTables {
    static constexpr int kWords = 64 * 32;

    uint32_t words[kWords];

    // By whole warps: `warps` of a block, of which this is number `warp`. Whether the part that the thread
    // loaded is that of the identity.
    __device__ bool load(const int8_t* table, uint32_t warp, uint32_t warps) {
        const uint32_t lane = threadIdx.x % 32;
        uint32_t low = 0, high = 0;  // words lane and 32 + lane of the table
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) {
            const auto* entry = reinterpret_cast<const uint8_t*>(table) + lane * 4 + i;
            low |= uint32_t{entry[0]} << (8 * i), high |= uint32_t{entry[128]} << (8 * i);
        }
        // The table begins with the entry of -128.
#pragma unroll 4
        for (uint32_t i = warp; i < 64; i += warps)
            words[(i ^ 32) * 32 + lane] = __shfl_sync(~0u, i < 32 ? low : high, static_cast<int>(i % 32));
        const uint32_t identity = 0x03020100u + 0x04040404u * lane;
        return (low ^ kByteBias) == identity && (high ^ kByteBias) == identity + 0x80808080u;
    }
    __device__ bool load(const int8_t* table) { return load(table, threadIdx.x / 32, blockDim.x / 32); }

    // Of each byte of a word.
    __device__ uint32_t look_up(uint32_t word) const {
        const auto* bytes = reinterpret_cast<const uint8_t*>(words);
        // A byte's entry is at 128 * (byte / 4) + 4 * lane + byte % 4: the low eight of these 13 bits for all
        // four bytes, and the others.
        const uint32_t low = (word & splat(3)) | 0x04040404u * (threadIdx.x % 32) | (word << 5 & splat(0x80));
        const uint32_t high = word >> 3 & splat(31);
        uint32_t entries[4];
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) entries[i] = bytes[byte_pair(low, high, i)];
        return pack(entries[0], entries[1], entries[2], entries[3]);
    }
    __device__ uint4 look_up(const uint4& v) const {
        return {look_up(v.x), look_up(v.y), look_up(v.z), look_up(v.w)};
    }

  private:
    // Byte i of `low`, and above it that of `high`, which has a clear sign.
    __device__ static uint32_t byte_pair(uint32_t low, uint32_t high, uint32_t i) {
        uint32_t result;  // selectors with 8 more name a sign, for which __byte_perm() has no name
        asm("prmt.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(low), "r"(high), "r"(0xCC40u + 0x1111u * i));
        return result;
    }
};

}  // namespace qudnn::kernels
