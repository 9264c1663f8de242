// The kernel behind window.h.
//
// The pixels of all images are rows of one matrix: a line of pixels, with as much room behind it as windows
// reach over its ends, then the next line, behind an image's last line again such room. So the input of a tap
// is the same matrix, shifted by some rows, and a tile of it in shared memory serves all taps of a window.
// With strides, the image falls apart into images of every n-th pixel, each of which serves some of the taps.
//
// One warp fills the buffers, the others multiply. Columns of the products are output channels in an order in
// which each lane's results lie side by side in y.
#pragma once

#include "kernels/add.cuh"
#include "kernels/ending.cuh"
#include "kernels/hopper.cuh"
#include "kernels/padded_images.cuh"
#include "kernels/window.h"

namespace qudnn::kernels {

constexpr int kMaxTaps = 32, kMaxPhases = 4;

// Images of every n-th pixel and the taps that they serve.
struct WindowPhase {
    int first_tap, taps;
};

struct WindowTap {
    int shift;  // rows of the matrix
    int place;  // in the filter
};

// Output lines or columns by which windows reach over the image: the first, the last, those between.
struct Border {
    int before, after, extent;

    __device__ int kind(int i) const { return min(i, before) + max(i - (extent - after) + 1, 0); }
    __host__ __device__ int kinds() const { return before + after + 1; }
    // An output line or column of the kind.
    __host__ __device__ int example(int kind) const {
        return kind <= before ? kind : extent - after + kind - before - 1;
    }
};

struct Window {
    // The matrix.
    bool flat;                       // every row is an output pixel, images are of no interest
    Divisor<uint32_t> pitch, lines;  // rows to the next line, lines to the next image
    int left, top;                   // of the first pixel of an image's lines and of its first line
    int images, p, q;                // output
    int reach;                       // rows past a tile's last that windows reach
    int line_bytes;                  // of `width` channels
    // The sums.
    int width, widths, depth;  // channels at a time; how often; products of 32 bytes in it
    int c;
    int phases;
    WindowPhase phase[kMaxPhases];
    WindowTap tap[kMaxTaps];
    // Tiles.
    int tiles, tile_step, column_blocks, k;
    unsigned delay;  // nanoseconds by which every other block of a multiprocessor starts later
    int x_stages, w_stages, x_bytes, w_bytes;
    bool resident;
    // The results.
    Border row_border, column_border;
    int kinds;  // of pixels: vectors of biases
    bool pads_output;
    PaddedImages<uint32_t> y{1, 1, 1, {}};
};

struct WindowMaps {
    CUtensorMap x[kMaxPhases], w;
};

struct WindowAddition {
    const int8_t* r;
    float of_result, of_r, f;
    float least, most;              // of results, before their zero point is added
    float result_origin, r_origin;  // from a rounded result, from a byte's float, to what is added
    int32_t shift;                  // from a rounded sum's bits to y
    bool result_first;
};

// kTiles * 64 rows of each of two groups of four warps, times kColumns columns.
template <int kTiles_, int kColumns_, bool kAdds_, int kBlocks_>
struct WindowShape {
    static constexpr int kTiles = kTiles_, kColumns = kColumns_, kBlocks = kBlocks_;
    static constexpr bool kAdds = kAdds_;
    static constexpr int kGroups = 2, kThreads = kGroups * 128;  // that multiply
    static constexpr int kBlockThreads = kThreads + 32;
    static constexpr int kRows = kGroups * kTiles * 64;
    static constexpr int kLaneGroup = kColumns % 64 == 0 ? 64 : 32;  // columns of which a lane has a vector
    static constexpr int kLaneGroups = kColumns / kLaneGroup;
    static constexpr int kWords = kLaneGroup / 16;  // of a lane's vector
};

template <int kWords>
struct LaneVector {
    uint32_t word[kWords];

    __device__ static LaneVector read(const int8_t* source) {
        LaneVector v;
        if constexpr (kWords == 4) {
            const uint4 u = __ldcs(reinterpret_cast<const uint4*>(source));
            v.word[0] = u.x, v.word[1] = u.y, v.word[2] = u.z, v.word[3] = u.w;
        } else {
            const uint2 u = __ldcs(reinterpret_cast<const uint2*>(source));
            v.word[0] = u.x, v.word[1] = u.y;
        }
        return v;
    }
    __device__ void write(int8_t* target) const {
        if constexpr (kWords == 4)
            *reinterpret_cast<uint4*>(target) = {word[0], word[1], word[2], word[3]};
        else
            *reinterpret_cast<uint2*>(target) = {word[0], word[1]};
    }
};

// What is added to a lane's results.
template <class S>
struct LaneResidual {
    LaneVector<S::kWords> v[S::kAdds ? S::kTiles : 1][2][S::kLaneGroups];
};

// The block's shared memory, as addresses of it.
struct WindowShared {
    uint32_t x, w, x_full, x_empty, w_full, w_empty;
    int32_t* bias;      // where sums start, for each kind of pixel, in the order of bias_place()
    float* multiplier;  // in the same order

