// An onnxruntime of which there is as much as a kernel calls, for tests of kernels without a session.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ort/abi.h"

// What onnxruntime keeps behind these names.
struct OrtValue {
    qudnn::ort::ElementType type;
    std::vector<int64_t> dims;
    void* data;
};

struct OrtKernelInfo {
    std::map<std::string, std::vector<int64_t>> integers;
    std::map<std::string, std::vector<float>> reals;
    std::map<std::string, std::string> texts;
    std::vector<OrtValue> constants;  // by input; of undefined type where it is none
};

struct OrtKernelContext {
    std::vector<OrtValue> inputs;
    std::array<OrtValue, 3> outputs;
};

struct OrtTensorTypeAndShapeInfo {
    const OrtValue* value;             // null: of no tensor, but of `own`
    OrtValue own{};                    // extents below 0 are not known
    std::vector<std::string> symbols;  // their names, by axis

    const OrtValue& described() const { return value != nullptr ? *value : own; }
};

struct OrtOpAttr {
    std::vector<int64_t> integers;
    std::vector<float> reals;
    std::string text;
};

struct OrtShapeInferContext {
    std::map<std::string, OrtOpAttr> attributes;
    std::vector<OrtTensorTypeAndShapeInfo> inputs;
    OrtTensorTypeAndShapeInfo output{};  // the first
};

namespace qudnn::testing {

// Since the last take_runtime_calls(), in this process.
struct RuntimeCalls {
    uint64_t descriptions = 0;  // allocated to say a tensor's type and shape
    uint64_t scratch = 0;       // allocations of memory for one run
    uint64_t questions = 0;     // of runs, for a tensor, its memory or description, the stream, a resource
};

RuntimeCalls take_runtime_calls();

// Makes it the library's runtime, with the functions of an API version.
void use_fake_runtime(uint32_t version);

}  // namespace qudnn::testing
