// The functions of an onnxruntime, each in its place.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "ort/abi.h"

namespace qudnn::testing {

template <size_t kCount>
class FunctionTable {
  public:
    // With no functions: one that is called ends the process.
    FunctionTable() = default;
    // With those of a runtime that has as many.
    explicit FunctionTable(const OrtApi* api) {
        std::copy_n(reinterpret_cast<void* const*>(api), kCount, functions_.begin());
    }

    template <class Slot, class Function>
    void set(const Function& function) {
        place(static_cast<Slot*>(nullptr), function);
    }

    const OrtApi* api() const { return reinterpret_cast<const OrtApi*>(functions_.data()); }

  private:
    template <size_t kIndex, class Signature, class Function>
    void place(ort::Slot<kIndex, Signature>*, const Function& function) {
        const typename ort::Slot<kIndex, Signature>::Pointer pointer = function;
        functions_[kIndex] = reinterpret_cast<void*>(pointer);
    }

    std::array<void*, kCount> functions_{};
};

}  // namespace qudnn::testing
