#include "testing/problems.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "ops/shared/batch_matmul_layout.h"
#include "plan/common/engine.h"
#include "plan/planner/cache.h"
#include "plan/problem/block.h"
#include "testing/hooks.h"

namespace qudnn::testing {

namespace {

template <class P>
P with_fields(const Object& fields) {
    P problem;
    std::set<std::string_view> used;
    for (const bool deep : {false, true}) {
        plan::visit_fields(
            problem,
            [&](std::string_view name, auto& value) {
                const auto found = fields.find(std::string(name));
                if (found == fields.end()) return;
                value = static_cast<std::remove_reference_t<decltype(value)>>(found->second.integer());
                used.insert(name);
            },
            deep);
    }
    if (used.size() != fields.size())
        throw std::invalid_argument("no such field; fields are those of the problem's text");
    return problem;
}

const char* kind_of(const plan::Problem& problem) {
    if (std::holds_alternative<plan::ConvProblem>(problem)) return "conv";
    if (std::holds_alternative<plan::BlockProblem>(problem)) return "block";
    return std::holds_alternative<plan::MatMulProblem>(problem) ? "matmul" : "batch_matmul";
}

template <class P>
std::string json_of_optional(const std::optional<P>& problem) {
    return problem ? json_of(*problem) : nothing();
}

ort::Shape shape(const std::vector<int64_t>& dims) {
    ort::Shape shape(dims.size());
    std::copy(dims.begin(), dims.end(), shape.data());
    return shape;
}

// Where a matmul's tensors lie, of the attributes of QBatchMatMul.
std::string batch_matmul(const Call& call) {
    const Value& given = call[0];
    ops::BatchMatMulLayout layout;
    layout.a.starts = given["a_starts"].integers(), layout.a.ends = given["a_ends"].integers();
    layout.b.starts = given["b_starts"].integers(), layout.b.ends = given["b_ends"].integers();
    layout.a.perm = given["a_perm"].integers(), layout.b.perm = given["b_perm"].integers();
    layout.y_perm = given["y_perm"].integers(), layout.padding = given["padding"].integer();
    const ops::PlacedMatMul found = layout.place(shape(given["a"].integers()), shape(given["b"].integers()));
    const std::vector<int64_t> y(found.y.data(), found.y.data() + found.y.rank());
    return json::list({json_of(plan::Problem(found.problem)), json::of(found.a_offset),
                       json::of(found.b_offset), json::of(y)});
}

// A cache of strings whose values Python builds.
using StringCache = plan::Cache<std::string, const std::string, std::hash<std::string>>;

std::string statistics(const plan::CacheStatistics& s) {
    return json::object({{"hits", json::of(s.hits)},
                         {"misses", json::of(s.misses)},
                         {"builds", json::of(s.builds)},
                         {"evictions", json::of(s.evictions)},
                         {"entries", json::of(s.entries)}});
}

void add_cache_hooks(Hooks& hooks) {
    hooks["StringCache"] = [](const Call& call) {
        return objects().add(std::make_shared<StringCache>(static_cast<size_t>(call[0].integer())));
    };
    hooks["StringCache.get"] = [](const Call& call) {
        const auto build = [&] { return std::make_shared<const std::string>(call.back().text()); };
        return json::of(*call.object<StringCache>()->get(call[1].text(), build));
    };
    hooks["StringCache.clear"] = [](const Call& call) {
        call.object<StringCache>()->clear();
        return nothing();
    };
    hooks["StringCache.statistics"] = [](const Call& call) {
        return statistics(call.object<StringCache>()->statistics());
    };
    hooks["StringCache.keys"] = [](const Call& call) {
        std::vector<std::string> keys;
        for (const auto& entry : call.object<StringCache>()->list()) keys.push_back(entry.first);
        return json::of(keys);
    };
}

}  // namespace

plan::Problem problem_of(const Value& value) {
    const std::string& kind = value["kind"].text();
    const Object& fields = value["fields"].object();
    if (kind == "conv") return with_fields<plan::ConvProblem>(fields);
    if (kind == "matmul") return with_fields<plan::MatMulProblem>(fields);
    if (kind == "batch_matmul") return with_fields<plan::BatchMatMulProblem>(fields);
    if (kind == "block") return with_fields<plan::BlockProblem>(fields);
    throw std::invalid_argument("no problem is a " + kind);
}

std::string json_of(const plan::Problem& problem) {
    std::vector<std::pair<const char*, std::string>> fields;
    std::visit(
        [&](const auto& p) {
            plan::visit_fields(p, [&](const char* name, const auto& value) {
                fields.emplace_back(name, json::of(static_cast<int64_t>(value)));
            });
        },
        problem);
    return json::object({{"kind", json::of(kind_of(problem))}, {"fields", json::object(fields)}});
}

plan::Problem problem_of_text(const std::string& text) {
    const auto problem = plan::parse(text);
    if (!problem) throw std::invalid_argument("not the text of a problem: " + text);
    return *problem;
}

void add_problem_hooks(Hooks& hooks) {
    hooks["equal"] = [](const Call& call) { return json::of(problem_of(call[0]) == problem_of(call[1])); };
    hooks["hash"] = [](const Call& call) { return json::of(plan::hash(problem_of(call[0]))); };
    hooks["text"] = [](const Call& call) { return json::of(plan::text(problem_of(call[0]))); };
    hooks["multiplications"] = [](const Call& call) {
        return json::of(plan::multiplications(problem_of(call[0])));
    };
    hooks["parse"] = [](const Call& call) { return json_of_optional(plan::parse(call[0].text())); };
    hooks["check"] = [](const Call& call) {
        plan::check(problem_of(call[0]));
        return nothing();
    };
    hooks["as_matmul"] = [](const Call& call) {
        return json_of_optional(plan::as_matmul(std::get<plan::ConvProblem>(problem_of(call[0]))));
    };
    hooks["flattened"] = [](const Call& call) {
        return json_of_optional(plan::flattened(std::get<plan::ConvProblem>(problem_of(call[0]))));
    };
    hooks["engines_text"] = [](const Call& call) {
        return json::of(plan::engines_text(problem_of(call[0])));
    };
    hooks["steps_of"] = [](const Call& call) {
        std::vector<std::string> steps;
        for (const plan::ConvProblem& step :
             plan::steps_of(std::get<plan::BlockProblem>(problem_of(call[0]))))
            steps.push_back(json_of(step));
        return json::list(steps);
    };
    hooks["batch_matmul"] = &batch_matmul;
    add_cache_hooks(hooks);
}

}  // namespace qudnn::testing
