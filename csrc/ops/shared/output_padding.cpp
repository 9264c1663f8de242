#include "ops/shared/output_padding.h"

#include <algorithm>

#include "bounds.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

kernels::OutputPadding output_padding(const ort::Attributes& attributes) {
    const std::vector<int64_t> pads = attributes.optional_integers("y_pads");
    const auto is_zero = [](int64_t pad) { return pad == 0; };
    if (std::all_of(pads.begin(), pads.end(), is_zero)) return {};
    require(pads.size() == 8 && is_zero(pads[0]) && is_zero(pads[3]) && is_zero(pads[4]) && is_zero(pads[7]),
            "y_pads pad other axes than H and W");
    for (const int64_t pad : pads) require_within("attribute y_pads", pad, 0);
    return {.top = pads[1], .left = pads[2], .bottom = pads[5], .right = pads[6]};
}

int output_zero_point(const ort::Attributes& attributes, const kernels::OutputPadding& padding) {
    return padding.any() ? attributes.integer("y_zero_point", -128, 127) : 0;
}

ort::Shape padded(const ort::Shape& y, const kernels::OutputPadding& padding) {
    if (!padding.any()) return y;
    require(y.rank() == 4, "y_pads needs a result of rank 4");
    require(y[1] > 0 && y[2] > 0, "y_pads would pad empty images");
    return {y[0], padding.rows(y[1]), padding.columns(y[2]), y[3]};
}

std::vector<ort::Dim> padded(const std::vector<ort::Dim>& y, const kernels::OutputPadding& padding) {
    if (!padding.any() || y.size() != 4) return y;
    const auto more = [](const ort::Dim& dim, int64_t pixels) {
        if (pixels == 0) return dim;
        return dim.extent < 0 ? ort::Dim{} : ort::Dim::of(dim.extent + pixels);
    };
    return {y[0], more(y[1], padding.top + padding.bottom), more(y[2], padding.left + padding.right), y[3]};
}

}  // namespace qudnn::ops
