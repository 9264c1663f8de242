#include "testing/fakes/allocations.h"

#include <cstdlib>
#include <new>

namespace qudnn::testing {

uint64_t& allocations_of_this_thread() {
    thread_local uint64_t count = 0;
    return count;
}

}  // namespace qudnn::testing

// Those of the library with the fakes, which shows them to no other.
void* operator new(std::size_t bytes) {
    ++qudnn::testing::allocations_of_this_thread();
    if (void* const memory = std::malloc(bytes > 0 ? bytes : 1)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
