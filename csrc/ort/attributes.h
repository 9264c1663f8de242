// Attributes of a node, read the same way while a kernel is created and while shapes are inferred.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "ort/api.h"

namespace qudnn::ort {

// Every getter throws Error where the node lacks the attribute or has it with another type.
class Attributes {
  public:
    virtual ~Attributes() = default;

    virtual int64_t integer(const char* name) const = 0;
    virtual float real(const char* name) const = 0;
    virtual std::vector<int64_t> integers(const char* name) const = 0;
    virtual std::vector<float> reals(const char* name) const = 0;
    virtual std::string text(const char* name) const = 0;

    // An integer that must lie within [low, high].
    int integer(const char* name, int low, int high) const;

    // Sizes and counts: integers from `least` to kMostExtent.
    int64_t extent(const char* name, int64_t least) const;
    std::vector<int64_t> extents(const char* name, int64_t least) const;
    template <size_t Count>
    std::array<int64_t, Count> extents(const char* name, int64_t least) const {
        return exactly<Count>(name, extents(name, least));
    }

    // Nothing where the node leaves the attribute out.
    std::vector<int64_t> optional_integers(const char* name) const;
    std::vector<float> optional_reals(const char* name) const;
    // Another value where it does.
    float optional_real(const char* name, float otherwise) const;
    int64_t optional_integer(const char* name, int64_t otherwise) const;

    template <size_t Count>
    std::array<int64_t, Count> integers(const char* name) const {
        return exactly<Count>(name, integers(name));
    }

    template <size_t Count>
    std::array<float, Count> reals(const char* name) const {
        return exactly<Count>(name, reals(name));
    }

  private:
    template <size_t Count, class Value>
    static std::array<Value, Count> exactly(const char* name, const std::vector<Value>& values) {
        if (values.size() != Count) {
            throw Error("attribute " + std::string(name) + " has " + std::to_string(values.size()) +
                        " values, expected " + std::to_string(Count));
        }
        std::array<Value, Count> result{};
        std::copy(values.begin(), values.end(), result.begin());
        return result;
    }
};

class KernelAttributes final : public Attributes {
  public:
    explicit KernelAttributes(const OrtKernelInfo* info) : info_(info) {}

    using Attributes::integer;
    using Attributes::integers;
    using Attributes::reals;
    int64_t integer(const char* name) const override;
    float real(const char* name) const override;
    std::vector<int64_t> integers(const char* name) const override;
    std::vector<float> reals(const char* name) const override;
    std::string text(const char* name) const override;

  private:
    const OrtKernelInfo* info_;
};

class InferenceAttributes final : public Attributes {
  public:
    explicit InferenceAttributes(const OrtShapeInferContext* context) : context_(context) {}

    using Attributes::integer;
    using Attributes::integers;
    using Attributes::reals;
    int64_t integer(const char* name) const override;
    float real(const char* name) const override;
    std::vector<int64_t> integers(const char* name) const override;
    std::vector<float> reals(const char* name) const override;
    std::string text(const char* name) const override;

  private:
    const OrtOpAttr* find(const char* name) const;
    template <class Value>
    std::vector<Value> values(const char* name, AttributeType type) const;

    const OrtShapeInferContext* context_;
};

// The name of the node that a kernel is created for.
std::string node_name(const OrtKernelInfo* info);

}  // namespace qudnn::ort
