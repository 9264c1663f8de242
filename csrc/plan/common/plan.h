// A plan: an engine bound to a problem, ready to run.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/common/columns.h"
#include "kernels/conv/conv_step.h"
#include "kernels/epilogue/epilogue.h"
#include "kernels/epilogue/residual.h"
#include "plan/problem/problem.h"

struct cudnnContext;
struct CUstream_st;

namespace qudnn::plan {

// What a run of a conv or matmul problem works on, all on the GPU, and its scalars.
struct Arguments {
    const int8_t* x;
    const int8_t* w;
    void* y;  // of the problem's y_type
    kernels::Epilogue epilogue;
    int x_zero_point;  // what padding counts as
    // Of a batch matmul, whose vectors of columns may have one value for all; found stands for all of them:
    kernels::ColumnValues<int8_t> w_zero_point = {};
    kernels::ColumnSteps steps = {};
    kernels::FoundQuantization found = {};
    kernels::Residual residual = {};  // of a convolution that adds one, or the constant that a matmul adds
    // Of a residual block: its convolutions before the last one, whose w, epilogue and residual are those
    // here. x_zero_point is what the padding of its window counts as.
    std::span<const kernels::ConvStep> before = {};
};

// Those that are constants of a model where nothing else is said.
inline std::vector<const void*> constants_of(const Arguments& a) {
    std::vector<const void*> all{a.w, a.epilogue.bias};
    for (const kernels::ConvStep& step : a.before) all.insert(all.end(), {step.w, step.epilogue.bias});
    return all;
}

// The least alignment of the pointers that an engine reads and writes; null pointers do not count.
inline int64_t alignment_of(const Arguments& a) {
    const kernels::Epilogue& e = a.epilogue;
    int64_t least =
        alignment_of({a.x, a.w, a.y, e.bias, e.multiplier, e.addend, e.zero_points, e.table, a.residual.r});
    for (const auto& [w, epilogue] : a.before)
        least = std::min(least, alignment_of({w, epilogue.bias, epilogue.multiplier}));
    return least;
}

class Host;
class Memo;

// Where to run it: the handle works on the stream; null where there is no cuDNN. The memo is of the node
// whose arguments these are; null where there is none. The host is whose run it is, for a plan that runs
// others; null where no such plan runs.
struct Launch {
    CUstream_st* stream;
    cudnnContext* cudnn;
    Memo* memo = nullptr;
    const Host* host = nullptr;
};

class Plan {
  public:
    Plan(std::string name, size_t workspace_size) : name_(std::move(name)), workspace_size_(workspace_size) {}
    virtual ~Plan() = default;

    // Enqueues the work; throws std::exception where it cannot be enqueued. Any number of threads may run
    // one plan, each with its own workspace (256-byte aligned) and handle.
    virtual void execute(const Launch& launch, const Arguments& arguments, void* workspace) const = 0;

    // Bytes of workspace that this run needs, at most workspace_size(): the memo may have what they are for.
    virtual size_t workspace_needed(const Launch&, const Arguments&) const { return workspace_size_; }

    // Whether it runs the plans of other problems, which its first run finds or makes.
    virtual bool runs_others() const { return false; }

    // What the engine makes the same plan from in another process; empty where the name is enough.
    virtual std::string serialize() const { return {}; }

    const std::string& name() const { return name_; }
    size_t workspace_size() const { return workspace_size_; }

  private:
    std::string name_;
    size_t workspace_size_;
};

}  // namespace qudnn::plan
