// The partition of a block of window.h's kernel, and its shared memory.
#pragma once

#include <type_traits>

#include "kernels/common/lane_tables.cuh"
#include "kernels/window/window_task.cuh"

namespace qudnn::kernels {

// How results leave.
enum class WindowResults {
    direct,  // from registers to y
    flat,    // those of flat matrices: through shared memory
    split    // added up by the blocks of a cluster, which share the depth of a tile
};

// What becomes of results.
enum class WindowTail {
    none,
    residual,  // one is added
    function  // a constant of each channel is added, or they are looked up in a table, or both, in this order
};

// kTiles * 64 rows of each of kGroups groups of four warps, times kColumns columns.
template <int kTiles_, int kColumns_, WindowTail kTail, WindowResults kResults_, int kBlocks_,
          int kGroups_ = 2>
struct WindowShape {
    static constexpr int kTiles = kTiles_, kColumns = kColumns_, kBlocks = kBlocks_, kGroups = kGroups_;
    static constexpr bool kAdds = kTail == WindowTail::residual, kFunction = kTail == WindowTail::function;
    static constexpr bool kFlat = kResults_ == WindowResults::flat,
                          kSplit = kResults_ == WindowResults::split;
    static constexpr int kWarps = kGroups * 4, kThreads = kWarps * 32;  // that multiply
    static constexpr int kBlockThreads = kThreads + 32;
    static constexpr int kRows = kGroups * kTiles * 64;
    static constexpr int kLaneGroup = kColumns % 64 == 0 ? 64 : 32;  // columns of which a lane has a vector
    static constexpr int kLaneGroups = kColumns / kLaneGroup;
    static constexpr int kWords = kLaneGroup / 16;  // of a lane's vector
};

template <int kWords>
struct LaneVector {
    uint32_t word[kWords];

    using Vector = std::conditional_t<kWords == 4, uint4, uint2>;

    __device__ static LaneVector of(const Vector& u) {
        LaneVector v;
        v.word[0] = u.x, v.word[1] = u.y;
        if constexpr (kWords == 4) v.word[2] = u.z, v.word[3] = u.w;
        return v;
    }
    __device__ static LaneVector read_once(const int8_t* source) {
        return of(__ldcs(reinterpret_cast<const Vector*>(source)));
    }
    __device__ static LaneVector read(const int8_t* source) {
        return of(*reinterpret_cast<const Vector*>(source));
    }
    __device__ void write(int8_t* target) const {
        if constexpr (kWords == 4)
            *reinterpret_cast<uint4*>(target) = {word[0], word[1], word[2], word[3]};
        else
            *reinterpret_cast<uint2*>(target) = {word[0], word[1]};
    }
};

// The residual of a lane's results.
template <class S>
struct LaneResidual {
    LaneVector<S::kWords> v[S::kAdds ? S::kTiles : 1][2][S::kLaneGroups];
};

// The block's shared memory, as addresses of it.
struct WindowShared {
    uint32_t x, w, x_full, x_empty, w_full, w_empty, y_full, y_empty;
    int8_t* y;          // buffers of [lane group][row][column in it]
    int32_t* bias;      // where sums start, for each kind of pixel, in the order of bias_place()
    float* multiplier;  // in the same order
    // Of kernels with a function:
    uint32_t* constant;  // what is added to four columns, in their own order
    LaneTables* table;

    __device__ WindowShared(const Window& g, int columns, uint8_t* start) {
        x = shared_address(start), w = x + g.x_stages * g.x_bytes;
        uint8_t* after = start + g.x_stages * g.x_bytes + g.w_stages * g.w_bytes;
        y = reinterpret_cast<int8_t*>(after);
        after += g.y_stages * g.y_bytes;
        bias = reinterpret_cast<int32_t*>(after);
        multiplier = reinterpret_cast<float*>(after + g.kinds * columns * 4);
        after += (g.kinds + 1) * columns * 4;
        x_full = shared_address(after);
        x_empty = x_full + g.x_stages * 8;
        w_full = x_empty + g.x_stages * 8, w_empty = w_full + g.w_stages * 8;
        y_full = w_empty + g.w_stages * 8, y_empty = y_full + g.y_stages * 8;
        after += (g.x_stages + g.w_stages + g.y_stages) * 16;
        constant = reinterpret_cast<uint32_t*>(after);
        table = reinterpret_cast<LaneTables*>(after + columns);
    }
    static int64_t bytes(const Window& g, int columns) {
        return 1024 + int64_t{g.x_stages} * g.x_bytes + int64_t{g.w_stages} * g.w_bytes +
               int64_t{g.y_stages} * g.y_bytes + (g.kinds + 1) * columns * 4 +
               (g.x_stages + g.w_stages + g.y_stages) * 16 + (g.adds_constant || g.looks_up ? columns : 0) +
               (g.looks_up ? static_cast<int64_t>(sizeof(LaneTables)) : 0);
    }
};

// A ring of buffers: the next one, and the parity of its barriers' phase.
struct Ring {
    int stages, stage = 0, parity = 0;

    __device__ explicit Ring(int stages) : stages(stages) {}
    __device__ void advance() {
        if (++stage == stages) stage = 0, parity ^= 1;
    }
};

// The sum and the magnitudes of 16 weights.
__device__ __forceinline__ int add_magnitudes(int sum, const uint4& weights) {
    for (const uint32_t word : {weights.x, weights.y, weights.z, weights.w}) {
        const uint32_t signs = (word & 0x80808080u) >> 7;  // each becomes 1 or -1
        sum = __dp4a(static_cast<int>(word), static_cast<int>(0x01010101u | signs * 255), sum);
    }
    return sum;
}

// Integers from a row of sums in shared memory to the next: vectors of neighbouring lanes lie in different
// banks.
__host__ __device__ constexpr int sums_pitch(int columns) { return columns + 16; }

// Where column i's bias lies, so that the lanes that read vectors of four at a time read different banks.
template <class S>
__device__ __forceinline__ int bias_place(int i) {
    constexpr int kLane = S::kLaneGroup / 4;  // a lane's columns
    const int in_group = i % S::kLaneGroup, lane = in_group / kLane, vector = in_group % kLane / 4;
    return i / S::kLaneGroup * S::kLaneGroup + (vector * 4 + lane) * 4 + i % 4;
}

// The first column of four that lie at bias_place() 4 * vector.
template <class S>
__device__ __forceinline__ int column_of_vector(int vector) {
    constexpr int kVectors = S::kLaneGroup / 4;
    const int in_group = vector % kVectors;
    return (vector - in_group + in_group % 4 * (kVectors / 4) + in_group / 4) * 4;
}

}  // namespace qudnn::kernels
