// What the warps of stem_pool.cuh agree on: where an image is cut, and how rows of it pass from one to
// another.
#pragma once

#include "kernels/common/common.cuh"
#include "kernels/common/hopper_plain.cuh"
#include "kernels/common/padded_images.cuh"

namespace qudnn::kernels {

constexpr int kPoolWarps = 4;     // of a block, that multiply; as many bring the image
constexpr int kPoolColumns = 64;  // of a block: output channels
constexpr int kLaneWindows = 14;  // of a row, side by side
constexpr int kStripWindows = 4 * kLaneWindows;
constexpr int kStripStep = kStripWindows - 1;  // strips overlap by the window that has no left column
constexpr int kFilterRows = 7;                 // of 8 taps
constexpr int kGroupRows = 4,
              kGroups = 8;       // rows of the image that are brought together, and buffers of them
constexpr int kPlaceWords = 36;  // from a lane's window to the next: 4 more than needed, for other banks
constexpr int kRowWords = (kLaneWindows + 1) * kPlaceWords;

struct StemPool {
    int h, w, k, r, s;
    int p, q;          // of the convolution
    int windows_down;  // of the pool's results
    int windows_over;
    int strips;  // per image
    int pad_top;
    int chunks_before;  // of 4 pixels, from the first that a strip reads to the first of the image
    int shift;          // the pixel of that chunk which is used first
    int rows;           // of windows, of all strips
    int block_rows;     // of them for a block
    int column_blocks;
    PaddedImages<uint32_t> y;
};

// Rows of windows of one strip.
struct StripRows {
    int strip, first, last;

    __device__ StripRows(const StemPool& g, int row, int end) {
        strip = row / g.windows_down;
        first = row - strip * g.windows_down;
        last = min(g.windows_down, first + end - row);
    }
    __device__ int count() const { return last - first; }
    // The row of windows before the first gives the sums that are above it.
    __device__ int start() const { return max(first - 1, 0); }
    // Of rows of the image.
    __device__ int groups() const { return last + 2 - start(); }
};

constexpr int kFilterWords = kPoolColumns * 8;  // of one row of all filters

// What is in a block's shared memory. A row of the filters: the first 4 taps of all, then the others.
struct PoolShared {
    uint32_t filters[kFilterRows][2][kFilterWords / 2];
    uint32_t groups[kGroups][kGroupRows * kRowWords];
    uint64_t full[kGroups], empty[kGroups];  // barriers
};

// Where a group is, counted from a block's first one.
struct GroupPlace {
    int slot = 0, parity = 0;

    __device__ void next() {
        slot = (slot + 1) % kGroups;
        parity ^= slot == 0;
    }
};

}  // namespace qudnn::kernels
