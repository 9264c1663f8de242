// Tensors and their shapes as a kernel sees them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>

#include "bounds.h"
#include "ort/abi.h"

namespace qudnn::ort {

// Up to 8 dimensions, without an allocation.
class Shape {
  public:
    static constexpr size_t kMaxRank = 8;

    Shape() = default;
    explicit Shape(size_t rank) : rank_(rank) {
        if (rank > kMaxRank) throw std::invalid_argument("a tensor of rank " + std::to_string(rank));
    }
    Shape(std::initializer_list<int64_t> dims) : Shape(dims.size()) {
        std::copy(dims.begin(), dims.end(), dims_.begin());
    }

    size_t rank() const { return rank_; }
    int64_t* data() { return dims_.data(); }
    const int64_t* data() const { return dims_.data(); }
    int64_t& operator[](size_t i) { return dims_[i]; }
    int64_t operator[](size_t i) const { return dims_[i]; }
    int64_t back() const { return dims_[rank_ - 1]; }
    bool operator==(const Shape&) const = default;

    int64_t count() const {
        int64_t n = 1;
        for (size_t i = 0; i < rank_; ++i) n *= dims_[i];
        return n;
    }

    // Whether the size of a tensor of this shape fits. An empty tensor may have extents of any size beside
    // its 0; strides are products of extents, so those that are 0 do not count here.
    bool has_size() const {
        int64_t elements = 1;
        for (size_t i = 0; i < rank_; ++i) {
            if (dims_[i] < 0 || dims_[i] > kMostAxis) return false;
            if (dims_[i] == 0) continue;
            if (__builtin_mul_overflow(elements, dims_[i], &elements) || elements > kMostElements)
                return false;
        }
        return true;
    }

    std::string text() const {
        std::string s = "[";
        for (size_t i = 0; i < rank_; ++i) {
            if (i > 0) s += ',';
            s += std::to_string(dims_[i]);
        }
        return s += ']';
    }

  private:
    std::array<int64_t, kMaxRank> dims_{};  // beyond the rank: zero
    size_t rank_ = 0;
};

inline const char* type_name(ElementType type) {
    switch (type) {
        case ElementType::float32:
            return "float32";
        case ElementType::uint8:
            return "uint8";
        case ElementType::int8:
            return "int8";
        case ElementType::int32:
            return "int32";
        case ElementType::int64:
            return "int64";
        case ElementType::boolean:
            return "bool";
        default:
            return "unknown";
    }
}

// Memory of the runtime, dense. Do not write to an input's.
struct Tensor {
    ElementType type = ElementType::undefined;
    Shape shape;
    void* data = nullptr;

    template <class T>
    T* as() const {
        return static_cast<T*>(data);
    }
    std::string text() const { return type_name(type) + shape.text(); }
};

}  // namespace qudnn::ort
