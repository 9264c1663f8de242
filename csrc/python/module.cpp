// The Python module custom_ops._native: the state of the library that ONNX Runtime has loaded.
#include <pybind11/functional.h>
#include <pybind11/operators.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "python/control.h"
#include "python/testing.h"

namespace py = pybind11;

PYBIND11_MODULE(_native, module) {
    module.doc() = "State of libqudnn in this process.";

    module.def(
        "statistics",
        [] {
            const auto s = qudnn::plan_statistics();
            py::dict d;
            d["hits"] = s.hits;
            d["misses"] = s.misses;
            d["builds"] = s.builds;
            d["evictions"] = s.evictions;
            d["entries"] = s.entries;
            return d;
        },
        "Counters of the plan cache: hits, misses, builds, evictions, entries.");
    module.def("clear", &qudnn::clear_plans, "Forgets every plan.");
    module.def(
        "versions", &qudnn::versions,
        "What the library is built against, and the cuDNN found at run time ('' where there is none).");
    module.def(
        "cuda_devices",
        [] {
            py::list devices;
            for (const auto& device : qudnn::cuda_devices()) {
                devices.append(py::make_tuple(device.name, device.compute_capability));
            }
            return devices;
        },
        "(name, compute capability as 90 for 9.0) of every GPU; empty without a driver.");
    module.def("no_usable_device", &qudnn::no_usable_device,
               "Why no ops are registered in this process; '' where they are.");

    py::module_ testing = module.def_submodule("testing", "Parts of the library for its tests.");
    qudnn::define_testing(testing);
}
