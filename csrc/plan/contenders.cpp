#include "plan/contenders.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "plan/cuda_error.h"
#include "plan/exploration.h"
#include "plan/pool.h"
#include "plan/tuner.h"

namespace qudnn::plan {

namespace {

std::string needs_workspace(size_t bytes) {
    return "needs a workspace of " + std::to_string(bytes) + " bytes";
}

}  // namespace

void Contenders::collect(bool full, const std::string& likely) {
    const uint64_t limit = host_.configuration().workspace_limit;
    const std::string& only = host_.configuration().only;
    for (const Engine* engine : engines()) {
        if (engine->native()) continue;
        if (const std::string refusal = engine->refusal(problem_); !refusal.empty()) {
            declines_.push_back({engine->name(), refusal, only != engine->name()});
            continue;
        }
        try {
            for (Candidate& candidate : engine->candidates(problem_, host_.launch().cudnn)) {
                const bool is_named = candidate.name == (only.empty() ? likely : only);
                if (!only.empty() && !is_named && only != engine->name()) continue;
                if (candidate.unlikely && !is_named &&
                    !(full && exploration().worth(candidate.affinity, problem_))) {
                    continue;
                }
                Contender contender{engine, std::move(candidate), nullptr, "", 0};
                if (contender.candidate.workspace_size > limit) {
                    drop(contender, needs_workspace(contender.candidate.workspace_size));
                }
                all_.push_back(std::move(contender));
            }
        } catch (const std::exception& e) {
            declines_.push_back({engine->name(), e.what(), false});
        }
    }
    for (const Contender& contender : all_) {
        if (contender.candidate.affinity.empty()) continue;  // not cuDNN's
        first_ = contender.candidate.name;
        break;
    }
}

void Contenders::move_to_front(const std::string& name) {
    const auto found =
        std::find_if(all_.begin(), all_.end(), [&](const Contender& c) { return c.candidate.name == name; });
    if (found != all_.end()) std::rotate(all_.begin(), found, found + 1);
}

void Contenders::build(std::span<Contender> contenders) {
    std::vector<std::exception_ptr> errors(contenders.size());
    std::vector<Task> tasks;
    for (size_t i = 0; i < contenders.size(); ++i) {
        Contender& contender = contenders[i];
        if (!contender.refusal.empty()) continue;
        const auto work = [&contender, &error = errors[i], device = host_.device()] {
            try {
                const DespiteCapture allowed;
                check_cuda(cudaSetDevice(device));
                contender.plan = contender.candidate.build();
            } catch (...) {
                error = std::current_exception();
            }
        };
        if (contender.candidate.affinity.empty()) {
            work();
        } else {
            tasks.push_back({contender.candidate.affinity, work});
        }
    }
    run_on_pool(std::move(tasks));
    for (size_t i = 0; i < contenders.size(); ++i) {
        Contender& contender = contenders[i];
        if (contender.plan != nullptr) ++tuner_statistics().candidates_built;
        try {
            if (errors[i]) std::rethrow_exception(errors[i]);
        } catch (const std::exception& e) {
            drop(contender, e.what());
        }
        if (contender.usable() && contender.plan->workspace_size() > host_.configuration().workspace_limit) {
            drop(contender, needs_workspace(contender.plan->workspace_size()));
        }
    }
}

std::string Contenders::reasons() const {
    const std::string& only = host_.configuration().only;
    std::string text = only.empty() ? "" : "; QUDNN_ONLY=" + only;
    for (const Decline& decline : declines_) {
        if (!decline.expected) text += "; " + decline.name + ": " + decline.reason;
    }
    return text;
}

void Contenders::drop(Contender& contender, const std::string& reason) {
    contender.refusal = reason;
    // A kernel that no heuristics named need not exist: nothing to report.
    if (contender.plan || !contender.candidate.unlikely)
        declines_.push_back({contender.candidate.name, reason, false});
    ++tuner_statistics().candidates_dropped;
}

}  // namespace qudnn::plan
