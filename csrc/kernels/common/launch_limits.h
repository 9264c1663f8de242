// What CUDA has to be asked or told before a kernel's launch, once for a kernel and a GPU: each of these
// calls takes the host about as long as a launch.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <map>
#include <memory>
#include <tuple>

namespace qudnn::kernels {

// A value of this thread for each key, found by find(value), which returns cudaSuccess if it found one. What
// is kept is forgotten where there is too much of it.
template <class Key, class Value, class Find>
cudaError_t once_in_thread(const Key& key, Value& value, const Find& find) {
    constexpr size_t kMost = 512;
    thread_local std::map<Key, Value> known;
    if (const auto found = known.find(key); found != known.end()) {
        value = found->second;
        return cudaSuccess;
    }
    const cudaError_t status = find(value);
    if (status != cudaSuccess) return status;
    if (known.size() == kMost) known.clear();
    known.emplace(key, value);
    return cudaSuccess;
}

// What make(problem) gives on the current GPU, made once in a thread; made of nothing where there is no GPU.
template <class Problem, class Make>
auto made_once_in_thread(const Problem& problem, const Make& make) {
    using Made = std::shared_ptr<const decltype(make(problem))>;
    int device = -1;
    if (cudaGetDevice(&device) != cudaSuccess) return Made(std::make_shared<decltype(make(problem))>());
    Made made;
    once_in_thread(std::tuple(problem, device), made, [&](Made& now) {
        now = std::make_shared<decltype(make(problem))>(make(problem));
        return cudaSuccess;
    });
    return made;
}

// Lets blocks of the kernel have so many bytes of dynamic shared memory: the same for all of its launches,
// since other threads may be launching it, too.
template <typename... Parameters>
cudaError_t allow_shared_memory(void (*kernel)(Parameters...), int bytes) {
    int device = -1, allowed = 0;
    if (const cudaError_t status = cudaGetDevice(&device); status != cudaSuccess) return status;
    const auto* const function = reinterpret_cast<const void*>(kernel);
    return once_in_thread(std::tuple(function, device, bytes), allowed, [&](int& now) {
        now = bytes;
        return cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
    });
}

// How many blocks of the kernel a multiprocessor runs at once.
template <typename... Parameters>
cudaError_t find_resident_blocks(void (*kernel)(Parameters...), int threads, size_t shared_bytes,
                                 int& blocks) {
    int device = -1;
    if (const cudaError_t status = cudaGetDevice(&device); status != cudaSuccess) return status;
    const auto* const function = reinterpret_cast<const void*>(kernel);
    return once_in_thread(std::tuple(function, device, threads, shared_bytes), blocks, [&](int& now) {
        return cudaOccupancyMaxActiveBlocksPerMultiprocessor(&now, function, threads, shared_bytes);
    });
}

}  // namespace qudnn::kernels
