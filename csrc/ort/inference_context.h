// Shape inference of a node when a session loads its model.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "ort/attributes.h"

namespace qudnn::ort {

// A dimension: known (extent >= 0), or unknown with the model's name for it where it has one.
struct Dim {
    int64_t extent = -1;
    std::string symbol;

    static Dim of(int64_t extent) { return {extent, {}}; }

    // The first `most` of this dimension, or all if there are fewer. An unknown dimension is taken to have as
    // many, except for kAll.
    static constexpr int64_t kAll = INT64_MAX;
    Dim first(int64_t most) const {
        if (most == kAll) return *this;
        return of(extent < 0 ? most : std::min(extent, most));
    }
};

class InferenceContext {
  public:
    explicit InferenceContext(OrtShapeInferContext* context) : context_(context), attributes_(context) {}

    const Attributes& attributes() const { return attributes_; }

    // Empty where the shape is not known (ORT tells no difference between that and a scalar).
    std::vector<Dim> input(size_t index) const;

    // An unknown dimension without a name gets a fresh one: equal names would claim equal extents.
    void set_output(size_t index, ElementType type, const std::vector<Dim>& dims) const;

  private:
    OrtShapeInferContext* context_;
    InferenceAttributes attributes_;
};

}  // namespace qudnn::ort
