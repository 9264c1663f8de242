// A CUDA runtime that computes nothing: it counts what it is asked for, and notes what a launch got. For
// tests of all that comes before a launch, without a GPU. It has the functions that the library uses: one
// that is not here yet is an undefined symbol when the tests load the library. Its GPU is an H200.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qudnn::testing {

struct FakeLaunch {
    std::string kernel;
    // Of the kernel of window.h: the addresses in its tensor maps (x in all phases, weights, residual, y),
    // then those of its biases and y.
    std::vector<uint64_t> addresses;
};

// Since the last take_cuda_calls(), in this process.
struct CudaCalls {
    uint64_t tensor_maps = 0, synchronizations = 0;
    uint64_t questions = 0;   // about a GPU or a kernel, or what a kernel is allowed
    int64_t allocations = 0;  // those that are not freed, from the start
    std::vector<FakeLaunch> launches;
};

CudaCalls take_cuda_calls();

// Whether streams say that a CUDA graph captures them.
void set_capturing(bool capturing);

// The last launch of this thread.
const FakeLaunch& last_launch();

// Of which launches there are notes: of none, of the last one of each thread, or of those besides that
// take_cuda_calls() tells.
enum class Notes { none, last, all };
void note_launches(Notes of_launches);

}  // namespace qudnn::testing
