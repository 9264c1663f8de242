// Whether there is a GPU that the ops can run on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "export.h"

namespace qudnn::ops {

// Why this process has no usable GPU; empty if it has one. Looked up once. If the environment sets
// QUDNN_VERBOSE, it is printed on standard error.
// NOTE: CUDA is started only if nothing else tells; once it is, a fork's children cannot use it.
const std::string& no_usable_device();

// What the driver says of a machine, without starting CUDA.
struct Machine {
    struct Gpu {
        int capability;    // 90 for 9.0
        std::string uuid;  // "GPU-..."
    };
    int driver;  // the newest CUDA that it runs, 13000 for 13.0
    std::vector<Gpu> gpus;
};

// Why a process has no usable GPU on this machine, with this CUDA runtime (13000 for 13.0) and this value of
// CUDA_VISIBLE_DEVICES (null: not set). Empty if it has one; no value if CUDA has to be asked.
QUDNN_API std::optional<std::string> no_usable_device(const Machine& machine, int runtime,
                                                      const char* visible);

}  // namespace qudnn::ops
