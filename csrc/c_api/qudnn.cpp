#include "c_api/qudnn.h"

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "c_api/answer.h"
#include "c_api/control.h"
#include "c_api/json.h"
#include "plan/common/configuration.h"
#include "plan/problem/shorthand.h"
#include "plan/tuning/floor.h"

using qudnn::c_api::answered;
namespace json = qudnn::json;
namespace plan = qudnn::plan;

namespace {

// What a user may know of a plan: all but the engines that were asked, and the serialized plan.
std::string json_of(const plan::Listed& listed, int64_t now) {
    const auto& [record, source] = listed;
    const auto problem = plan::parse(record.key.problem);
    const double operations = problem ? 2 * static_cast<double>(plan::multiplications(*problem)) : 0;
    return json::object({
        {"problem", json::of(record.key.problem)},
        {"device", json::of(record.key.device)},
        {"cudnn", json::of(record.key.cudnn)},
        {"qudnn", json::of(record.key.qudnn)},
        {"workspace_limit", json::of(record.key.workspace_limit)},
        {"engine", json::of(record.engine)},
        {"plan", json::of(record.plan)},
        {"microseconds", json::of(record.microseconds)},
        {"first_plan", json::of(record.first_plan)},
        {"first_microseconds", json::of(record.first_microseconds)},
        {"tops", json::of(record.microseconds > 0 ? operations / record.microseconds / 1e6 : 0.0)},
        {"age_seconds", json::of(now - record.created)},
        {"source", json::of(source)},
    });
}

std::string json_of(const std::vector<plan::Listed>& plans) {
    const int64_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::vector<std::string> all;
    for (const plan::Listed& listed : plans) all.push_back(json_of(listed, now));
    return json::list(all);
}

}  // namespace

void qudnn_release(QudnnAnswer* answer) {
    std::free(answer->text);
    *answer = {};
}

int qudnn_versions(QudnnAnswer* answer) {
    return answered(answer, [] {
        const auto versions = qudnn::versions();
        std::vector<std::pair<const char*, std::string>> members;
        for (const auto& [name, version] : versions) members.emplace_back(name.c_str(), json::of(version));
        return json::object(members);
    });
}

int qudnn_cuda_devices(QudnnAnswer* answer) {
    return answered(answer, [] {
        std::vector<std::string> all;
        for (const auto& [name, capability] : qudnn::cuda_devices())
            all.push_back(json::list_of(name, capability));
        return json::list(all);
    });
}

int qudnn_no_usable_device(QudnnAnswer* answer) {
    return answered(answer, [] { return json::of(qudnn::no_usable_device()); });
}

int qudnn_statistics(QudnnAnswer* answer) {
    return answered(answer, [] {
        const plan::PlannerStatistics s = qudnn::plan_statistics();
        return json::object({
            {"hits", json::of(s.cache.hits)},
            {"misses", json::of(s.cache.misses)},
            {"builds", json::of(s.cache.builds)},
            {"evictions", json::of(s.cache.evictions)},
            {"entries", json::of(s.cache.entries)},
            {"disk_hits", json::of(s.disk_hits)},
            {"disk_writes", json::of(s.disk_writes)},
            {"disk_rejected", json::of(s.disk_rejected)},
            {"candidates_built", json::of(s.candidates_built)},
            {"candidates_dropped", json::of(s.candidates_dropped)},
            {"tuning_seconds", json::of(s.tuning_seconds)},
            {"pending", json::of(s.pending)},
            {"swapped", json::of(s.swapped)},
        });
    });
}

int qudnn_wait_for_tuning(double seconds, QudnnAnswer* answer) {
    return answered(answer, [&] { return json::of(qudnn::wait_for_tuning(seconds)); });
}

int qudnn_stop_tuning(double seconds, QudnnAnswer* answer) {
    return answered(answer, [&] { return json::of(qudnn::stop_tuning(seconds)); });
}

int qudnn_clear(QudnnAnswer* answer) {
    return answered(answer, [] {
        qudnn::clear_plans();
        return std::string("null");
    });
}

int qudnn_list_plans(QudnnAnswer* answer) {
    return answered(answer, [] { return json_of(qudnn::list_plans()); });
}

int qudnn_stored_plans(const char* folder, QudnnAnswer* answer) {
    return answered(answer, [&] {
        const auto [plans, left_out] = qudnn::stored_plans(folder);
        std::vector<std::string> files;
        for (const auto& [path, reason] : left_out) files.push_back(json::list_of(path.native(), reason));
        return json::list({json_of(plans), json::list(files)});
    });
}

int qudnn_delete_plans(const char* folder, QudnnAnswer* answer) {
    return answered(answer, [&] { return json::of(qudnn::delete_plans(folder)); });
}

int qudnn_export_plans(const char* folder, QudnnAnswer* answer) {
    size_t count = 0;
    const int status = answered(answer, [&] {
        auto [bytes, plans] = qudnn::export_plans(folder);
        count = plans;
        return std::move(bytes);
    });
    if (status == QUDNN_OK) answer->number = static_cast<int64_t>(count);
    return status;
}

int qudnn_import_plans(const char* path, const char* folder, QudnnAnswer* answer) {
    return answered(answer, [&] {
        const auto [count, damaged] = qudnn::import_plans(path, folder);
        return json::list_of(count, damaged);
    });
}

int qudnn_default_cache_folder(QudnnAnswer* answer) {
    return answered(answer, [] { return json::of(plan::default_cache_folder()); });
}

int qudnn_read_problem(const char* text, QudnnAnswer* answer) {
    return answered(answer, [&] {
        const plan::Problem problem = plan::read_shorthand(text);
        return json::list_of(plan::text(problem), 2 * plan::multiplications(problem));
    });
}

int qudnn_answers(const char* problem, QudnnAnswer* answer) {
    return answered(answer, [&] {
        std::vector<std::string> all;
        for (const auto& [engine, refusal, plans] : qudnn::answers(problem))
            all.push_back(json::list_of(engine, refusal, plans));
        return json::list(all);
    });
}

int qudnn_rates(QudnnAnswer* answer) {
    return answered(answer, [] {
        const auto [operations, bytes] = plan::current_rates();
        return json::list_of(operations, bytes);
    });
}

int qudnn_replay(const char* problem, const char* only, int with_unlikely, QudnnAnswer* answer) {
    return answered(answer, [&] {
        std::vector<std::string> all;
        for (const auto& each : qudnn::replay(problem, only, with_unlikely != 0))
            all.push_back(json::list_of(each.engine, each.plan, each.refusal, each.differing_bytes,
                                        each.microseconds, each.is_reference));
        return json::list(all);
    });
}
