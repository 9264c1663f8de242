// What GCC's C++ library asks of newer glibcs than 2.28, for a library that is linked for that one
// (QUDNN_PORTABLE).
#include <sys/random.h>

#include <cstdint>

extern "C" {

// glibc 2.32: true lets the library count references without atomic operations. Other threads run here.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;

// glibc 2.36: std::random_device's source.
__attribute__((visibility("hidden"))) uint32_t arc4random() {
    uint32_t number = 0;
    while (getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
    }
    return number;
}
}
