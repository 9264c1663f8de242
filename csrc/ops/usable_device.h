// Is there a GPU that the ops can run on?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "export.h"

namespace qudnn::ops {

// Why this process has no usable GPU; empty where it has one. Looked up once; says it on standard error
// where the environment sets QUDNN_VERBOSE.
// NOTE: CUDA is started only where nothing else tells: once it is, a fork's children cannot use it.
const std::string& no_usable_device();

// What the driver says of a machine without CUDA being started.
struct Machine {
    struct Gpu {
        int capability;    // 90 for 9.0
        std::string uuid;  // "GPU-..."
    };
    int driver;  // the newest CUDA that it runs, 13000 for 13.0
    std::vector<Gpu> gpus;
};

// Why a process has no usable GPU on this machine, with that CUDA runtime (13000 for 13.0) and that value of
// CUDA_VISIBLE_DEVICES, null where it is not set; empty where it has one, nothing where CUDA has to be asked.
QUDNN_API std::optional<std::string> no_usable_device(const Machine& machine, int runtime,
                                                      const char* visible);

}  // namespace qudnn::ops
