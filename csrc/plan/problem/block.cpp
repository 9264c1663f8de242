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
    last.adds = b.adds ? adds_rounded : adds_nothing;
    return {first, window, last};
}

FoundBlock block_of(const StepProblems& steps) {
    const auto& [first, window, last] = steps;
    const auto refused = [](const char* why) { return FoundBlock{std::nullopt, why}; };
    const bool pads = first.y_padding.any();
    if (window.stride_h != window.stride_w) return refused("two strides that differ");
    if (window.dilation_h != 1 || window.dilation_w != 1) return refused("dilations");
    if (window.r != 3 || window.s != 3) return refused("a window other than 3 x 3");
    if (window.c != window.k) return refused("a window that changes the number of channels");
    if (window.group != 1 && window.group != window.c) return refused("groups");

    BlockProblem b;
    b.n = first.n, b.h = first.h, b.w = first.w, b.c = first.c, b.m = first.k, b.k = last.k;
    b.stride = window.stride_h;
    b.depthwise = window.group != 1;
    b.pads_with_value = window.pads_with_value || pads;
    b.first_pads = pads;
    b.clamps_first = first.clamps_above, b.clamps_window = window.clamps_above;
    b.clamps_above = last.clamps_above;
    b.adds = last.adds == adds_rounded;
    b.alignment = first.alignment;
    StepProblems others = steps_of(b);
    for (size_t i = 0; i < others.size(); ++i) others[i].alignment = steps[i].alignment;
    if (others != steps) return refused("a padding other than 1");
    return {b, {}};
}

std::array<size_t, kStepsOfBlock - 1> bytes_between(const StepProblems& steps) {
    return {rounded_up(steps[0].y_elements()), rounded_up(steps[1].y_elements())};
}

}  // namespace qudnn::plan
