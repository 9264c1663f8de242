// How often a thread allocated with `new`. What the fakes themselves allocate does not count.
#pragma once

#include <cstdint>

namespace qudnn::testing {

uint64_t& allocations_of_this_thread();

// Nothing that is allocated as long as it lives counts.
class Uncounted {
  public:
    Uncounted() : before_(allocations_of_this_thread()) {}
    Uncounted(const Uncounted&) = delete;
    ~Uncounted() { allocations_of_this_thread() = before_; }

  private:
    uint64_t before_;
};

}  // namespace qudnn::testing
