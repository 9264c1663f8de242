// How the library guards itself, for tests without a GPU: numbers out of range, failures, forks.
#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ops/register.h"
#include "ops/shared/usable_device.h"
#include "ops/shared/window.h"
#include "ort/api.h"
#include "plan/backoff.h"
#include "plan/failures.h"
#include "plan/pool.h"
#include "python/testing.h"

namespace py = pybind11;

namespace qudnn {

namespace {

// The attributes of a node as a dict of Python.
class DictAttributes final : public ort::Attributes {
  public:
    explicit DictAttributes(py::dict values) : values_(std::move(values)) {}

    int64_t integer(const char* name) const override { return get<int64_t>(name); }
    float real(const char* name) const override { return get<float>(name); }
    std::vector<int64_t> integers(const char* name) const override { return get<std::vector<int64_t>>(name); }
    std::vector<float> reals(const char* name) const override { return get<std::vector<float>>(name); }
    std::string text(const char* name) const override { return get<std::string>(name); }

  private:
    py::dict values_;

    template <class Value>
    Value get(const char* name) const {
        if (!values_.contains(name)) throw ort::Error(std::string("no attribute ") + name);
        return values_[name].cast<Value>();
    }
};

// Failures of work with a name, at a time in seconds.
class NamedFailures {
  public:
    explicit NamedFailures(size_t capacity) : failures_(capacity) {}
    std::string attempt(const std::string& name, double seconds, const std::function<std::string()>& work) {
        return failures_.attempt(name, at(seconds), [&] {
            try {
                return work();
            } catch (const py::error_already_set& e) {
                // It may be thrown again, which pybind11's exception cannot.
                throw std::invalid_argument(py::str(e.value()).cast<std::string>());
            }
        });
    }
    void clear() { failures_.clear(); }

    static plan::Backoff::Clock::time_point at(double seconds) {
        return plan::Backoff::Clock::time_point(std::chrono::duration_cast<plan::Backoff::Clock::duration>(
            std::chrono::duration<double>(seconds)));
    }

  private:
    plan::Failures<std::string, std::hash<std::string>> failures_;
};

int run_on_pool(int tasks) {
    std::atomic<int> done{0};
    std::vector<plan::Task> all;
    for (int i = 0; i < tasks; ++i) all.push_back({std::to_string(i), [&done] { ++done; }});
    plan::run_on_pool(std::move(all));
    return done;
}

// What ONNX Runtime is told where a message cannot be made.
std::string status_without_memory() {
    OrtStatus* const status = ort::guarded([] { throw std::runtime_error("failed"); },
                                           []() -> std::string { throw std::bad_alloc(); });
    std::string message = ort::invoke<ort::slots::GetErrorMessage>(status);
    ort::invoke<ort::slots::ReleaseStatus>(status);
    return message;
}

std::optional<std::string> no_usable_device(const std::vector<std::pair<int, std::string>>& gpus, int driver,
                                            int runtime, const std::optional<std::string>& visible) {
    ops::Machine machine{driver, {}};
    for (const auto& [capability, uuid] : gpus) machine.gpus.push_back({capability, uuid});
    return ops::no_usable_device(machine, runtime, visible ? visible->c_str() : nullptr);
}

}  // namespace

void define_library_testing(py::module_& module) {
    module.def(
        "read_attributes",
        [](const std::string& op, const py::dict& attributes) {
            ops::read_attributes(op, DictAttributes(attributes));
        },
        py::arg("op"), py::arg("attributes"),
        "Reads an op's attributes as a session does; raises where it would.");
    module.def("window_count", &ops::window_count, py::arg("extent"), py::arg("before"), py::arg("after"),
               py::arg("taps"), py::arg("stride"), py::arg("dilation"), py::arg("ceil_mode") = false);
    module.def("run_on_pool", &run_on_pool, py::arg("tasks"), py::call_guard<py::gil_scoped_release>(),
               "Runs so many tasks on the threads that build plans; how many ran.");
    module.def(
        "status_without_memory", &status_without_memory,
        "What a failed op says where there is no memory for a message; a library has to be registered.");
    module.def(
        "no_usable_device", &no_usable_device, py::arg("gpus"), py::arg("driver"), py::arg("runtime"),
        py::arg("visible"),
        "Why a machine with these GPUs (capability, UUID) is of no use; None where CUDA has to be asked.");
    py::class_<NamedFailures>(module, "Failures", "What failed before, and when it may be tried again.")
        .def(py::init<size_t>(), py::arg("capacity"))
        .def("attempt", &NamedFailures::attempt, py::arg("name"), py::arg("seconds"), py::arg("work"))
        .def("clear", &NamedFailures::clear);
    py::class_<plan::Backoff>(module, "Backoff", "When to try again what failed; times in seconds.")
        .def(py::init([](double now) { return std::make_unique<plan::Backoff>(NamedFailures::at(now)); }),
             py::arg("now"))
        .def(
            "claim", [](plan::Backoff& backoff, double now) { return backoff.claim(NamedFailures::at(now)); },
            py::arg("now"));
}

}  // namespace qudnn
