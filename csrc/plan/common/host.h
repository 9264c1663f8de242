// The caller of a plan: one run of one node.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "plan/common/configuration.h"
#include "plan/common/plan.h"

namespace qudnn::plan {

// GPU memory that its owner takes back when the object is destroyed.
class Workspace {
  public:
    virtual ~Workspace() = default;
    virtual void* data() const = 0;
};

// In which plans are made.
struct Circumstances {
    std::function<bool()> stopped = nullptr;  // whether nobody waits for the plan any more; null: never
    bool aside = false;                       // the GPU works for others meanwhile: times are longer

    bool stop() const { return stopped && stopped(); }
};

// Circumstances have changed: nobody waits.
struct Stopped : std::runtime_error {
    Stopped() : std::runtime_error("tuning was stopped") {}
};

class Host {
  public:
    virtual ~Host() = default;

    virtual Launch launch() const = 0;
    virtual int device() const = 0;
    virtual std::unique_ptr<Workspace> workspace(size_t bytes) const = 0;  // throws when memory is out
    virtual const Configuration& configuration() const = 0;                // an interned one
    virtual const std::string& node() const = 0;
    virtual Circumstances circumstances() const { return {}; }
    virtual void warn(const std::string& message) const = 0;
    virtual void inform(const std::string& message) const = 0;  // seen at log level info only
};

}  // namespace qudnn::plan
