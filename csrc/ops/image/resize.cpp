#include "ops/image/resize.h"

#include <tuple>
#include <utility>

#include "bounds.h"
#include "ops/shared/dtype.h"

namespace qudnn::ops {

namespace {

// The value in the table that the attribute names.
template <class Value, size_t Count>
Value choice(const ort::Attributes& attributes, const char* name,
             const std::pair<const char*, Value> (&table)[Count]) {
    const std::string text = attributes.text(name);
    for (const auto& [key, value] : table)
        if (text == key) return value;
    throw std::invalid_argument(std::string(name) + " '" + text + "' is not supported");
}

kernels::Coordinates read_coordinates(const ort::Attributes& attributes) {
    using enum kernels::Coordinates;
    return choice<kernels::Coordinates>(attributes, "coordinate_transformation_mode",
                                        {{"half_pixel", half_pixel},
                                         {"half_pixel_symmetric", half_pixel_symmetric},
                                         {"pytorch_half_pixel", pytorch_half_pixel},
                                         {"tf_half_pixel_for_nn", tf_half_pixel_for_nn},
                                         {"asymmetric", asymmetric},
                                         {"align_corners", align_corners}});
}

kernels::Nearest read_nearest(const ort::Attributes& attributes) {
    using enum kernels::Nearest;
    return choice<kernels::Nearest>(attributes, "nearest_mode",
                                    {{"round_prefer_floor", round_prefer_floor},
                                     {"round_prefer_ceil", round_prefer_ceil},
                                     {"floor", floor},
                                     {"ceil", ceil}});
}

int64_t resized(int64_t extent, float scale) {
    const float size = scale * static_cast<float>(extent);
    require(size < static_cast<float>(kMostExtent), "an image of more than 2^31 rows or columns");
    return static_cast<int64_t>(size);
}

// The scales of H and W.
std::pair<float, float> read_scales(const ort::Attributes& attributes) {
    const std::array<float, 4> scales = attributes.reals<4>("scales");
    require(scales[0] == 1 && scales[3] == 1, "scales of the batch and the channels have to be 1");
    require(scales[1] > 0 && scales[2] > 0, "scales have to be positive");
    return {scales[1], scales[2]};
}

// The images of one run. same: they keep their size, whatever the scales are, and pixels are copied.
struct Resized {
    ort::Tensor x, y;
    bool empty, same = false;
    kernels::ResizeGeometry geometry{};

    Resized(Context& context, float h_scale, float w_scale, kernels::Coordinates coordinates)
        : Resized(context, resized_by(context, h_scale, w_scale), coordinates) {
        set_scales(h_scale, w_scale);
    }

    // To the sizes that are the second input. Scales as UpsampleBase::ParseScalesDataFromOutputSize has them
    // (onnxruntime 1.31, upsamplebase.h).
    Resized(Context& context, kernels::Coordinates coordinates)
        : Resized(context, wanted(context), coordinates) {
        const auto scale = [](const kernels::ResizeAxis& axis) {
            return static_cast<float>(axis.out) / static_cast<float>(axis.in);
        };
        if (!empty) set_scales(scale(geometry.h), scale(geometry.w));
    }

  private:
    using Extents = std::pair<int64_t, int64_t>;  // of rows and columns

    Resized(Context& context, const Extents& extents, kernels::Coordinates coordinates)
        : x(context.input(0)),
          y(context.output(0, {x.shape[0], extents.first, extents.second, x.shape[3]})),
          empty(y.shape.count() == 0) {
        if (empty) return;
        const int64_t h = x.shape[1], w = x.shape[2], p = y.shape[1], q = y.shape[2];
        require(h > 0 && w > 0, "x has images without pixels");
        require(std::max({h, w, p, q}) < int64_t{1} << 31, "an image of more than 2^31 rows or columns");
        same = p == h && q == w;
        const auto axis = [](int64_t in, int64_t out) {
            return kernels::ResizeAxis{static_cast<int>(in), static_cast<int>(out), 1};
        };
        geometry = {x.shape[0], x.shape[3], axis(h, p), axis(w, q), coordinates};
    }

    void set_scales(float h_scale, float w_scale) {
        if (same) return;
        geometry.h.scale = h_scale;
        geometry.w.scale = w_scale;
    }

