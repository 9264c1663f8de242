// What the runs of one node keep for its later ones.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/common/kept_maps.h"
#include "plan/common/choice.h"
#include "plan/problem/problem.h"

struct CUstream_st;

namespace qudnn::plan {

class Memo {
  public:
    // `constants`: memory whose contents do not change as long as the memo lives. `steps`: of how many plans
    // a run may consist.
    explicit Memo(std::vector<const void*> constants = {}, size_t steps = 0);
    Memo(const Memo&) = delete;
    ~Memo();

    bool is_constant(const void* pointer) const;

    // All that a table depends on; the constants that it is made of, too.
    using TableKey = std::array<int64_t, 24>;

    // The table of the key, in memory of the GPU; null where there is none.
    const void* find_table(const TableKey& key) const;

    // The table of the key. If there is none, make(table) enqueues its making on the stream, and this waits
    // for it, so that it can be read on any stream. Null where none can be made: while a CUDA graph is
    // captured, while another thread makes one, where there are many already, or no memory.
    const void* table(const TableKey& key, size_t bytes, CUstream_st* stream,
                      const std::function<void(void*)>& make);

    // What was chosen for the problem, if a run has kept it in this era; null otherwise.
    Chosen* find_chosen(const Problem& problem, uint64_t era) const;

    // Keeps it as long as the memo lives, unless there are many already: CUDA graphs may run its plans. The
    // node always has the same GPU and configuration.
    void keep_chosen(const Problem& problem, uint64_t era, const std::shared_ptr<Chosen>& chosen);

    // That of one of the plans that a run consists of, so that none crowds out what the others keep; null
    // where there are not so many.
    Memo* of_step(size_t number) const { return number < steps_.size() ? steps_[number].get() : nullptr; }

    kernels::KeptMaps maps;

  private:
    static constexpr size_t kMostTables = 8, kMostChosen = 16;
    struct Table {
        TableKey key{};
        void* data = nullptr;
    };

    struct KnownProblem {
        Problem problem;
        uint64_t era;
        std::shared_ptr<Chosen> chosen;
    };

    std::vector<const void*> constants_;
    std::vector<std::unique_ptr<Memo>> steps_;
    std::mutex keeping_;
    std::array<std::unique_ptr<const KnownProblem>, kMostChosen> known_;  // as tables_, of known_count_
    std::atomic<size_t> known_count_{0};
    std::mutex making_;
    std::array<Table, kMostTables> tables_;  // the first count_ do not change any more
    std::atomic<size_t> count_{0};
    bool out_of_memory_ = false;
};

}  // namespace qudnn::plan