    __device__ WindowShared(const Window& g, int columns, uint8_t* start) {
        x = shared_address(start), w = x + g.x_stages * g.x_bytes;
        uint8_t* after = start + g.x_stages * g.x_bytes + g.w_stages * g.w_bytes;
        bias = reinterpret_cast<int32_t*>(after);
        multiplier = reinterpret_cast<float*>(after + g.kinds * columns * 4);
        x_full = shared_address(after + (g.kinds + 1) * columns * 4);
        x_empty = x_full + g.x_stages * 8;
        w_full = x_empty + g.x_stages * 8, w_empty = w_full + g.w_stages * 8;
    }
    static int64_t bytes(const Window& g, int columns) {
        return 1024 + int64_t{g.x_stages} * g.x_bytes + int64_t{g.w_stages} * g.w_bytes +
               (g.kinds + 1) * columns * 4 + (g.x_stages + g.w_stages) * 16;
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

// What one lane does for the block.
template <class S>
__device__ __forceinline__ void fill_buffers(const Window& g, const WindowMaps& maps,
                                             const WindowShared& shared, int tile, int column_block) {
    Ring x(g.x_stages), w(g.w_stages);
    bool loads_weights = true;
    for (; tile < g.tiles; tile += g.tile_step, loads_weights = !g.resident) {
        const uint32_t first = static_cast<uint32_t>(tile) * S::kRows;
        const uint32_t line = g.flat ? 0 : g.pitch.quotient(first);
        const int lines =
            g.flat ? 1 : static_cast<int>(g.pitch.quotient(first + S::kRows - 1 + g.reach) - line) + 1;
        for (int width = 0; width < g.widths; ++width)
            for (int phase = 0; phase < g.phases; ++phase) {
                wait_for(shared.x_empty + x.stage * 8, x.parity ^ 1);
                const uint32_t full = shared.x_full + x.stage * 8;
                uint32_t target = shared.x + x.stage * g.x_bytes;
                arrive_announcing(full, lines * g.line_bytes);
                if (g.flat) {
                    copy_box(target, maps.x[phase], full, width * g.width, static_cast<int>(first), 0, 0);
                } else {
                    for (int i = 0; i < lines; ++i, target += g.line_bytes) {
                        uint32_t image = line + i;
                        const auto in_image = static_cast<int>(split(image, g.lines));
                        copy_box(target, maps.x[phase], full, width * g.width, g.left, g.top + in_image,
                                 static_cast<int>(image));
                    }
                }
                x.advance();
                if (!loads_weights) continue;
                for (int i = 0; i < g.phase[phase].taps; ++i, w.advance()) {
                    const int place = g.tap[g.phase[phase].first_tap + i].place;
                    wait_for(shared.w_empty + w.stage * 8, w.parity ^ 1);
                    const uint32_t ready = shared.w_full + w.stage * 8;
                    arrive_announcing(ready, g.w_bytes);
                    copy_box(shared.w + w.stage * g.w_bytes, maps.w, ready, place * g.c + width * g.width, 0,
                             0, 0, column_block * S::kLaneGroups);
                }
            }
    }
}

// Whether all sums that the block's weights may give, and its biases, are small, and multipliers moderate.
// For weights that stay in shared memory, all there.
template <class S>
__device__ __forceinline__ bool sums_are_small(const Window& g, const WindowShared& shared,
                                               const uint8_t* weights, const int32_t* biases,
                                               const float* multipliers, int first) {
    constexpr int kParts = S::kThreads / S::kColumns;  // threads of a column
    const int column = threadIdx.x / kParts, part = threadIdx.x % kParts;
    bool large = false;
    int sum = 0;
    if (column < S::kColumns) {
        for (int stage = 0; stage < g.w_stages; ++stage) {
            const uint8_t* row = weights + stage * g.w_bytes + column * g.width;
            for (int i = part; i < g.width / 16; i += kParts) {
                const uint4 v = *reinterpret_cast<const uint4*>(row + (i + column) % (g.width / 16) * 16);
                for (const uint32_t word : {v.x, v.y, v.z, v.w}) {
                    const uint32_t signs = (word & 0x80808080u) >> 7;  // each becomes 1 or -1
                    sum = __dp4a(static_cast<int>(word), static_cast<int>(0x01010101u | signs * 255), sum);
                }
            }
        }
    }
    for (int i = 1; i < kParts; i *= 2) sum += __shfl_xor_sync(~0u, sum, i);
    large |= sum >= kSmallSum / 128;
    for (int i = threadIdx.x; i < g.kinds * S::kColumns; i += S::kThreads) {
        const int kind = i / S::kColumns, at = first + i % S::kColumns;
        if (at >= g.k) continue;
        const int32_t bias = biases[kind * g.k + at];
        large |= bias <= -kSmallSum || bias >= kSmallSum || !(fabsf(multipliers[at]) <= 1.0f);
    }
    return !any_of(S::kThreads, large);
}

// Where column i's bias lies, so that the lanes that read vectors of four at a time read different banks.
template <class S>
__device__ __forceinline__ int bias_place(int i) {
    constexpr int kLane = S::kLaneGroup / 4;  // a lane's columns
    const int in_group = i % S::kLaneGroup, lane = in_group / kLane, vector = in_group % kLane / 4;
    return i / S::kLaneGroup * S::kLaneGroup + (vector * 4 + lane) * 4 + i % 4;
}

// An output pixel: its number in y, negative where the row of the matrix is none, and its kind.
struct WindowPixel {
    int place, kind = 0;

    __device__ WindowPixel(const Window& g, uint32_t row) {
        if (g.flat) {
            place = row < static_cast<uint32_t>(g.q) ? static_cast<int>(row) : -1;
            return;
        }
        const auto q = static_cast<int>(split(row, g.pitch)), p = static_cast<int>(split(row, g.lines));
        const auto n = static_cast<int>(row);
        const bool valid = q < g.q && p < g.p && n < g.images;
        const auto image = static_cast<int>(g.y.image), line = static_cast<int>(g.y.line);
        place = valid ? static_cast<int>(g.y.origin) + n * image + p * line + q : -1;
        if (valid && g.kinds > 1)
            kind = g.row_border.kind(p) * g.column_border.kinds() + g.column_border.kind(q);
    }
};

// How a result ends.
struct WindowEnding {
    bool small;                 // see sums_are_small()
    bool bounded;               // by more than -128 from below
    bool clamps;                // from above, too
    bool result_first = false;  // of the two that are added
};

// A sum, its bias included, to a float, times its multiplier.
template <WindowEnding kEnding>
__device__ __forceinline__ float scaled(int32_t sum, float multiplier) {
    const float value =
        kEnding.small ? plus(__uint_as_float(static_cast<uint32_t>(sum)), -12582912.0f) : __int2float_rn(sum);
    return multiply(value, multiplier);
}

// Four results as a word.
template <WindowEnding kEnding>
__device__ __forceinline__ uint32_t requantized(const float (&values)[4], const OutputRange& range) {
    if constexpr (kEnding.clamps) {
        return pack(quantize(values[0], range), quantize(values[1], range), quantize(values[2], range),
                    quantize(values[3], range));
    } else {
        int32_t r[4];
#pragma unroll
        for (int n = 0; n < 4; ++n) {
            const float value = kEnding.bounded ? fmaxf(values[n], range.low) : values[n];
            // Bits of positive floats are ordered like the floats; what is small is far above -2^23.
            r[n] = static_cast<int32_t>(float_bits(plus(value, 12582912.0f))) + range.shift;
        }
        return pack_saturated(r[0], r[1], r[2], r[3]);
    }
}

// Four results and what is added to them.
template <WindowEnding kEnding>
__device__ __forceinline__ uint32_t added(const float (&values)[4], uint32_t r_word,
                                          const WindowAddition& a) {
    int32_t sums[4];
#pragma unroll
    for (int n = 0; n < 4; ++n) {
        const float clamped = fminf(fmaxf(values[n], a.least), a.most);
        const float result = plus(plus(clamped, 12582912.0f), a.result_origin);
        const float r = byte_to_float(r_word ^ kByteBias, n, a.r_origin);
        const float sum = kEnding.result_first
                              ? fused_multiply_add(result, a.of_result, fused_multiply_add(r, a.of_r, a.f))
                              : fused_multiply_add(r, a.of_r, fused_multiply_add(result, a.of_result, a.f));
        sums[n] = static_cast<int32_t>(float_bits(plus(sum, 12582912.0f))) + a.shift;
    }
    return pack_saturated(sums[0], sums[1], sums[2], sums[3]);
}

// Stores a lane's results of 64 rows, those of two pixels.
template <class S, WindowEnding kEnding>
__device__ __forceinline__ void store_results(const Window& g, const int32_t (&acc)[S::kColumns / 2],
                                              const WindowShared& shared, const OutputRange& range,
                                              const WindowAddition& addition,
                                              const LaneVector<S::kWords> (&residual)[2][S::kLaneGroups],
                                              const int (&pixel)[2], int first, int8_t* y) {
    const int t = threadIdx.x % 4;
    const auto* multipliers = reinterpret_cast<const float4*>(shared.multiplier) + t;
#pragma unroll
    for (int group = 0; group < S::kLaneGroups; ++group) {
        LaneVector<S::kWords> v[2];
#pragma unroll
        for (int word = 0; word < S::kWords; ++word) {
            const float4 m = multipliers[group * S::kLaneGroup / 4 + word * 4];
            const int octet = group * S::kLaneGroup / 8 + word * 2;
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const float values[4] = {scaled<kEnding>(acc[octet * 4 + half * 2], m.x),
                                         scaled<kEnding>(acc[octet * 4 + half * 2 + 1], m.y),
                                         scaled<kEnding>(acc[octet * 4 + half * 2 + 4], m.z),
                                         scaled<kEnding>(acc[octet * 4 + half * 2 + 5], m.w)};
                if constexpr (S::kAdds)
                    v[half].word[word] = added<kEnding>(values, residual[half][group].word[word], addition);
                else
                    v[half].word[word] = requantized<kEnding>(values, range);
            }
        }
        const int column = first + group * S::kLaneGroup + t * (S::kLaneGroup / 4);
#pragma unroll
        for (int half = 0; half < 2; ++half)
            if (pixel[half] >= 0 && column < g.k)
                v[half].write(y + static_cast<int64_t>(pixel[half]) * g.k + column);
    }
}

// Adds up the products of a tile; `row` is the first one in the tile's buffers. kTaps: all in one phase, 0
// for any number.
template <class S, int kWidth, int kTaps>
__device__ __forceinline__ void add_products(int32_t (&acc)[S::kTiles][S::kColumns / 2], const Window& g,
                                             const WindowShared& shared, int row, bool weights_are_there,
                                             Ring& x, Ring& w) {
    const bool signals = threadIdx.x % 32 == 0;
    uint32_t done_x = 0, done_w = 0;  // barriers of the buffers that the open group of products reads
    uint32_t place = 0;
    const uint64_t weights = matrix_at(shared.w, kWidth);
    for (int width = 0; width < g.widths; ++width)
        for (int phase = 0; phase < (kTaps ? 1 : g.phases); ++phase) {
            wait_for(shared.x_full + x.stage * 8, x.parity);
            const uint64_t rows = matrix_at(shared.x + x.stage * g.x_bytes + row * kWidth, kWidth);
            const int taps = kTaps ? kTaps : g.phase[phase].taps,
                      first = kTaps ? 0 : g.phase[phase].first_tap;
#pragma unroll(kTaps ? kTaps : 1)
            for (int tap = 0; tap < taps; ++tap) {
                const uint32_t stage = g.resident ? place++ : w.stage;
                if (!weights_are_there) wait_for(shared.w_full + stage * 8, g.resident ? 0 : w.parity);
                const uint64_t a = rows + static_cast<uint32_t>(g.tap[first + tap].shift * (kWidth / 16));
                const uint64_t b = weights + stage * (S::kColumns * kWidth / 16);
                open_products();
#pragma unroll
                for (int depth = 0; depth < kWidth / 32; ++depth)
#pragma unroll
                    for (int i = 0; i < S::kTiles; ++i)
                        multiply_add<S::kColumns>(acc[i], a + i * 64 * kWidth / 16 + depth * 2,
                                                  b + depth * 2);
                commit_products();
                if (g.resident && tap + 1 < taps) continue;
                wait_for_products<1>();
                if (signals && done_x != 0) arrive(done_x);
                if (signals && done_w != 0) arrive(done_w);
                done_x = tap + 1 == taps ? shared.x_empty + x.stage * 8 : 0;
                done_w = g.resident ? 0 : shared.w_empty + w.stage * 8;
                if (!g.resident) w.advance();
            }
            x.advance();
        }
    wait_for_products<0>();
    if (signals) arrive(done_x);
    if (signals && done_w != 0) arrive(done_w);
}

template <class S, int kWidth>
__device__ __forceinline__ void add_products(int32_t (&acc)[S::kTiles][S::kColumns / 2], const Window& g,
                                             const WindowShared& shared, int row, bool weights_are_there,
                                             Ring& x, Ring& w) {
    if (g.phases == 1 && g.phase[0].taps == 9)
        add_products<S, kWidth, 9>(acc, g, shared, row, weights_are_there, x, w);
    else if (g.phases == 1 && g.phase[0].taps == 1)
        add_products<S, kWidth, 1>(acc, g, shared, row, weights_are_there, x, w);
    else
        add_products<S, kWidth, 0>(acc, g, shared, row, weights_are_there, x, w);
}

// Fetches what will be added to a tile, to the L2 cache: two threads for a row and its next 128 columns.
template <class S>
__device__ __forceinline__ void prefetch_residual(const Window& g, const WindowAddition& addition,
                                                  uint32_t first, int first_column) {
    static_assert(S::kColumns <= 128);
    if (threadIdx.x >= S::kRows) return;
    const WindowPixel pixel(g, first + threadIdx.x);
    if (pixel.place >= 0)
        asm volatile("prefetch.global.L2 [%0];"
                     :
                     : "l"(addition.r + static_cast<int64_t>(pixel.place) * g.k + first_column));
}

// What warp `number` of those that multiply does with the buffers.
template <class S>
__device__ __forceinline__ void multiply_and_store(const Window& g, const WindowShared& shared,
                                                   const uint8_t* weights, const Epilogue& epilogue,
                                                   const int32_t* biases, const OutputRange& range,
                                                   const WindowAddition& addition, int number, int tile,
                                                   int column_block, int8_t* y) {
    constexpr int kWorthwhile = 4;  // tiles to look at the weights for
    const int first_column = column_block * S::kColumns;
    const int group = number / 4, warp = number % 4, lane = static_cast<int>(threadIdx.x) % 32;

    // The weights come among the first tile's x, of which there is no more than has room before it is used.
    const bool all_weights_come = g.resident && g.widths * g.phases <= g.x_stages;
    bool small = false;
    if (all_weights_come && (S::kAdds || range.high == 127) &&
        (g.tiles - tile) / g.tile_step >= kWorthwhile) {
        for (int stage = 0; stage < g.w_stages; ++stage) wait_for(shared.w_full + stage * 8, 0);
        small = sums_are_small<S>(g, shared, weights, biases, epilogue.multiplier, first_column);
    }
    for (int i = threadIdx.x; i < g.kinds * S::kColumns; i += S::kThreads) {
        const int kind = i / S::kColumns, column = i % S::kColumns, at = first_column + column;
        const int place = bias_place<S>(column);
        shared.bias[kind * S::kColumns + place] =
            wrapping_add(at < g.k ? biases[kind * g.k + at] : 0, small ? kSumOrigin : 0);
        if (kind == 0) shared.multiplier[place] = at < g.k ? epilogue.multiplier[at] : 0.0f;
    }
    any_of(S::kThreads, false);

    // Blocks that share a multiprocessor would otherwise all multiply, and then all store.
    if (blockIdx.x >= gridDim.x / 2) __nanosleep(g.delay);

    Ring x(g.x_stages), w(g.w_stages);
    bool weights_are_there = false;
    for (; tile < g.tiles; tile += g.tile_step, weights_are_there = g.resident) {
        const uint32_t first = static_cast<uint32_t>(tile) * S::kRows;
        int pixel[S::kTiles][2];
        int32_t acc[S::kTiles][S::kColumns / 2];
        LaneResidual<S> residual;
        if constexpr (S::kAdds)
            prefetch_residual<S>(g, addition, first + g.tile_step * S::kRows, first_column);
        // Each lane looks for one pixel of its warp's, or two do.
        const WindowPixel found(
            g, first + group * S::kTiles * 64 + lane / 16 % S::kTiles * 64 + warp * 16 + lane % 16);
#pragma unroll
        for (int i = 0; i < S::kTiles; ++i)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int source = i * 16 + half * 8 + lane / 4;
                pixel[i][half] = __shfl_sync(~0u, found.place, source);
                const int kind = g.kinds > 1 ? __shfl_sync(~0u, found.kind, source) : 0;
                const auto* starts =
                    reinterpret_cast<const int2*>(shared.bias + kind * S::kColumns) + lane % 4 * 2;
#pragma unroll
                for (int j = 0; j < S::kColumns / 8; ++j) {
                    const int2 start = starts[j / 2 * 8 + j % 2];
                    acc[i][j * 4 + half * 2] = start.x, acc[i][j * 4 + half * 2 + 1] = start.y;
                }
                if constexpr (S::kAdds) {
                    const int column = first_column + lane % 4 * (S::kLaneGroup / 4);
                    const int8_t* source_of_r =
                        addition.r + static_cast<int64_t>(pixel[i][half]) * g.k + column;
#pragma unroll
                    for (int j = 0; j < S::kLaneGroups; ++j) {
                        residual.v[i][half][j] = {};
                        if (pixel[i][half] >= 0 && column + j * S::kLaneGroup < g.k)
                            residual.v[i][half][j] =
                                LaneVector<S::kWords>::read(source_of_r + j * S::kLaneGroup);
                    }
                }
            }

        const int row = (g.flat ? 0 : static_cast<int>(first - g.pitch.quotient(first) * g.pitch.value)) +
                        group * S::kTiles * 64;
        if (g.width == 128)
            add_products<S, 128>(acc, g, shared, row, weights_are_there, x, w);
        else if (g.width == 64)
            add_products<S, 64>(acc, g, shared, row, weights_are_there, x, w);
        else
            add_products<S, 32, 0>(acc, g, shared, row, weights_are_there, x, w);

        const auto store = [&]<WindowEnding kEnding>() {
#pragma unroll
            for (int i = 0; i < S::kTiles; ++i)
                store_results<S, kEnding>(g, acc[i], shared, range, addition, residual.v[S::kAdds ? i : 0],
                                          pixel[i], first_column, y);
        };
        if constexpr (S::kAdds) {
            if (addition.result_first && small)
                store.template operator()<WindowEnding{true, false, false, true}>();
            else if (addition.result_first)
                store.template operator()<WindowEnding{false, false, false, true}>();
            else if (small)
                store.template operator()<WindowEnding{true, false, false, false}>();
            else
                store.template operator()<WindowEnding{false, false, false, false}>();
        } else {
            if (range.high < 127)
                store.template operator()<WindowEnding{false, true, true}>();
            else if (!small)
                store.template operator()<WindowEnding{false, true, false}>();
            else if (epilogue.low > -128)
                store.template operator()<WindowEnding{true, true, false}>();
            else
                store.template operator()<WindowEnding{true, false, false}>();
        }
    }
}

template <class S>
__global__ void __launch_bounds__(S::kBlockThreads, S::kBlocks)
    window_kernel(const __grid_constant__ Window g, const __grid_constant__ WindowMaps maps,
                  Epilogue epilogue, const int32_t* biases, OutputRange range, WindowAddition addition,
                  int8_t* y) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    extern __shared__ uint8_t dynamic[];
    uint8_t* const start = dynamic + (-shared_address(dynamic) & 1023);
    const WindowShared shared(g, S::kColumns, start);
    if (threadIdx.x == 0) {
        for (int i = 0; i < g.x_stages; ++i)
            start_barrier(shared.x_full + i * 8, 1), start_barrier(shared.x_empty + i * 8, S::kThreads / 32);
        for (int i = 0; i < g.w_stages; ++i)
            start_barrier(shared.w_full + i * 8, 1), start_barrier(shared.w_empty + i * 8, S::kThreads / 32);
        publish_barriers();
    }
    __syncthreads();
    const int tile = static_cast<int>(blockIdx.x) / g.column_blocks;
    const int column_block = static_cast<int>(blockIdx.x) % g.column_blocks;
    const int warp =
        __shfl_sync(~0u, static_cast<int>(threadIdx.x) / 32, 0);  // the same for all, to the compiler
    if (warp == S::kThreads / 32) {
        if (threadIdx.x == S::kThreads) fill_buffers<S>(g, maps, shared, tile, column_block);
    } else {
        if (g.pads_output)
            write_padding(g.y, g.k / 16, epilogue.zero_point, reinterpret_cast<uint4*>(y), S::kThreads);
        multiply_and_store<S>(g, shared, start + g.x_stages * g.x_bytes, epilogue, biases, range, addition,
                              warp, tile, column_block, y);
    }
#endif
}

}  // namespace qudnn::kernels
