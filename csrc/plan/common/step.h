// A run that consists of several plans, one after the other.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "plan/common/host.h"
#include "plan/common/memo.h"
#include "plan/problem/block.h"

namespace qudnn::plan {

// The run of one of them, by its number; it has the memo of that number, where the whole run's has some.
class Step final : public Host {
  public:
    // The launch has a host. configuration: an interned one.
    Step(const Launch& run, size_t number, const Configuration& configuration)
        : run_(*run.host), launch_(run), configuration_(configuration) {
        if (launch_.memo != nullptr) launch_.memo = launch_.memo->of_step(number);
        launch_.host = this;
    }
    Step(const Step&) = delete;

    Launch launch() const override { return launch_; }
    int device() const override { return run_.device(); }
    std::unique_ptr<Workspace> workspace(size_t bytes) const override { return run_.workspace(bytes); }
    const Configuration& configuration() const override { return configuration_; }
    const std::string& node() const override { return run_.node(); }
    Circumstances circumstances() const override { return run_.circumstances(); }
    void warn(const std::string& message) const override { run_.warn(message); }
    void inform(const std::string& message) const override { run_.inform(message); }

  private:
    const Host& run_;
    Launch launch_;
    const Configuration& configuration_;
};

// What the steps of a residual block work on. between: memory of all_bytes_between().
inline std::array<Arguments, kStepsOfBlock> arguments_of_steps(const StepProblems& steps, const Arguments& a,
                                                               void* between) {
    auto* const reduced = static_cast<int8_t*>(between);
    int8_t* const window = reduced + bytes_between(steps)[0];
    Arguments last = a;
    last.x = window, last.x_zero_point = 0, last.before = {};
    return {Arguments{a.x, a.before[0].w, reduced, a.before[0].epilogue, 0},
            Arguments{reduced, a.before[1].w, window, a.before[1].epilogue, a.x_zero_point}, last};
}

}  // namespace qudnn::plan
