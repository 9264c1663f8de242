#include "plan/tuning/trial.h"

#include <algorithm>
#include <mutex>
#include <string>

#include "kernels/common/compare.h"
#include "plan/common/cuda_error.h"

namespace qudnn::plan {

namespace {

constexpr double kWorthRepeating = 20'000;  // microseconds
constexpr int kRunsInCache = 4;
constexpr int kMoreEvictions = 4;

thread_local bool alone_in_this_thread = false;

// As long as it lives, no other trial uses the GPU.
class Alone {
  public:
    Alone() : lock_(gpu()) { alone_in_this_thread = true; }
    Alone(const Alone&) = delete;
    ~Alone() { alone_in_this_thread = false; }

  private:
    static std::mutex& gpu() {
        static std::mutex mutex;
        return mutex;
    }
    const std::lock_guard<std::mutex> lock_;
};

std::unique_ptr<Buffer> eviction_buffer() {
    int device = 0, l2 = 0;
    check_cuda(cudaGetDevice(&device));
    check_cuda(cudaDeviceGetAttribute(&l2, cudaDevAttrL2CacheSize, device));
    try {
        return std::make_unique<Buffer>(2 * static_cast<size_t>(l2), nullptr);
    } catch (const OutOfMemory&) {
        return nullptr;  // timing is less realistic then, nothing else
    }
}

double microseconds_between(cudaEvent_t start, cudaEvent_t stop) {
    float milliseconds = 0;
    check_cuda(cudaEventElapsedTime(&milliseconds, start, stop));
    return 1e3 * static_cast<double>(milliseconds);
}

}  // namespace

Buffer::Buffer(size_t bytes, const Host* host) : size_(bytes) {
    if (bytes == 0) return;
    const cudaError_t error = cudaMalloc(&data_, bytes);
    if (error != cudaErrorMemoryAllocation) {
        check_cuda(error);
        return;
    }
    cudaGetLastError();
    data_ = nullptr;
    try {
        if (host != nullptr) of_host_ = host->workspace(bytes);
    } catch (const std::exception&) {
        // Neither the GPU nor the arena has memory.
    }
    if (of_host_ == nullptr) throw OutOfMemory("out of GPU memory for " + std::to_string(bytes) + " bytes");
    data_ = of_host_->data();
}

Buffer::~Buffer() {
    if (of_host_ == nullptr) cudaFree(data_);
}

cudaEvent_t Trial::Events::get(size_t index) {
    while (all.size() <= index) {
        cudaEvent_t event = nullptr;
        check_cuda(cudaEventCreate(&event));
        all.push_back(event);
    }
    return all[index];
}

Trial::Events::~Events() {
    for (cudaEvent_t event : all) cudaEventDestroy(event);
}

Trial::Trial(const Problem& problem, const Arguments& arguments, const Host& host, const Plan& reference)
    : host_(host),
      launch_(host.launch()),
      arguments_(arguments),
      y_bytes_(y_bytes(problem)),
      bytes_of_activations_(bytes_of_activations(problem)),
      result_(static_cast<size_t>(y_bytes_), &host),
      count_(sizeof(unsigned long long), &host),
      eviction_(eviction_buffer()) {
    make_room(reference);
    const Alone alone;
    // The first run may have to load the kernel, so a second one is timed, if it does not take too long.
    for (int i = 0; i < 2 && (i == 0 || reference_microseconds_ < kWorthRepeating); ++i) {
        check_cuda(cudaEventRecord(events_.get(0), launch_.stream));
        reference.execute(launch_, arguments_, workspace());
        check_cuda(cudaEventRecord(events_.get(1), launch_.stream));
        check_cuda(cudaStreamSynchronize(launch_.stream));
        reference_microseconds_ = microseconds_between(events_.get(0), events_.get(1));
    }
}

// After an exception, work may still use the memory that is freed here: CUDA waits for that work.
Trial::~Trial() = default;

bool Trial::in_this_thread() { return alone_in_this_thread; }

void Trial::make_room(const Plan& plan) {
    if (plan.workspace_size() <= (workspace_ ? workspace_->size() : 0)) return;
    workspace_.reset();
    workspace_ = std::make_unique<Buffer>(plan.workspace_size(), &host_);
}

void Trial::execute(const Plan& plan) {
    make_room(plan);
    Arguments arguments = arguments_;
    arguments.y = result_.data();
    plan.execute(launch_, arguments, workspace());
}

bool Trial::in_cache() const {
    const auto cache = eviction_ ? static_cast<int64_t>(eviction_->size() / 2) : 0;
    return bytes_of_activations_ <= cache / 2;
}

uint64_t Trial::differing_bytes(const Plan& plan) {
    if (plan.runs_others()) execute(plan);
    const Alone alone;
    const auto* reference = static_cast<const int8_t*>(arguments_.y);
    auto* result = static_cast<int8_t*>(result_.data());
    auto* count = static_cast<unsigned long long*>(count_.data());
    check_cuda(kernels::invert(y_bytes_, reference, result, launch_.stream));
    execute(plan);
    check_cuda(cudaMemsetAsync(count, 0, sizeof *count, launch_.stream));
    check_cuda(kernels::count_differences(y_bytes_, reference, result, count, launch_.stream));
    unsigned long long differing = 0;
    check_cuda(cudaMemcpyAsync(&differing, count, sizeof differing, cudaMemcpyDeviceToHost, launch_.stream));
    check_cuda(cudaStreamSynchronize(launch_.stream));
    return differing;
}

// Besides evicting, this keeps the GPU busy until plans are enqueued, so that no gap is measured.
void Trial::evict() {
    if (eviction_) check_cuda(cudaMemsetAsync(eviction_->data(), 0, eviction_->size(), launch_.stream));
}

std::vector<double> Trial::time(std::span<const Plan* const> plans) {
    const Alone alone;
    const bool cached = in_cache();
    const int runs = cached ? kRunsInCache : 1;
    for (size_t i = 0; i < plans.size(); ++i) {
        evict();
        // Several launches take the host longer.
        for (int more = 0; more < (plans[i]->runs_others() ? kMoreEvictions : 0); ++more) evict();
        if (cached) {
            evict();
            execute(*plans[i]);
        }
        check_cuda(cudaEventRecord(events_.get(2 * i), launch_.stream));
        for (int run = 0; run < runs; ++run) execute(*plans[i]);
        check_cuda(cudaEventRecord(events_.get(2 * i + 1), launch_.stream));
    }
    check_cuda(cudaStreamSynchronize(launch_.stream));
    std::vector<double> microseconds;
    microseconds.reserve(plans.size());
    for (size_t i = 0; i < plans.size(); ++i) {
        microseconds.push_back(microseconds_between(events_.get(2 * i), events_.get(2 * i + 1)) / runs);
    }
    return microseconds;
}

}  // namespace qudnn::plan
