#include "python/testing.h"

#include <pybind11/functional.h>
#include <pybind11/operators.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ops/shared/batch_matmul_layout.h"
#include "plan/cache.h"
#include "plan/engine.h"
#include "plan/problem.h"

namespace py = pybind11;

namespace qudnn {

namespace {

// A problem from keyword arguments, one per field; the others keep their defaults.
template <class P>
P problem_from(const py::kwargs& fields) {
    P problem;
    std::set<std::string_view> used;
    for (const bool deep : {false, true}) {
        plan::visit_fields(
            problem,
            [&](std::string_view name, auto& value) {
                const py::str key(name.data(), name.size());
                if (!fields.contains(key)) return;
                value = static_cast<std::remove_reference_t<decltype(value)>>(
                    fields[key].template cast<int64_t>());
                used.insert(name);
            },
            deep);
    }
    if (used.size() != fields.size())
        throw py::key_error("no such field; fields are those of the problem's text");
    return problem;
}

template <class P>
void define_problem(py::module_& module, const char* name) {
    py::class_<P>(module, name)
        .def(py::init([](const py::kwargs& fields) { return problem_from<P>(fields); }))
        .def(py::self == py::self)  // NOLINT(misc-redundant-expression)
        .def("__hash__", [](const P& p) { return plan::hash(p); })
        .def("__str__", [](const P& p) { return plan::text(p); })
        .def("multiplications", [](const P& p) { return p.multiplications(); });
}

std::vector<int64_t> list(const ort::Shape& shape) { return {shape.data(), shape.data() + shape.rank()}; }

ort::Shape shape(const std::vector<int64_t>& dims) {
    ort::Shape shape(dims.size());
    std::copy(dims.begin(), dims.end(), shape.data());
    return shape;
}

using Numbers = std::vector<int64_t>;

py::tuple batch_matmul(const Numbers& a, const Numbers& b, const Numbers& a_perm, const Numbers& b_perm,
                       const Numbers& y_perm, const Numbers& a_starts, const Numbers& a_ends,
                       const Numbers& b_starts, const Numbers& b_ends, int64_t padding) {
    ops::BatchMatMulLayout layout;
    layout.a.starts = a_starts, layout.a.ends = a_ends, layout.a.perm = a_perm;
    layout.b.starts = b_starts, layout.b.ends = b_ends, layout.b.perm = b_perm;
    layout.y_perm = y_perm, layout.padding = padding;
    const ops::PlacedMatMul found = layout.place(shape(a), shape(b));
    return py::make_tuple(found.problem, found.a_offset, found.b_offset, list(found.y));
}

// A cache of strings whose values Python builds.
using StringCache = plan::Cache<std::string, std::string, std::hash<std::string>>;

std::string get(StringCache& cache, const std::string& key, const std::function<std::string()>& build) {
    const py::gil_scoped_release waiting;
    return *cache.get(key, [&] {
        const py::gil_scoped_acquire calling;
        try {
            return std::make_shared<const std::string>(build());
        } catch (const py::error_already_set& e) {
            // Several threads may get it; pybind11's exception goes to one only.
            throw std::runtime_error(e.what());
        }
    });
}

py::dict statistics(const StringCache& cache) {
    const plan::CacheStatistics s = cache.statistics();
    py::dict d;
    d["hits"] = s.hits;
    d["misses"] = s.misses;
    d["builds"] = s.builds;
    d["evictions"] = s.evictions;
    d["entries"] = s.entries;
    return d;
}

}  // namespace

void define_testing(py::module_& module) {
    define_problem<plan::ConvProblem>(module, "ConvProblem");
    define_problem<plan::MatMulProblem>(module, "MatMulProblem");
    define_problem<plan::BatchMatMulProblem>(module, "BatchMatMulProblem");
    module.def("parse", &plan::parse, "The problem of a text, None for any other string.");
    module.def("check", &plan::check, "Raises where a number of the problem cannot be.");
    module.def("as_matmul", &plan::as_matmul, "The matmul that a conv is, None where it is none.");
    module.def("engines_text", &plan::engines_text,
               "The engines that take the problem and their revisions, as a plan's key has them.");
    module.def("flattened", &plan::flattened,
               "The conv in two dimensions that one is, None where it is none.");

    module.def(
        "batch_matmul", &batch_matmul, py::arg("a"), py::arg("b"), py::kw_only(), py::arg("a_perm"),
        py::arg("b_perm"), py::arg("y_perm"), py::arg("a_starts"), py::arg("a_ends"), py::arg("b_starts"),
        py::arg("b_ends"), py::arg("padding"),
        "(problem, where a's and b's parts start, y's shape) of QBatchMatMul of tensors of these shapes.");

    py::class_<StringCache>(module, "StringCache", "The plan cache's class, over strings.")
        .def(py::init<size_t>(), py::arg("capacity"))
        .def("get", &get, py::arg("key"), py::arg("build"))
        .def("replace",
             [](StringCache& cache, const std::string& key, const std::string& better) {
                 cache.replace(key, cache.peek(key), std::make_shared<const std::string>(better));
             })
        .def("clear", &StringCache::clear)
        .def("statistics", &statistics)
        .def("keys", [](const StringCache& cache) {
            std::vector<std::string> keys;
            for (const auto& entry : cache.list()) keys.push_back(entry.first);
            return keys;
        });
}

}  // namespace qudnn
