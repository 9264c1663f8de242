// QSoftmax, the quantized softmax over an island's channels.
#pragma once

#include <memory>
#include <mutex>

#include "kernels/softmax.h"
#include "ops/op.h"

namespace qudnn::ops {

// x [..., Cp] int8 -> int8 of that shape, the softmax over the first `channels`, or all where there are
// fewer.
struct QSoftmax {
    static constexpr Signature kSignature{"QSoftmax", {ort::ElementType::int8}, {ort::ElementType::int8}};

    int64_t channels;
    float x_scale, y_scale;
    int y_zero_point;
    bool is_uint8;

    explicit QSoftmax(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);

  private:
    // For rows of that many channels. Those of the last run are kept: they take microseconds to make.
    std::shared_ptr<const kernels::SoftmaxConstants> constants(int64_t count) const;

    mutable std::mutex mutex_;
    mutable std::shared_ptr<const kernels::SoftmaxConstants> last_;
};

}  // namespace qudnn::ops
