// Parts of the library for its tests, which call them by name. Not part of a wheel.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <typeindex>
#include <utility>

#include "c_api/json.h"
#include "c_api/qudnn.h"
#include "testing/value.h"

extern "C" {
// Python's function that a hook calls back: it reads JSON and writes an answer with qudnn_testing_answer().
typedef int (*QudnnTestingCallback)(const char* request, QudnnAnswer* answer);
}

namespace qudnn::testing {

// Objects that Python holds by number.
class Objects {
  public:
    template <class Type>
    std::string add(std::shared_ptr<Type> object) {
        const std::lock_guard lock(mutex_);
        objects_.emplace(++last_, Held{typeid(Type), std::move(object)});
        return std::to_string(last_);
    }

    template <class Type>
    std::shared_ptr<Type> at(int64_t number) const {
        const std::lock_guard lock(mutex_);
        const auto found = objects_.find(number);
        if (found == objects_.end() || found->second.type != typeid(Type))
            throw std::invalid_argument("no such object");
        return std::static_pointer_cast<Type>(found->second.object);
    }

    void drop(int64_t number) {
        const std::lock_guard lock(mutex_);
        objects_.erase(number);
    }

  private:
    struct Held {
        std::type_index type;
        std::shared_ptr<void> object;
    };
    mutable std::mutex mutex_;
    std::map<int64_t, Held> objects_;
    int64_t last_ = 0;
};

Objects& objects();

// What a test gives to a hook.
class Call {
  public:
    Call(Value arguments, QudnnTestingCallback callback)
        : arguments_(std::move(arguments)), callback_(callback) {}

    const Value& operator[](size_t index) const { return arguments_[index]; }

    // The object whose number is the first argument.
    template <class Type>
    std::shared_ptr<Type> object() const {
        return objects().at<Type>(arguments_[0].integer());
    }

    // What Python's function makes of JSON. Throws std::invalid_argument with the message of its exception.
    Value back(const std::string& request = "null") const;

  private:
    Value arguments_;
    QudnnTestingCallback callback_;
};

// The hooks by name; each makes JSON.
using Hooks = std::map<std::string, std::function<std::string(const Call&)>>;

void add_problem_hooks(Hooks& hooks);
void add_store_hooks(Hooks& hooks);
void add_library_hooks(Hooks& hooks);
void add_explanation_hooks(Hooks& hooks);
void add_tuning_hooks(Hooks& hooks);
void add_fake_hooks(Hooks& hooks);  // of the library with the fakes only

inline std::string nothing() { return "null"; }

}  // namespace qudnn::testing
