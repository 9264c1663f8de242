// The caller of a plan: one run of one node.
#pragma once

#include <cstddef>
#include <memory>
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

class Host {
  public:
    virtual ~Host() = default;

    virtual Launch launch() const = 0;
    virtual int device() const = 0;
    virtual std::unique_ptr<Workspace> workspace(size_t bytes) const = 0;  // throws when memory is out
    virtual const Configuration& configuration() const = 0;                // an interned one
    virtual const std::string& node() const = 0;
    virtual void warn(const std::string& message) const = 0;
    virtual void inform(const std::string& message) const = 0;  // seen at log level info only
};

}  // namespace qudnn::plan
