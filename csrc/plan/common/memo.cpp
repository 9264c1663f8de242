#include "plan/common/memo.h"

#include <cuda_runtime_api.h>

#include <algorithm>

#include "plan/common/cuda_error.h"

namespace qudnn::plan {

Memo::Memo(std::vector<const void*> constants, size_t steps) : constants_(std::move(constants)) {
    for (size_t i = 0; i < steps; ++i) steps_.push_back(std::make_unique<Memo>(constants_));
}

Memo::~Memo() {
    if (count_ == 0) return;
    const DespiteCapture allowed;
    for (const Table& table : tables_) cudaFree(table.data);  // does nothing where CUDA has ended
}

bool Memo::is_constant(const void* pointer) const {
    return std::find(constants_.begin(), constants_.end(), pointer) != constants_.end();
}

const void* Memo::find_table(const TableKey& key) const {
    const size_t count = count_.load(std::memory_order_acquire);
    for (size_t i = 0; i < count; ++i)
        if (tables_[i].key == key) return tables_[i].data;
    return nullptr;
}

const void* Memo::table(const TableKey& key, size_t bytes, CUstream_st* stream,
                        const std::function<void(void*)>& make) {
    if (const void* const known = find_table(key)) return known;
    if (count_ == kMostTables || is_capturing(stream)) return nullptr;
    const std::unique_lock lock(making_, std::try_to_lock);
    if (!lock || out_of_memory_ || count_ == kMostTables) return nullptr;
    if (const void* const known = find_table(key)) return known;  // another thread has just made it
    const DespiteCapture allowed;
    Table& next = tables_[count_];
    if (const cudaError_t error = cudaMalloc(&next.data, bytes); error != cudaSuccess) {
        cudaGetLastError();
        next.data = nullptr;
        out_of_memory_ = error == cudaErrorMemoryAllocation;
        if (!out_of_memory_) check_cuda(error);
        return nullptr;
    }
    try {
        make(next.data);
        check_cuda(cudaStreamSynchronize(stream));
    } catch (...) {
        cudaFree(std::exchange(next.data, nullptr));
        throw;
    }
    next.key = key;
    count_.fetch_add(1, std::memory_order_release);
    return next.data;
}

Chosen* Memo::find_chosen(const Problem& problem, uint64_t era) const {
    const size_t count = known_count_.load(std::memory_order_acquire);
    for (size_t i = 0; i < count; ++i)
        if (known_[i]->era == era && known_[i]->problem == problem) return known_[i]->chosen.get();
    return nullptr;
}

void Memo::keep_chosen(const Problem& problem, uint64_t era, const std::shared_ptr<Chosen>& chosen) {
    if (known_count_.load(std::memory_order_relaxed) == kMostChosen) return;
    const std::lock_guard lock(keeping_);
    const size_t count = known_count_.load(std::memory_order_relaxed);
    if (count == kMostChosen || find_chosen(problem, era) != nullptr) return;
    known_[count] = std::make_unique<const KnownProblem>(KnownProblem{problem, era, chosen});
    known_count_.store(count + 1, std::memory_order_release);
}

}  // namespace qudnn::plan
