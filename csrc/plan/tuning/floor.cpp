#include "plan/tuning/floor.h"

#include <cuda_runtime_api.h>

#include <algorithm>

#include "plan/common/cuda_error.h"

namespace qudnn::plan {

namespace {

constexpr double kLaunch = 2;         // microseconds from one kernel to the next on a stream
constexpr double kCacheIsFaster = 3;  // than memory, at most

// Int8 operations of a multiprocessor in a clock cycle, dense: NVIDIA's data sheets of T4, A100, RTX 3090 and
// 4090, H100, B200 and RTX 5090, over their multiprocessors and boost clocks.
double operations_per_cycle(int major, int minor) {
    switch (major) {
        case 7:
            return 2048;
        case 8:
            return minor == 0 ? 4096 : 2048;
        case 9:
            return 8192;
        case 10:
            return 16384;
        case 12:
            return 2048;
        default:
            return 0;
    }
}

int64_t bytes_of_weights(const Problem& problem) {
    return std::visit(
        [](const auto& p) -> int64_t {
            if constexpr (requires { p.group; }) {
                return p.k * p.t * p.r * p.s * (p.c / p.group);
            } else if constexpr (requires { p.batch; }) {
                return 0;  // both are activations
            } else if constexpr (requires { p.depthwise; }) {
                return p.weights();
            } else {
                return p.k * p.c;
            }
        },
        problem);
}

int attribute(cudaDeviceAttr which, int device) {
    int value = 0;
    check_cuda(cudaDeviceGetAttribute(&value, which, device));
    return value;
}

}  // namespace

Rates rates(int major, int minor, int multiprocessors, double clock_hertz, double memory_clock_hertz,
            int bus_bits) {
    return {operations_per_cycle(major, minor) * multiprocessors * clock_hertz,
            2 * memory_clock_hertz * bus_bits / 8};
}

Rates current_rates() {
    int device = 0;
    check_cuda(cudaGetDevice(&device));
    return rates(attribute(cudaDevAttrComputeCapabilityMajor, device),
                 attribute(cudaDevAttrComputeCapabilityMinor, device),
                 attribute(cudaDevAttrMultiProcessorCount, device),
                 1e3 * attribute(cudaDevAttrClockRate, device),
                 1e3 * attribute(cudaDevAttrMemoryClockRate, device),
                 attribute(cudaDevAttrGlobalMemoryBusWidth, device));
}

double floor_microseconds(const Problem& problem, const Rates& rates, bool cached) {
    double floor = kLaunch;
    if (rates.operations > 0)
        floor = std::max(floor, 2e6 * static_cast<double>(multiplications(problem)) / rates.operations);
    if (rates.bytes > 0) {
        const auto moved = static_cast<double>(bytes_of_activations(problem) + bytes_of_weights(problem));
        floor = std::max(floor, 1e6 * moved / (rates.bytes * (cached ? kCacheIsFaster : 1)));
    }
    return floor;
}

}  // namespace qudnn::plan