    static const ort::Tensor& images(const ort::Tensor& x) {
        require(x.shape.rank() == 4, "x has to be of rank 4");
        return x;
    }
    static Extents resized_by(Context& context, float h_scale, float w_scale) {
        const ort::Tensor x = images(context.input(0));
        return {resized(x.shape[1], h_scale), resized(x.shape[2], w_scale)};
    }
    static Extents wanted(Context& context) {
        images(context.input(0));
        const ort::Tensor sizes = context.input(1);
        require(sizes.shape.rank() == 1 && sizes.shape[0] == 2, "sizes have to be two numbers");
        const auto* numbers = sizes.as<const int64_t>();
        require(std::min(numbers[0], numbers[1]) >= 0, "sizes have to be 0 or more");
        return {numbers[0], numbers[1]};
    }
};

void infer_resized(const ort::InferenceContext& context, ort::ElementType type) {
    const std::vector<ort::Dim> x = context.input(0);
    if (x.size() != 4) return;
    const auto [h_scale, w_scale] = read_scales(context.attributes());
    const auto dim = [](const ort::Dim& from, float scale) {
        return from.extent < 0 ? ort::Dim{} : ort::Dim::of(resized(from.extent, scale));
    };
    context.set_output(0, type, {x[0], dim(x[1], h_scale), dim(x[2], w_scale), x[3]});
}

void infer_resized_to(const ort::InferenceContext& context, ort::ElementType type) {
    const std::vector<ort::Dim> x = context.input(0);
    if (x.size() == 4) context.set_output(0, type, {x[0], {}, {}, x[3]});
}

bool is_linear(const ort::Attributes& attributes) {
    return choice<bool>(attributes, "mode", {{"nearest", false}, {"linear", true}});
}

kernels::Nearest read_nearest_if(bool needed, const ort::Attributes& attributes) {
    return needed ? read_nearest(attributes) : kernels::Nearest::floor;
}

kernels::FloatResizeScales read_quantization(const ort::Attributes& attributes) {
    return {attributes.real("x_scale"), attributes.real("y_scale"),
            attributes.integer("x_zero_point", -128, 127), attributes.integer("y_zero_point", -128, 127)};
}

// op: a QResize or a QResizeTo.
void run(const Resized& r, const auto& op, Context& context) {
    if (r.empty) return;
    const auto* source = r.x.as<const int8_t>();
    auto* target = r.y.as<int8_t>();
    check_cuda(op.linear && !r.same
                   ? kernels::resize_linear(r.geometry, op.offset, source, target, context.stream())
                   : kernels::resize_nearest(r.geometry, op.nearest, source, target, context.stream()));
}

void run_in_float(const Resized& r, const kernels::FloatResizeScales& scales, Context& context) {
    if (r.empty) return;
    check_cuda(kernels::float_resize(r.geometry, scales, r.x.as<const int8_t>(), r.y.as<int8_t>(),
                                     context.stream()));
}

}  // namespace

QResize::QResize(const ort::Attributes& attributes)
    : linear(is_linear(attributes)),
      coordinates(read_coordinates(attributes)),
      nearest(read_nearest_if(!linear, attributes)),
      offset(Dtype(attributes).offset) {
    std::tie(h_scale, w_scale) = read_scales(attributes);
}

void QResize::compute(Context& context) const {
    run(Resized(context, h_scale, w_scale, coordinates), *this, context);
}

void QResize::infer(const ort::InferenceContext& context) { infer_resized(context, kSignature.outputs[0]); }

QFloatResize::QFloatResize(const ort::Attributes& attributes)
    : coordinates(read_coordinates(attributes)), scales(read_quantization(attributes)) {
    std::tie(h_scale, w_scale) = read_scales(attributes);
    require(h_scale != 1 || w_scale == 1, "it resizes columns alone, which is not supported");
}

void QFloatResize::compute(Context& context) const {
    run_in_float(Resized(context, h_scale, w_scale, coordinates), scales, context);
}

void QFloatResize::infer(const ort::InferenceContext& context) {
    infer_resized(context, kSignature.outputs[0]);
}

QResizeTo::QResizeTo(const ort::Attributes& attributes)
    : linear(is_linear(attributes)),
      coordinates(read_coordinates(attributes)),
      nearest(read_nearest_if(!linear, attributes)),
      offset(Dtype(attributes).offset) {}

void QResizeTo::compute(Context& context) const { run(Resized(context, coordinates), *this, context); }

void QResizeTo::infer(const ort::InferenceContext& context) {
    infer_resized_to(context, kSignature.outputs[0]);
}

QFloatResizeTo::QFloatResizeTo(const ort::Attributes& attributes)
    : coordinates(read_coordinates(attributes)), scales(read_quantization(attributes)) {}

void QFloatResizeTo::compute(Context& context) const {
    run_in_float(Resized(context, coordinates), scales, context);
}

void QFloatResizeTo::infer(const ort::InferenceContext& context) {
    infer_resized_to(context, kSignature.outputs[0]);
}

}  // namespace qudnn::ops
