#include "plan/planner/known.h"

#include <cuda_runtime_api.h>

#include <map>
#include <mutex>
#include <optional>

#include "engines/cudnn/cudnn_library.h"
#include "plan/common/cuda_error.h"
#include "plan/common/engine.h"
#include "plan/storage/store.h"
#include "plan/storage/text.h"
#include "plan/tuning/nearest.h"
#include "plan/tuning/tuner.h"
#include "versions.h"

namespace qudnn::plan {

namespace {

// What a plan's speed depends on. A part of a GPU has a name of its own.
std::string describe_device(int device) {
    cudaDeviceProp p;
    check_cuda(cudaGetDeviceProperties(&p, device));
    return std::string(p.name) + " sm_" + std::to_string(p.major * 10 + p.minor) + " " +
           std::to_string(p.multiProcessorCount) + " multiprocessors";
}

const std::string& device_text(int device) {
    static std::mutex mutex;
    static auto& texts = *new std::map<int, std::string>;  // never destroyed: a thread may outlive main()
    const std::lock_guard lock(mutex);
    std::string& text = texts[device];
    if (text.empty()) text = describe_device(device);
    return text;
}

// A plan that is known on a GPU.
struct KnownOnDevice {
    std::string device;
    KnownPlan plan;
};

std::optional<KnownOnDevice> known_plan(const Record& record) {
    const std::optional<Problem> problem = parse(record.key.problem);
    if (!problem) return std::nullopt;
    return KnownOnDevice{record.key.device, {*problem, record.plan, record.tuned}};
}

// The records of a folder as first read, for guesses only. Plans that this process adds later are in its
// cache.
const std::vector<KnownOnDevice>& first_look(const std::string& folder) {
    constexpr size_t kMost = 1000;
    static std::mutex mutex;
    static auto& looks = *new std::map<std::string, std::vector<KnownOnDevice>>;
    const std::lock_guard lock(mutex);
    const auto [look, is_new] = looks.try_emplace(folder);
    if (is_new && !folder.empty()) {
        try {
            for (const Record& record : Store(folder).list(kMost, false).records)
                if (auto known = known_plan(record)) look->second.push_back(std::move(*known));
        } catch (const std::exception&) {
            // No guesses then; looking for a plan reports what is wrong with the folder.
        }
    }
    return look->second;
}

}  // namespace

Key::Key(const Problem& problem, int device, const Configuration* configuration)
    : hash(plan::hash(problem) ^ (static_cast<size_t>(device) * 0x94d049bb133111ebu) ^
           std::hash<const void*>()(configuration)),
      problem(problem),
      device(device),
      configuration(configuration) {}

RecordKey record_key_of(const Key& key) {
    return {text(key.problem), device_text(key.device),   engines::cudnn_version(),
            QUDNN_VERSION,     engines_text(key.problem), key.configuration->workspace_limit};
}

Record record_of(const Key& key, const Choice& choice, bool with_serialized_plan) {
    Record record;
    record.key = record_key_of(key);
    record.tuned = choice.tuned;
    record.engine = choice.engine;
    record.plan = choice.plan->name();
    if (with_serialized_plan) record.serialized = choice.plan->serialize();
    record.microseconds = choice.microseconds;
    record.first_plan = choice.first_plan;
    record.first_microseconds = choice.first_microseconds;
    record.created = choice.created;
    return record;
}

std::shared_ptr<const Choice> restore(const Record& record, const Problem& problem, cudnnContext* cudnn,
                                      bool imported) {
    for (const Engine* engine : engines()) {
        if (engine->name() != record.engine || !engine->takes(problem)) continue;
        auto choice = std::make_shared<Choice>();
        choice->plan = engine->restore(problem, record.plan, record.serialized, cudnn);
        if (choice->plan == nullptr) break;
        if (choice->plan->workspace_size() > record.key.workspace_limit) {
            throw std::runtime_error("the plan needs more workspace than it did");
        }
        if (auto native = native_plan(problem);
            native && choice->plan->workspace_size() > native->workspace_size()) {
            choice->fallbacks.push_back(std::move(native));
        }
        choice->engine = record.engine;
        choice->tuned = record.tuned;
        choice->source = imported ? Source::imported : Source::disk;
        choice->microseconds = record.microseconds;
        choice->first_plan = record.first_plan;
        choice->first_microseconds = record.first_microseconds;
        choice->created = record.created;
        return choice;
    }
    throw std::runtime_error("no engine has its plan " + printable(record.plan));
}

std::string likely_plan(const Key& key, const std::vector<Listed>& of_process) {
    const std::string& device = device_text(key.device);
    std::vector<KnownPlan> known;
    for (const Listed& listed : of_process)
        if (auto found = known_plan(listed.record); found && found->device == device)
            known.push_back(std::move(found->plan));
    for (const KnownOnDevice& found : first_look(key.configuration->cache_folder))
        if (found.device == device) known.push_back(found.plan);
    return nearest_plan(key.problem, known);
}

const char* source_text(Source source) {
    switch (source) {
        case Source::tuned:
            return "tuned";
        case Source::heuristic:
            return "heuristic";
        case Source::disk:
            return "disk";
        case Source::imported:
            return "imported";
    }
    return "";
}

}  // namespace qudnn::plan
