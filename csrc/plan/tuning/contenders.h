// The candidates of one tuning: what the engines offer for a problem, built, and why some of them are out.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plan/common/engine.h"
#include "plan/common/host.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

struct Contender {
    const Engine* engine;
    Candidate candidate;
    std::shared_ptr<const Plan> plan;  // null: not built yet
    std::string refusal;               // why it is out; empty: it is not
    double microseconds = 0;

    bool usable() const { return plan != nullptr && refusal.empty(); }

    // Microseconds that it costs a model, once it is timed: a launch through cuDNN takes the host longer, and
    // its kernels do not overlap with those beside them. README.md has the measurements.
    double cost() const { return microseconds + (candidate.affinity.empty() ? 0 : kLaunchOfCudnn); }

    static constexpr double kLaunchOfCudnn = 0.75;
};

// An engine, or a plan of one, that is out.
struct Decline {
    std::string name;
    std::string reason;
    bool expected;  // nothing to wonder about: the engine takes no such problem on any GPU
};

class QUDNN_API Contenders {
  public:
    Contenders(const Problem& problem, const Host& host) : problem_(problem), host_(host) {}

    // Forgets all, to start anew.
    void clear();

    // The candidates of every engine but the reference, in the engines' order, without unlikely ones except
    // the one named so. The configuration may name the only ones; where it names none of an engine that takes
    // the problem, those are for the problems that an engine delegates to, whose plans are candidates then.
    void collect(const std::string& likely);

    // The same in two steps, unlikely ones included: first those that need not be compiled, then the others.
    // For the first step nobody asks cuDNN, which takes longer to answer than our own kernels to be timed.
    void collect_ready();
    void collect_compiled();

    // Instead of the second step: engines were not asked, for this reason.
    void leave_out_compiled(const std::string& reason);

    void move_to_front(const std::string& name);

    // Builds those with these indices that are not dropped, in parallel if building is slow. Begins no more
    // once `stopped` says so.
    void build(std::span<const size_t> indices, const std::function<bool()>& stopped = nullptr);

    // Drops the contender, for this reason.
    void drop(Contender& contender, const std::string& reason);

    std::vector<Contender>& all() { return all_; }
    const std::vector<Contender>& all() const { return all_; }

    // All that are out, except kernels that no heuristics named and that do not exist.
    const std::vector<Decline>& declines() const { return declines_; }

    // Those of them that were not expected: "; name: reason" for each.
    std::string reasons() const;

    // The name of cuDNN's first heuristic plan; empty where there is none.
    const std::string& first() const { return first_; }

  private:
    enum class Unlikely { likely_only, all };

    bool is_left_out(const Engine& engine, const Candidate& candidate) const;
    void ask(const Engine& engine, cudnnContext* cudnn, Unlikely unlikely, const std::string& likely);
    void find_first();

    const Problem& problem_;
    const Host& host_;
    std::vector<Contender> all_;
    std::vector<Decline> declines_;
    std::vector<const Engine*> unasked_;  // have candidates with cuDNN only, or more of them
    std::string first_;
};

}  // namespace qudnn::plan
