// Workspace of runs that belong to no session.
#pragma once

#include <cstddef>
#include <memory>

#include "plan/common/host.h"
#include "plan/tuning/trial.h"

namespace qudnn::plan {

// Memory that is kept for the next run, since to allocate and free it each time would make the runs of plans
// wait for each other. Of one thread and one stream.
class KeptWorkspace {
  public:
    KeptWorkspace() = default;
    KeptWorkspace(const KeptWorkspace&) = delete;

    // Throws OutOfMemory. This has to live longer.
    std::unique_ptr<Workspace> get(size_t bytes) {
        if (taken_) return std::make_unique<Own>(bytes);
        if (kept_ == nullptr || kept_->size() < bytes) {
            kept_.reset();
            kept_ = std::make_unique<Buffer>(bytes, nullptr);
        }
        return std::make_unique<Taken>(*this);
    }

  private:
    struct Own final : Workspace {
        explicit Own(size_t bytes) : buffer(bytes, nullptr) {}
        void* data() const override { return buffer.data(); }
        Buffer buffer;
    };

    struct Taken final : Workspace {
        explicit Taken(KeptWorkspace& from) : from(from) { from.taken_ = true; }
        Taken(const Taken&) = delete;
        ~Taken() override { from.taken_ = false; }
        void* data() const override { return from.kept_->data(); }
        KeptWorkspace& from;
    };

    std::unique_ptr<Buffer> kept_;
    bool taken_ = false;
};

}  // namespace qudnn::plan
