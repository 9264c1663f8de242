// Plans on trial: run on a problem's real inputs, compared with the plain native engine's result, timed.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "plan/common/host.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

struct OutOfMemory : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// GPU memory of the tuner's own: what it needs once must not stay in the runtime's arena. Where the GPU has
// none left, the arena may, which the host knows; it may be null.
class Buffer {
  public:
    Buffer(size_t bytes, const Host* host);  // throws OutOfMemory
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer();

    void* data() const { return data_; }
    size_t size() const { return size_; }

  private:
    void* data_ = nullptr;
    std::unique_ptr<Workspace> of_host_;
    size_t size_;
};

// One problem's trial. While one of the process uses the GPU, others wait: they would spoil its timing. The
// problem's y is overwritten.
class Trial {
  public:
    // Whether this thread uses the GPU for a trial. What it runs then is not tuned: that would be a trial in
    // a trial.
    static bool in_this_thread();

    // Runs the reference. Throws OutOfMemory where there is no room for a second result.
    Trial(const Problem& problem, const Arguments& arguments, const Host& host, const Plan& reference);
    ~Trial();

    // Whether all tensors fit in the GPU's L2 cache.
    bool in_cache() const;

    // How long the reference took.
    double reference_microseconds() const { return reference_microseconds_; }

    // The number of bytes in which the plan's result differs from the reference's. Throws where it does not
    // run; OutOfMemory where there is no room for its workspace. The plans that it runs are found or made
    // first.
    uint64_t differing_bytes(const Plan& plan);

    // Times each plan, in microseconds. Where all tensors fit in the GPU's L2 cache, as in a model, whose
    // nodes read what was just written: the mean of some runs, one after the other, which overlap if the plan
    // can. Else once, with nothing of them in the cache.
    std::vector<double> time(std::span<const Plan* const> plans);

  private:
    void make_room(const Plan& plan);
    void* workspace() const { return workspace_ ? workspace_->data() : nullptr; }
    void execute(const Plan& plan);
    void evict();

    struct Events {
        std::vector<cudaEvent_t> all;
        cudaEvent_t get(size_t index);
        ~Events();
    };

    const Host& host_;
    const Launch launch_;
    const Arguments arguments_;  // y is the reference's result
    const int64_t y_bytes_;
    const int64_t bytes_of_activations_;
    Buffer result_;
    Buffer count_;
    std::unique_ptr<Buffer> workspace_;
    std::unique_ptr<Buffer> eviction_;  // null where there is no memory for it
    Events events_;
    double reference_microseconds_ = 0;
};

}  // namespace qudnn::plan
