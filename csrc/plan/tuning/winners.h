// What is known of cuDNN's kernels by measurements, by GPU generation: which were the fastest of all, and
// where none was.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "export.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

struct Winner {
    std::string_view kernel;    // as plans have it
    int rows = 0, columns = 0;  // outputs of a block; 0: not known
};

// Of GPUs of this compute capability's major version, the one that won most often first. Empty where nothing
// was measured.
QUDNN_API std::span<const Winner> winners(int major);

// A GPU, and a problem's results as a matrix: pixels by channels.
struct QUDNN_API Tiling {
    int major = 0;
    int64_t multiprocessors = 1;
    int64_t rows = 0, columns = 0;

    static Tiling of(const Problem& problem, int major, int multiprocessors);
};

// The kernel's place among the winners of its engine: the one whose busiest multiprocessor has the least to
// do first; those of unknown tiles last. Entrant::kNoRank where it is none of them.
QUDNN_API size_t rank_of(const std::string& kernel, const Tiling& tiling);

// Whether our own kernels were faster than all of cuDNN's for all problems of this kind.
QUDNN_API bool own_kernels_suffice(const Problem& problem, int major);

}  // namespace qudnn::plan
