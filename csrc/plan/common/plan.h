// A plan: an engine bound to a problem, ready to run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/common/columns.h"
#include "kernels/epilogue/epilogue.h"
#include "kernels/epilogue/residual.h"

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
};

// Those that are constants of a model where nothing else is said.
inline std::vector<const void*> constants_of(const Arguments& a) { return {a.w, a.epilogue.bias}; }

class Memo;

// Where to run it: the handle works on the stream; null where there is no cuDNN. The memo is of the node
// whose arguments these are; null where there is none.
struct Launch {
    CUstream_st* stream;
    cudnnContext* cudnn;
    Memo* memo = nullptr;
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

    // What the engine makes the same plan from in another process; empty where the name is enough.
    virtual std::string serialize() const { return {}; }

    const std::string& name() const { return name_; }
    size_t workspace_size() const { return workspace_size_; }

  private:
    std::string name_;
    size_t workspace_size_;
};

}  // namespace qudnn::plan
