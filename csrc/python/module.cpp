// The Python module qudnn.custom_ops._native: the state of the library that ONNX Runtime has loaded.
#include <pybind11/functional.h>
#include <pybind11/operators.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "plan/configuration.h"
#include "plan/shorthand.h"
#include "python/control.h"
#include "python/record_dict.h"
#include "python/testing.h"

namespace py = pybind11;

namespace {

py::list as_dicts(const std::vector<qudnn::plan::Listed>& plans) {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    py::list all;
    for (const auto& [record, source] : plans) {
        const auto problem = qudnn::plan::parse(record.key.problem);
        const double operations =
            problem ? 2 * static_cast<double>(qudnn::plan::multiplications(*problem)) : 0;
        py::dict d = qudnn::public_fields(record);
        d["tops"] = record.microseconds > 0 ? operations / record.microseconds / 1e6 : 0.0;
        d["age_seconds"] = static_cast<int64_t>(now) - record.created;
        d["source"] = source;
        all.append(d);
    }
    return all;
}

}  // namespace

PYBIND11_MODULE(_native, module) {
    module.doc() = "State of libqudnn in this process.";

    py::register_exception_translator([](std::exception_ptr thrown) {
        try {
            std::rethrow_exception(std::move(thrown));
        } catch (const std::system_error& e) {
            // With an errno Python finds the right kind of OSError.
            const py::tuple arguments = py::make_tuple(e.code().value(), e.what());
            PyErr_SetObject(PyExc_OSError, arguments.ptr());
        }
    });

    module.def(
        "statistics",
        [] {
            const auto s = qudnn::plan_statistics();
            py::dict d;
            d["hits"] = s.cache.hits;
            d["misses"] = s.cache.misses;
            d["builds"] = s.cache.builds;
            d["evictions"] = s.cache.evictions;
            d["entries"] = s.cache.entries;
            d["disk_hits"] = s.disk_hits;
            d["disk_writes"] = s.disk_writes;
            d["disk_rejected"] = s.disk_rejected;
            d["candidates_built"] = s.candidates_built;
            d["candidates_dropped"] = s.candidates_dropped;
            d["tuning_seconds"] = s.tuning_seconds;
            return d;
        },
        "Counters of the process's plans.");
    module.def(
        "answers",
        [](const std::string& problem) {
            py::list all;
            for (const auto& [engine, refusal, plans] : qudnn::answers(problem))
                all.append(py::make_tuple(engine, refusal, plans));
            return all;
        },
        py::arg("problem"),
        "[(engine, why it has no plan for the problem of this text, its plans)] on the current GPU, in "
        "order.");
    module.def(
        "read_problem",
        [](const std::string& text) {
            const auto problem = qudnn::plan::read_shorthand(text);
            return py::make_tuple(qudnn::plan::text(problem), 2 * qudnn::plan::multiplications(problem));
        },
        py::arg("text"),
        "(the full text of a problem that may be written without what follows from the rest, its "
        "multiplications and additions).");
    module.def(
        "replay",
        [](const std::string& problem, const std::string& only, bool with_unlikely) {
            const auto replayed = [&] {
                const py::gil_scoped_release working;
                return qudnn::replay(problem, only, with_unlikely);
            }();
            py::list all;
            for (const auto& each : replayed)
                all.append(py::make_tuple(each.engine, each.plan, each.refusal, each.differing_bytes,
                                          each.microseconds, each.is_reference));
            return all;
        },
        py::arg("problem"), py::arg("only"), py::arg("with_unlikely"),
        "[(engine, plan, why it does not run, bytes that differ from the reference's, microseconds, whether "
        "it "
        "is the reference)] of the problem of this text on the current GPU.");
    module.def("clear", &qudnn::clear_plans, "Forgets every plan of the process, and the counters.");
    module.def("list_plans", [] { return as_dicts(qudnn::list_plans()); }, "The process's plans.");
    module.def(
        "stored_plans",
        [](const std::string& folder) {
            const auto [plans, left_out] = qudnn::stored_plans(folder);
            py::list files;
            for (const auto& [path, reason] : left_out) files.append(py::make_tuple(path, reason));
            return py::make_tuple(as_dicts(plans), files);
        },
        py::arg("folder"), "(the plans of a cache folder, [(file that is none, why)]).");
    module.def("delete_plans", &qudnn::delete_plans, py::arg("folder"),
               py::call_guard<py::gil_scoped_release>(), "Deletes the plans of a cache folder; how many.");
    module.def(
        "export_plans",
        [](const std::string& folder) {
            auto [bytes, count] = [&] {
                const py::gil_scoped_release working;
                return qudnn::export_plans(folder);
            }();
            return py::make_tuple(py::bytes(bytes), count);
        },
        py::arg("folder"),
        "(an exported file of the process's plans and those of a folder ('': none), how many).");
    module.def(
        "import_plans", &qudnn::import_plans, py::arg("path"), py::arg("folder"),
        py::call_guard<py::gil_scoped_release>(),
        "Takes an exported file's plans over, into a folder ('': none) too; how many, how many damaged.");
    module.def("default_cache_folder", &qudnn::plan::default_cache_folder,
               "Where plans are kept if a session does not say; '' for nowhere.");
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
    qudnn::define_store_testing(testing);
    qudnn::define_library_testing(testing);
    qudnn::define_explanation_testing(testing);
}
