// How the states of an LSTM layer are shared out among blocks, and what lies in their memory.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/recurrent/lstm.h"

namespace qudnn::kernels {

constexpr int kLstmThreads = 512;
constexpr int kLstmRows = 8;   // sequences at a time
constexpr int kLstmParts = 4;  // threads that share a row of r

// How the states of a direction are shared out: `units` to each of the `blocks` blocks of its cluster.
struct LstmCut {
    int blocks, units;
    int stride;   // of rows of r in shared memory; 0: they stay where they are
    bool spills;  // whether the gates do not fit there, either
};

// A block's memory: the states, quantized, from 0 on, then rows of r, then what is kept of each output. The
// last is elsewhere if it spills. Offsets are multiples of 16.
struct LstmPlaces {
    int rows, gates, sums, bias, bytes, spilled_bytes;

    __host__ __device__ LstmPlaces(int64_t padded_hidden, const LstmCut& cut) {
        const int outputs = 4 * cut.units;
        rows = kLstmRows * static_cast<int>(padded_hidden);
        const int rows_end = rows + outputs * cut.stride;
        gates = cut.spills ? 0 : rows_end;
        sums = gates + outputs * kLstmRows * 4;
        bias = sums + outputs * 4;
        const int end = bias + outputs * 4;
        bytes = cut.spills ? rows_end : end;
        spilled_bytes = cut.spills ? end : 0;
    }
};
static_assert(kLstmWork == 4 * (kLstmRows + 2) * 4);

}  // namespace qudnn::kernels
