// The caller of plans that are tuned aside: not a run of a node, but a stream that gives way to all others.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "plan/aside/kept_workspace.h"
#include "plan/common/host.h"
#include "plan/common/memo.h"

namespace qudnn::plan {

class AsideHost final : public Host {
  public:
    using Log = std::function<void(const std::string& line)>;

    // Makes the GPU this thread's. `node`: what messages are about. `stopped`: whether nobody waits any more.
    // Throws where there is no stream to be had.
    AsideHost(int device, const Configuration& configuration, std::string node, Log log,
              std::function<bool()> stopped);

    // Runs that follow are of these tensors, whose weights and biases do not change.
    void begin(const Arguments& arguments);

    Launch launch() const override { return {launch_.stream, launch_.cudnn, memo_.get(), this}; }
    int device() const override { return device_; }
    std::unique_ptr<Workspace> workspace(size_t bytes) const override { return workspace_.get(bytes); }
    const Configuration& configuration() const override { return configuration_; }
    const std::string& node() const override { return node_; }
    Circumstances circumstances() const override { return {stopped_, true}; }
    void warn(const std::string& message) const override { log_(message); }
    void inform(const std::string&) const override {}  // nobody has asked for a plan

  private:
    int device_;
    const Configuration& configuration_;
    std::string node_;
    Log log_;
    std::function<bool()> stopped_;
    Launch launch_;
    std::unique_ptr<Memo> memo_;
    mutable KeptWorkspace workspace_;
};

}  // namespace qudnn::plan
