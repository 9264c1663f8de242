#include "plan/configuration.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string_view>

namespace qudnn::plan {

namespace {

using std::string_view_literals::operator""sv;

Tune parse_tune(const std::string& text) {
    if (text == "full") return Tune::full;
    if (text == "heuristic") return Tune::heuristic;
    if (text == "cached") return Tune::cached;
    throw std::invalid_argument("qudnn.tune is 'full', 'heuristic' or 'cached', not '" + text + "'");
}

uint64_t parse_bytes(const std::string& text) {
    uint64_t bytes = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, bytes);
    if (error != std::errc() || stopped != end) {
        throw std::invalid_argument("qudnn.workspace_limit is a number of bytes, not '" + text + "'");
    }
    return bytes;
}

// A later change of the working folder must not move it.
std::string absolute(const std::string& folder) {
    return folder.empty() ? folder : std::filesystem::absolute(folder).lexically_normal().string();
}

std::mutex& interned_mutex() {
    static std::mutex mutex;
    return mutex;
}

std::list<Configuration>& interned() {
    static auto* const all = new std::list<Configuration>;  // never destroyed: ops refer to them
    return *all;
}

}  // namespace

Configuration parse_configuration(const std::optional<std::string>& tune,
                                  const std::optional<std::string>& workspace_limit,
                                  const std::optional<std::string>& cache_folder) {
    Configuration c;
    if (tune) c.tune = parse_tune(*tune);
    if (workspace_limit) c.workspace_limit = parse_bytes(*workspace_limit);
    c.cache_folder = cache_folder ? absolute(*cache_folder) : default_cache_folder();
    if (const char* only = std::getenv("QUDNN_ONLY")) c.only = only;
    if (const char* explain = std::getenv("QUDNN_EXPLAIN")) c.explain = *explain != '\0' && explain != "0"sv;
    return c;
}

std::string default_cache_folder() {
    if (const char* own = std::getenv("QUDNN_CACHE_DIR")) return absolute(own);
    if (const char* caches = std::getenv("XDG_CACHE_HOME"); caches != nullptr && *caches == '/') {
        return absolute(std::string(caches) + "/qudnn");
    }
    if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
        return absolute(std::string(home) + "/.cache/qudnn");
    }
    return {};
}

const Configuration& intern(const Configuration& configuration) {
    const std::lock_guard lock(interned_mutex());
    for (const Configuration& known : interned()) {
        if (known == configuration) return known;
    }
    return interned().emplace_back(configuration);
}

std::vector<const Configuration*> all_configurations() {
    const std::lock_guard lock(interned_mutex());
    std::vector<const Configuration*> all;
    for (const Configuration& known : interned()) all.push_back(&known);
    return all;
}

}  // namespace qudnn::plan
