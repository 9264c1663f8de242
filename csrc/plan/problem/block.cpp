#include "plan/problem/block.h"

namespace qudnn::plan {

namespace {

size_t rounded_up(int64_t bytes) { return (static_cast<size_t>(bytes) + 255) / 256 * 256; }

void set_dense(ConvProblem& conv) { conv.x_stride = {conv.h * conv.w * conv.c, conv.w * conv.c, conv.c, 1}; }

ConvProblem pixels(const BlockProblem& b, int64_t h, int64_t w, int64_t c, int64_t k) {
    ConvProblem conv;
    conv.n = b.n, conv.h = conv.p = h, conv.w = conv.q = w, conv.c = c, conv.k = k;
    conv.alignment = b.alignment;
    set_dense(conv);
    return conv;
}

}  // namespace

StepProblems steps_of(const BlockProblem& b) {
    const kernels::OutputPadding around{1, 1, 1, 1}, none{};
    ConvProblem first = pixels(b, b.h, b.w, b.c, b.m);
    first.clamps_above = b.clamps_first;
    first.y_padding = b.first_pads ? around : none;

    ConvProblem window = pixels(b, first.y_padding.rows(b.h), first.y_padding.columns(b.w), b.m, b.m);
    window.r = window.s = 3;
    window.p = b.p(), window.q = b.q();
    window.stride_h = window.stride_w = b.stride;
    if (!b.first_pads) window.pad_top = window.pad_left = window.pad_bottom = window.pad_right = 1;
    window.group = b.depthwise ? b.m : 1;
    window.pads_with_value = b.pads_with_value && !b.first_pads;
    window.clamps_above = b.clamps_window;

    ConvProblem last = pixels(b, b.p(), b.q(), b.m, b.k);
    last.clamps_above = b.clamps_above;
    last.adds = b.adds;
    return {first, window, last};
}

std::array<size_t, kStepsOfBlock - 1> bytes_between(const StepProblems& steps) {
    return {rounded_up(steps[0].y_elements()), rounded_up(steps[1].y_elements())};
}

size_t all_bytes_between(const StepProblems& steps) {
    const auto [reduced, window] = bytes_between(steps);
    return reduced + window;
}

}  // namespace qudnn::plan
