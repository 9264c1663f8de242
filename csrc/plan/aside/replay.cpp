#include "plan/aside/replay.h"

#include <cuda_runtime_api.h>

#include <memory>
#include <span>
#include <stdexcept>
#include <utility>

#include "plan/aside/kept_workspace.h"
#include "plan/aside/made_up.h"
#include "plan/common/cuda_error.h"
#include "plan/common/engine.h"
#include "plan/common/host.h"
#include "plan/common/memo.h"
#include "plan/problem/block.h"
#include "plan/tuning/race.h"
#include "plan/tuning/trial.h"
#include "plan/tuning/tuner.h"

namespace qudnn::plan {

namespace {

// Runs on the default stream, as cuDNN's handles do that were told of no other.
class Bench final : public Host {
  public:
    Bench(cudnnContext* cudnn, const Arguments& arguments)
        : cudnn_(cudnn), memo_(constants_of(arguments), kStepsOfBlock) {}

    Launch launch() const override { return {nullptr, cudnn_, &memo_, this}; }
    int device() const override {
        int device = 0;
        check_cuda(cudaGetDevice(&device));
        return device;
    }
    std::unique_ptr<Workspace> workspace(size_t bytes) const override { return workspace_.get(bytes); }
    const Configuration& configuration() const override { return configuration_; }
    const std::string& node() const override { return node_; }
    void warn(const std::string&) const override {}
    void inform(const std::string&) const override {}

  private:
    cudnnContext* cudnn_;
    mutable Memo memo_;
    mutable KeptWorkspace workspace_;
    const Configuration& configuration_ = intern({});  // plans of steps have it for their key
    std::string node_ = "replay";
};

// The plans of all engines, built, and the engines that have none.
struct Field {
    std::vector<Replayed> all;
    std::vector<std::shared_ptr<const Plan>> plans;  // in the order of all; null: there is none

    void add(Replayed replayed, std::shared_ptr<const Plan> plan = nullptr) {
        all.push_back(std::move(replayed));
        plans.push_back(std::move(plan));
    }
};

Field built(const Problem& problem, cudnnContext* cudnn, const std::string& only, bool with_unlikely) {
    Field field;
    for (const Engine* engine : engines()) {
        const std::string name = engine->name();
        const bool is_named = only.empty() || only == name;
        if (const std::string refusal = engine->refusal(problem); !refusal.empty()) {
            if (is_named) field.add({.engine = name, .refusal = refusal});
            continue;
        }
        std::vector<Candidate> candidates;
        try {
            candidates = engine->candidates(problem, cudnn);
        } catch (const std::exception& e) {
            if (is_named) field.add({.engine = name, .refusal = e.what()});
            continue;
        }
        for (const Candidate& candidate : candidates) {
            const bool is_wanted =
                candidate.name == only || (is_named && (with_unlikely || !candidate.unlikely));
            if (!is_wanted) continue;
            Replayed replayed{.engine = name, .plan = candidate.name};
            std::shared_ptr<const Plan> plan;
            try {
                plan = candidate.build();
            } catch (const std::exception& e) {
                replayed.refusal = e.what();
            }
            field.add(std::move(replayed), std::move(plan));
        }
    }
    return field;
}

}  // namespace

std::vector<Replayed> replay(const Problem& problem, cudnnContext* cudnn, const std::string& only,
                             bool with_unlikely) {
    const auto reference = native_plan(problem);
    if (reference == nullptr) throw std::runtime_error("no engine runs " + text(problem));
    MadeUpTensors tensors;
    const Arguments arguments = tensors.arguments(problem);
    const Bench host(cudnn, arguments);

    Field field = built(problem, cudnn, only, with_unlikely);
    Trial trial(problem, arguments, host, *reference);
    std::vector<size_t> running;
    for (size_t i = 0; i < field.all.size(); ++i) {
        Replayed& replayed = field.all[i];
        if (field.plans[i] == nullptr) continue;
        replayed.is_reference = replayed.plan == reference->name();
        try {
            replayed.differing_bytes = trial.differing_bytes(*field.plans[i]);
            if (replayed.differing_bytes == 0) running.push_back(i);
        } catch (const std::exception& e) {
            replayed.refusal = e.what();
        }
    }
    const std::vector<double> medians = race(running.size(), [&](std::span<const size_t> runners) {
        std::vector<const Plan*> plans;
        for (const size_t i : runners) plans.push_back(field.plans[running[i]].get());
        return trial.time(plans);
    });
    for (size_t i = 0; i < running.size(); ++i) field.all[running[i]].microseconds = medians[i];
    return std::move(field.all);
}

}  // namespace qudnn::plan
