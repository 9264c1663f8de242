#include "plan/tuning/contenders.h"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include "plan/common/cuda_error.h"
#include "plan/tuning/pool.h"
#include "plan/tuning/tuner.h"

namespace qudnn::plan {

namespace {

std::string needs_workspace(size_t bytes) {
    return "needs a workspace of " + std::to_string(bytes) + " bytes";
}

// Whether all candidates of the engine are cuDNN's.
bool compiles(const Engine& engine) { return std::string_view(engine.name()).starts_with("cudnn"); }

}  // namespace

bool Contenders::is_left_out(const Engine& engine, const Candidate& candidate) const {
    const std::string& only = host_.configuration().only;
    if (only.empty() || only == candidate.name || only == engine.name()) return false;
    if (!engine.delegates()) return true;
    return std::any_of(engines().begin(), engines().end(), [&](const Engine* other) {
        return only.starts_with(other->name()) && other->takes(problem_);
    });
}

void Contenders::ask(const Engine& engine, cudnnContext* cudnn, Unlikely unlikely,
                     const std::string& likely) {
    const uint64_t limit = host_.configuration().workspace_limit;
    const std::string& only = host_.configuration().only;
    for (Candidate& candidate : engine.candidates(problem_, cudnn)) {
        const bool is_named = candidate.name == (only.empty() ? likely : only);
        if (is_left_out(engine, candidate)) continue;
        if (candidate.unlikely && !is_named && unlikely == Unlikely::likely_only) continue;
        const auto is_same = [&](const Contender& c) { return c.candidate.name == candidate.name; };
        if (std::any_of(all_.begin(), all_.end(), is_same)) continue;  // of the step before
        Contender contender{&engine, std::move(candidate), nullptr, "", 0};
        if (contender.candidate.workspace_size > limit) {
            drop(contender, needs_workspace(contender.candidate.workspace_size));
        }
        all_.push_back(std::move(contender));
    }
}

void Contenders::collect(const std::string& likely) {
    for (const Engine* engine : engines()) {
        if (engine->native()) continue;
        if (const std::string refusal = engine->refusal(problem_); !refusal.empty()) {
            declines_.push_back({engine->name(), refusal, host_.configuration().only != engine->name()});
            continue;
        }
        try {
            ask(*engine, host_.launch().cudnn, Unlikely::likely_only, likely);
        } catch (const std::exception& e) {
            declines_.push_back({engine->name(), e.what(), false});
        }
    }
    find_first();
}

void Contenders::collect_ready() {
    for (const Engine* engine : engines()) {
        if (engine->native()) continue;
        if (const std::string refusal = engine->refusal(problem_); !refusal.empty()) {
            declines_.push_back({engine->name(), refusal, host_.configuration().only != engine->name()});
            continue;
        }
        if (compiles(*engine) || engine->composed()) unasked_.push_back(engine);
        if (compiles(*engine)) continue;
        try {
            ask(*engine, nullptr, Unlikely::all, "");
        } catch (const std::exception& e) {
            if (engine->composed()) continue;  // asked again, it may answer with what is compiled
            declines_.push_back({engine->name(), e.what(), false});
        }
    }
}

void Contenders::collect_compiled() {
    for (const Engine* engine : std::exchange(unasked_, {})) {
        try {
            ask(*engine, host_.launch().cudnn, Unlikely::all, "");
        } catch (const std::exception& e) {
            declines_.push_back({engine->name(), e.what(), false});
        }
    }
    find_first();
}

void Contenders::leave_out_compiled(const std::string& reason) {
    for (const Engine* engine : std::exchange(unasked_, {})) {
        const auto is_of_it = [&](const Contender& c) { return c.engine == engine; };
        if (std::none_of(all_.begin(), all_.end(), is_of_it))
            declines_.push_back({engine->name(), reason, true});
    }
}

void Contenders::find_first() {
    for (const Contender& contender : all_) {
        if (contender.candidate.affinity.empty()) continue;  // not cuDNN's
        first_ = contender.candidate.name;
        break;
    }
}

void Contenders::clear() {
    all_.clear();
    declines_.clear();
    unasked_.clear();
    first_.clear();
}

void Contenders::move_to_front(const std::string& name) {
    const auto found =
        std::find_if(all_.begin(), all_.end(), [&](const Contender& c) { return c.candidate.name == name; });
    if (found != all_.end()) std::rotate(all_.begin(), found, found + 1);
}

void Contenders::build(std::span<const size_t> indices, const std::function<bool()>& stopped) {
    std::vector<std::exception_ptr> errors(indices.size());
    std::vector<Task> tasks;
    for (size_t i = 0; i < indices.size(); ++i) {
        Contender& contender = all_[indices[i]];
        if (!contender.refusal.empty()) continue;
        const auto work = [&contender, &error = errors[i], &stopped, device = host_.device()] {
            if (stopped && stopped()) return;
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
    for (size_t i = 0; i < indices.size(); ++i) {
        Contender& contender = all_[indices[i]];
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
