// The candidates of one tuning: what the engines offer for a problem, built, and why some of them are out.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plan/engine.h"
#include "plan/host.h"
#include "plan/problem.h"

namespace qudnn::plan {

struct Contender {
    const Engine* engine;
    Candidate candidate;
    std::shared_ptr<const Plan> plan;  // null: not built yet
    std::string refusal;               // why it is out; empty: it is not
    double microseconds = 0;

    bool usable() const { return plan != nullptr && refusal.empty(); }
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

    // The candidates of every engine but the reference, in the engines' order; of unlikely ones those that
    // are worth it where all are timed, and the one named so. The configuration may name the only ones.
    void collect(bool full, const std::string& likely);

    void move_to_front(const std::string& name);

    // Builds all that are not dropped, in parallel if building is slow.
    void build(std::span<Contender> contenders);

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
    const Problem& problem_;
    const Host& host_;
    std::vector<Contender> all_;
    std::vector<Decline> declines_;
    std::string first_;
};

}  // namespace qudnn::plan
