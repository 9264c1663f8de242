#include "engines/cudnn/cudnn_library.h"

#include <dlfcn.h>

#include <cstddef>

// cudnn-frontend takes every function of cuDNN from this handle.
namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;
}

namespace qudnn::engines {

namespace {

constexpr size_t kOldest = 90400;  // of the int8 graphs' engines used here

size_t version_number() {
    auto* get = reinterpret_cast<size_t (*)()>(dlsym(cudnn_frontend::cudnn_dlhandle, "cudnnGetVersion"));
    return get != nullptr ? get() : 0;
}

std::string version_text(size_t n) {
    return std::to_string(n / 10000) + "." + std::to_string(n / 100 % 100) + "." + std::to_string(n % 100);
}

bool is_loaded(const char* name) {
    void* library = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
    if (library != nullptr) dlclose(library);
    return library != nullptr;
}

std::string load() {
    constexpr const char* name = "libcudnn.so.9";
    // onnxruntime's handle comes from the cuDNN that it has loaded: no other major version takes it.
    if (is_loaded("libcudnn.so.8") && !is_loaded(name)) return "onnxruntime uses cuDNN 8, qudnn needs 9";
    void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return std::string("no cuDNN: ") + dlerror();
    cudnn_frontend::cudnn_dlhandle = library;
    const size_t version = version_number();
    if (version < kOldest)
        return "cuDNN " + version_text(version) + " is older than " + version_text(kOldest);
    return {};
}

}  // namespace

const std::string& cudnn_problem() {
    static const auto* const problem =
        new std::string(load());  // never destroyed: a thread may outlive main()
    return *problem;
}

std::string cudnn_version() {
    return cudnn_problem().empty() ? version_text(version_number()) : std::string();
}

}  // namespace qudnn::engines
