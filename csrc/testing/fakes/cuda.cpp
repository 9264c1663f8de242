#include "testing/fakes/cuda.h"

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "testing/fakes/allocations.h"

namespace qudnn::testing {

namespace {

constexpr int kMultiprocessors = 132, kSharedBytes = 232448, kCacheBytes = 50 << 20;

std::atomic<bool> capturing{false};
std::atomic<Notes> notes{Notes::all};
std::atomic<int64_t> allocations{0};
std::mutex mutex;
CudaCalls calls;
thread_local FakeLaunch last;

void count(uint64_t CudaCalls::* counter) {
    const std::lock_guard lock(mutex);
    ++(calls.*counter);
}

// The names of kernels by their address on the host.
std::map<const void*, std::string>& kernels() {
    static std::map<const void*, std::string> all;
    return all;
}

// What the fake encoders write into a map.
uint64_t address_in(const CUtensorMap& map) {
    uint64_t address;
    std::memcpy(&address, &map, sizeof address);
    return address;
}

template <class Type>
uint64_t pointer_in(void* argument) {
    return reinterpret_cast<uintptr_t>(*static_cast<Type**>(argument));
}

void note(const void* kernel, void** arguments) {
    if (notes == Notes::none) return;
    const Uncounted own;
    last = {kernels()[kernel], {}};
    if (last.kernel.find("window_kernel") != std::string::npos) {  // see WindowKernel::run
        const auto* const maps = static_cast<const CUtensorMap*>(arguments[1]);
        for (int i = 0; i < 7; ++i) last.addresses.push_back(address_in(maps[i]));
        last.addresses.push_back(pointer_in<const int32_t>(arguments[3]));
        last.addresses.push_back(pointer_in<int8_t>(arguments[6]));
    }
    if (notes != Notes::all) return;
    const std::lock_guard lock(mutex);
    calls.launches.push_back(last);
}

CUresult encode(CUtensorMap* map, void* address) {
    if (notes == Notes::all) count(&CudaCalls::tensor_maps);
    *map = {};
    std::memcpy(map, &address, sizeof address);
    return CUDA_SUCCESS;
}

CUresult encode_tiled(CUtensorMap* map, CUtensorMapDataType, cuuint32_t, void* address, const cuuint64_t*,
                      const cuuint64_t*, const cuuint32_t*, const cuuint32_t*, CUtensorMapInterleave,
                      CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill) {
    return encode(map, address);
}

CUresult encode_im2col(CUtensorMap* map, CUtensorMapDataType, cuuint32_t, void* address, const cuuint64_t*,
                       const cuuint64_t*, const int*, const int*, cuuint32_t, cuuint32_t, const cuuint32_t*,
                       CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion,
                       CUtensorMapFloatOOBfill) {
    return encode(map, address);
}

}  // namespace

CudaCalls take_cuda_calls() {
    const std::lock_guard lock(mutex);
    calls.allocations = allocations;
    return std::exchange(calls, {});
}

void set_capturing(bool now) { capturing = now; }

const FakeLaunch& last_launch() { return last; }

void note_launches(Notes of_launches) { notes = of_launches; }

}  // namespace qudnn::testing

using namespace qudnn::testing;

extern "C" {

// What the compiler's code for kernels calls.
void** __cudaRegisterFatBinary(void*) {
    static void* binary = nullptr;
    return &binary;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
void __cudaRegisterFunction(void**, const char* kernel, char*, const char* name, int, void*, void*, void*,
                            void*, int*) {
    kernels()[kernel] = name;
}
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
    *kernel = static_cast<cudaKernel_t>(const_cast<void*>(function));
    return cudaSuccess;
}
unsigned __cudaPushCallConfiguration(dim3, dim3, size_t, cudaStream_t) { return 0; }
cudaError_t __cudaPopCallConfiguration(dim3*, dim3*, size_t*, void*) { return cudaSuccess; }
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3, dim3, void** arguments, size_t, cudaStream_t) {
    note(kernel, arguments);
    return cudaSuccess;
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t*, const void* kernel, void** arguments) {
    note(kernel, arguments);
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
    count(&CudaCalls::questions);
    *value = attribute == cudaDevAttrMultiProcessorCount                ? kMultiprocessors
             : attribute == cudaDevAttrComputeCapabilityMajor           ? 9
             : attribute == cudaDevAttrMaxSharedMemoryPerBlockOptin     ? kSharedBytes
             : attribute == cudaDevAttrMaxSharedMemoryPerMultiprocessor ? kSharedBytes + 1024
             : attribute == cudaDevAttrL2CacheSize                      ? kCacheBytes
                                                                        : 1;
    return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    *properties = {};
    std::strcpy(properties->name, "none");
    properties->major = 9;
    properties->multiProcessorCount = kMultiprocessors;
    return cudaSuccess;
}
cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t) { return "an error of the fake CUDA runtime"; }

// Memory of the host. What comes back from it is zero: no byte differs from the reference's.
cudaError_t cudaMalloc(void** memory, size_t bytes) {
    ++allocations;
    *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
    if (memory != nullptr) --allocations;
    std::free(memory);
    return cudaSuccess;
}
cudaError_t cudaMemcpy(void*, const void*, size_t, cudaMemcpyKind) { return cudaSuccess; }
cudaError_t cudaMemcpyAsync(void* to, const void*, size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
    if (kind == cudaMemcpyDeviceToHost) std::memset(to, 0, bytes);
    return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void*, int, size_t, cudaStream_t) { return cudaSuccess; }

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
    return *least = *greatest = 0, cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) {
    return *stream = nullptr, cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
    count(&CudaCalls::synchronizations);
    return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
    *status = capturing ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode*) { return cudaSuccess; }

cudaError_t cudaEventCreate(cudaEvent_t* event) { return *event = nullptr, cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
    return *milliseconds = 0.01f, cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) {
    count(&CudaCalls::questions);
    return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int, size_t) {
    count(&CudaCalls::questions);
    return *blocks = 1, cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* kernel,
                                                                   int threads, size_t bytes, unsigned) {
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, kernel, threads, bytes);
}
cudaError_t cudaOccupancyMaxActiveClusters(int* clusters, const void*, const cudaLaunchConfig_t*) {
    count(&CudaCalls::questions);
    return *clusters = kMultiprocessors / 8, cudaSuccess;
}
cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
    *function = std::string(name) == "cuTensorMapEncodeIm2col" ? reinterpret_cast<void*>(&encode_im2col)
                                                               : reinterpret_cast<void*>(&encode_tiled);
    *result = cudaDriverEntryPointSuccess;
    return cudaSuccess;
}

}  // extern "C"
