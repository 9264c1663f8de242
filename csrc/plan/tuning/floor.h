// The least time that a GPU can take for a problem, by what it computes and moves.
#pragma once

#include "export.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

// What a GPU can do at best, each a second.
struct Rates {
    double operations = 0;  // int8 multiplications and additions; 0: not known
    double bytes = 0;       // to and from its memory; 0: not known
};

// Of a GPU with so many multiprocessors at this clock, by the tensor cores of its compute capability, and
// with memory of this clock (which moves data twice) and bus width.
QUDNN_API Rates rates(int major, int minor, int multiprocessors, double clock_hertz,
                      double memory_clock_hertz, int bus_bits);

// Those of the current GPU.
Rates current_rates();

// Microseconds. cached: all tensors are in the L2 cache, as trials have it where they fit.
QUDNN_API double floor_microseconds(const Problem& problem, const Rates& rates, bool cached);

}  // namespace qudnn::plan
