#include "plan/common/configuration.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <list>
#include <mutex>
#include <regex>
#include <stdexcept>
#include <string_view>

#include "plan/common/options.h"

namespace qudnn::plan {

namespace {

using std::string_view_literals::operator""sv;

Tune parse_tune(const Option& option) {
    if (option.text == "full") return Tune::full;
    if (option.text == "background") return Tune::background;
    if (option.text == "heuristic") return Tune::heuristic;
    if (option.text == "cached") return Tune::cached;
    throw std::invalid_argument(option.name + " is 'full', 'background', 'heuristic' or 'cached', not '" +
                                option.text + "'");
}

// "1048576", "512K", "256M", "1.5 GiB": K is 1024 bytes. As `size` of converter/cli/units.py.
uint64_t parse_bytes(const Option& option) {
    static const std::regex size(R"(\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?\s*)", std::regex::icase);
    std::smatch parts;
    if (std::regex_match(option.text, parts, size)) {
        const std::string number = parts[1], unit = parts[2];
        const size_t power = unit.empty() ? 0 : "KMGT"sv.find(static_cast<char>(std::toupper(unit[0]))) + 1;
        long double count = 0;  // holds all integers of 64 bits
        std::from_chars(number.data(), number.data() + number.size(), count);
        const long double bytes = std::floor(count * static_cast<long double>(uint64_t{1} << (10 * power)));
        if (bytes <= static_cast<long double>(std::numeric_limits<int64_t>::max())) {
            return static_cast<uint64_t>(bytes);
        }
    }
    throw std::invalid_argument(
        option.name + " is a number of bytes, as in 1048576, 512K, 256M or 1G, not '" + option.text + "'");
}

// An empty variable counts as none.
std::optional<Option> of_environment(const char* name, const char* text) {
    if (text == nullptr || *text == '\0') return std::nullopt;
    return Option{name, text};
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

Configuration parse_configuration(const Options& options) {
    const auto tune = options.tune ? options.tune : of_environment("QUDNN_TUNE", std::getenv("QUDNN_TUNE"));
    const auto limit = options.workspace_limit
                           ? options.workspace_limit
                           : of_environment("QUDNN_WORKSPACE_LIMIT", std::getenv("QUDNN_WORKSPACE_LIMIT"));
    Configuration c;
    if (tune) c.tune = parse_tune(*tune);
    if (limit) c.workspace_limit = parse_bytes(*limit);
    c.cache_folder = options.cache_dir ? absolute(options.cache_dir->text) : default_cache_folder();
    if (const char* only = std::getenv("QUDNN_ONLY")) c.only = only;
    if (const char* explain = std::getenv("QUDNN_EXPLAIN")) c.explain = *explain != '\0' && explain != "0"sv;
    return c;
}

Configuration parse_configuration(const std::optional<std::string>& tune,
                                  const std::optional<std::string>& workspace_limit,
                                  const std::optional<std::string>& cache_folder) {
    Options options;
    if (tune) options.tune = {"qudnn.tune", *tune};
    if (workspace_limit) options.workspace_limit = {"qudnn.workspace_limit", *workspace_limit};
    if (cache_folder) options.cache_dir = {"qudnn.cache_dir", *cache_folder};
    return parse_configuration(options);
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
