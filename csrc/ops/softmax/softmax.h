// QSoftmax, the quantized softmax over an island's channels.
#pragma once

#include <memory>
#include <mutex>

#include "kernels/softmax/softmax.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// The constants of a node: they depend on the length of its rows alone.
class NodeSoftmaxConstants {
  public:
    NodeSoftmaxConstants(float x_scale, float y_scale, int y_zero_point, bool is_uint8)
        : x_scale_(x_scale), y_scale_(y_scale), y_zero_point_(y_zero_point), is_uint8_(is_uint8) {}

    // For rows of this many channels. Those of the last run are cached: computing them takes microseconds.
    std::shared_ptr<const kernels::SoftmaxConstants> of(int64_t channels) const;

  private:
    float x_scale_, y_scale_;
    int y_zero_point_;
    bool is_uint8_;
    mutable std::mutex mutex_;
    mutable std::shared_ptr<const kernels::SoftmaxConstants> last_;
};

// x [..., Cp] int8 -> int8 of that shape, the softmax over the first `channels`, or all where there are
// fewer.
struct QSoftmax {
    static constexpr Signature kSignature{"QSoftmax", {ort::ElementType::int8}, {ort::ElementType::int8}};

    int64_t channels;
    NodeSoftmaxConstants constants;

    explicit QSoftmax(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
