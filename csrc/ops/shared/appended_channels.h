// The attributes channels and pads: which channels of x an op takes, and how many it appends to its result.
#pragma once

#include <algorithm>
#include <vector>

#include "ops/shared/op.h"

namespace qudnn::ops {

struct AppendedChannels {
    int64_t channels;  // at most: x may have fewer
    int64_t padding;

    // pads has ONNX Pad's form.
    explicit AppendedChannels(const ort::Attributes& attributes)
        : AppendedChannels(attributes, attributes.integer("channels")) {}

    // For an op without the attribute channels, which takes all channels.
    static AppendedChannels all(const ort::Attributes& attributes) {
        return AppendedChannels(attributes, ort::Dim::kAll);
    }

    int64_t taken(const ort::Shape& x) const {
        require(x.rank() >= 1, "x has no channels");
        return std::min(channels, x.back());
    }

    ort::Shape result(const ort::Shape& x) const {
        ort::Shape y = x;
        y[y.rank() - 1] = taken(x) + padding;
        return y;
    }

    // As result(), of what is known of x; nothing of nothing.
    std::vector<ort::Dim> dims(std::vector<ort::Dim> x) const {
        if (x.empty()) return x;
        x.back() = x.back().first(channels);
        if (padding > 0) {
            x.back() = x.back().extent < 0 ? ort::Dim{} : ort::Dim::of(x.back().extent + padding);
        }
        return x;
    }

    void infer(const ort::InferenceContext& context, ort::ElementType type, size_t output = 0) const {
        const std::vector<ort::Dim> y = dims(context.input(0));
        if (!y.empty()) context.set_output(output, type, y);
    }

  private:
    AppendedChannels(const ort::Attributes& attributes, int64_t most) : channels(most) {
        require(channels >= 1, "channels has to be positive");
        const std::vector<int64_t> pads = attributes.extents("pads", 0);
        require(!pads.empty() && pads.size() % 2 == 0, "pads does not append channels");
        require(std::all_of(pads.begin(), pads.end() - 1, [](int64_t pad) { return pad == 0; }),
                "pads does more than append channels");
        padding = pads.back();
    }
};

// A tensor with one value per channel; throws `what` if it is not.
inline const float* of_channels(const ort::Tensor& tensor, int64_t channels, const char* what) {
    require(tensor.shape == ort::Shape{channels}, what);
    return tensor.as<const float>();
}

}  // namespace qudnn::ops
