#include "ops/add.h"

namespace qudnn::ops {

QAdd::QAdd(const ort::Attributes& attributes) {
    const auto dtype = static_cast<ort::ElementType>(attributes.integer("dtype"));
    require(dtype == ort::ElementType::uint8 || dtype == ort::ElementType::int8,
            "dtype is neither uint8 nor int8");
    const int offset = dtype == ort::ElementType::uint8 ? 128 : 0;
    const auto zero_point = [&](const char* name) {
        return attributes.integer(name, offset - 128, offset + 127);
    };
    scales = {attributes.real("a_scale"),
              attributes.real("b_scale"),
              attributes.real("y_scale"),
              zero_point("a_zero_point"),
              zero_point("b_zero_point"),
              zero_point("y_zero_point"),
              offset};
}

void QAdd::compute(Context& context) const {
    const ort::Tensor a = context.input(0);
    const ort::Tensor b = context.input(1);
    require(a.shape == b.shape, "a and b differ in shape");
    const ort::Tensor y = context.output(a.shape);
    if (y.shape.count() == 0) return;
    check_launch(kernels::add(y.shape.count(), scales, a.as<const int8_t>(), b.as<const int8_t>(),
                              y.as<int8_t>(), context.stream()));
}

void QAdd::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> a = context.input(0);
    if (!a.empty()) context.set_output(0, kSignature.output, a);
}

}  // namespace qudnn::ops
