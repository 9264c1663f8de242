#include "plan/planner.h"

#include <cuda_runtime_api.h>

namespace qudnn::plan {

namespace {

constexpr size_t kCapacity = 4096;
constexpr size_t kWorkspaceLimit = size_t{1} << 30;

// From this size on it matters that a plain native engine runs a problem.
constexpr int64_t kSpeedRelevant = 10'000'000;

void check_cuda(cudaError_t error) {
    if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

void refuse_during_capture(const Problem& problem, const Launch& launch) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    check_cuda(cudaStreamIsCapturing(launch.stream, &status));
    if (status == cudaStreamCaptureStatusNone) return;
    throw std::runtime_error(
        "no plan yet for this problem, and none can be made while a CUDA graph is captured: "
        "run these shapes once before capturing (" +
        text(problem) + ")");
}

// Builds the candidate and runs it to the end once; throws where it cannot be built or run.
std::shared_ptr<const Plan> build_and_try(const Candidate& candidate, const Arguments& arguments,
                                          const Host& host) {
    if (candidate.workspace_size > kWorkspaceLimit) {
        throw std::runtime_error("needs a workspace of " + std::to_string(candidate.workspace_size) +
                                 " bytes");
    }
    std::shared_ptr<const Plan> plan = candidate.build();
    const auto workspace = host.workspace(plan->workspace_size());
    const Launch launch = host.launch();
    plan->execute(launch, arguments, workspace->data());
    check_cuda(cudaStreamSynchronize(launch.stream));
    return plan;
}

// The first candidate that builds and runs, engine by engine.
std::shared_ptr<const Plan> select(const Problem& problem, const Arguments& arguments, const Host& host) {
    refuse_during_capture(problem, host.launch());
    std::string reasons;
    for (const Engine* engine : engines()) {
        if (!engine->takes(problem)) continue;
        try {
            for (const Candidate& candidate : engine->candidates(problem, host.launch().cudnn)) {
                try {
                    auto plan = build_and_try(candidate, arguments, host);
                    if (engine->native() && multiplications(problem) >= kSpeedRelevant) {
                        host.warn("node " + host.node() +
                                  " runs on the plain native engine, which is slow: " + text(problem) +
                                  reasons);
                    }
                    return plan;
                } catch (const std::exception& e) {
                    reasons += "; " + candidate.name + ": " + e.what();
                }
            }
        } catch (const Unsupported& e) {
            reasons += std::string("; ") + engine->name() + ": " + e.what();
        }
    }
    throw std::runtime_error("no engine runs " + text(problem) + reasons);
}

}  // namespace

void run(const Problem& problem, const Arguments& arguments, const Host& host) {
    const auto plan = cache().get({problem, host.device()}, [&] { return select(problem, arguments, host); });
    const auto workspace = host.workspace(plan->workspace_size());
    plan->execute(host.launch(), arguments, workspace->data());
}

PlanCache& cache() {
    // NOTE: never destroyed. Plans belong to cuDNN, which may be gone before static objects are.
    static PlanCache* const plans = new PlanCache(kCapacity);
    return *plans;
}

}  // namespace qudnn::plan
