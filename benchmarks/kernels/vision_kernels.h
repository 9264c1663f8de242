// The cases of kernels.h for the kernels that whole vision models add to those of classifiers.
#pragma once

#include "kernels.h"
#include "kernels/elementwise/add.h"
#include "kernels/elementwise/mul.h"
#include "kernels/elementwise/padded_table.h"
#include "kernels/elementwise/table.h"
#include "kernels/image/average_pool.h"
#include "kernels/image/depth_to_space.h"
#include "kernels/image/resize.h"
#include "kernels/softmax/softmax.h"

namespace {

// What x86's conversion to int32, and so the specification, makes of a rounded float.
int converted(float value) {
    const float rounded = std::nearbyint(value);
    return rounded >= -2147483648.0f && rounded < 2147483648.0f ? static_cast<int>(rounded) : INT32_MIN;
}

int8_t clamped(float value, int offset) {
    return static_cast<int8_t>(std::clamp(converted(value), offset - 128, offset + 127) - offset);
}

// Two operands that meet as g says; the arithmetic outside the kernel is `expected`.
struct Operands {
    std::string name;
    Broadcast<2> g = {};
    int offset = 0;  // bytes by which the tensors miss their alignment

    int64_t elements(const int64_t* stride) const {
        int64_t last = 0;
        for (int d = 0; d < g.rank; ++d) last += (g.extent[d] - 1) * stride[d];
        return last + 1;
    }
    int64_t where(int64_t i, const int64_t* stride) const {
        int64_t at = 0;
        for (int d = g.rank - 1; d >= 0; i /= g.extent[d--]) at += i % g.extent[d] * stride[d];
        return at;
    }
};

const std::vector<Operands> small_operands = {
    {"1", Broadcast<2>::none(1)},
    {"15", Broadcast<2>::none(15)},
    {"1237", Broadcast<2>::none(1237)},
    {"1237 unaligned", Broadcast<2>::none(1237), 1},
    {"70000", Broadcast<2>::none(70000)},
    {"2x63x48, b 2x1x48", {3, {2, 63, 48}, {{63 * 48, 48, 1}, {48, 0, 1}}}},
    {"2x63x48, a 2x1x48", {3, {2, 63, 48}, {{48, 0, 1}, {63 * 48, 48, 1}}}},
    {"2x63x48, b 2x1x48 unaligned", {3, {2, 63, 48}, {{63 * 48, 48, 1}, {48, 0, 1}}}, 1},
    {"2x63x5, b 2x1x5", {3, {2, 63, 5}, {{63 * 5, 5, 1}, {5, 0, 1}}}},
    {"126x48, b 48", {2, {126, 48}, {{48, 1}, {0, 1}}}},
    {"126x48, b 126x1", {2, {126, 48}, {{48, 1}, {1, 0}}}},
    {"126x48, a 126x1", {2, {126, 48}, {{1, 0}, {48, 1}}}},
    {"1237, b 1", {1, {1237}, {{1}, {0}}}},
    {"9x7x32, a 9x1x32, b 7x1", {3, {9, 7, 32}, {{32, 0, 1}, {0, 1, 0}}}},
    {"2x3x4x5x16 alternating", {5, {2, 3, 4, 5, 16}, {{64, 0, 16, 0, 1}, {0, 80, 0, 16, 1}}}},
};

const std::vector<Operands> large_operands = {
    {"64x56x56x256", Broadcast<2>::none(64 * 56 * 56 * 256)},
    {"56x56x256", Broadcast<2>::none(56 * 56 * 256)},
    {"64x3136x256, b 64x1x256", {3, {64, 3136, 256}, {{3136 * 256, 256, 1}, {256, 0, 1}}}},
    {"200704x256, b 256", {2, {200704, 256}, {{256, 1}, {0, 1}}}},
    {"200704x256, b 200704x1", {2, {200704, 256}, {{256, 1}, {1, 0}}}},
    {"64x196x672, b 64x1x672", {3, {64, 196, 672}, {{196 * 672, 672, 1}, {672, 0, 1}}}},
    {"196x672, b 672", {2, {196, 672}, {{672, 1}, {0, 1}}}},
};

// With a large a_scale sums leave int32's range.
void add_case(const Operands& o, bool is_uint8, float a_scale = 0.0371f) {
    const BinaryScales s{
        a_scale,           0.0213f, 0.0449f, is_uint8 ? 121 : -7, is_uint8 ? 3 : 5, is_uint8 ? 130 : 11,
        is_uint8 ? 128 : 0};
    Tensor<int8_t> a(o.elements(o.g.stride[0]), o.offset), b(o.elements(o.g.stride[1]), o.offset);
    const float ra = s.a_scale / s.y_scale, rb = s.b_scale / s.y_scale;
    const float f = static_cast<float>(s.y_zero_point) - std::fmaf(s.a_zero_point, ra, rb * s.b_zero_point);
    check<int8_t>(
        "add " + o.name + (is_uint8 ? " uint8" : " int8") + (a_scale > 1 ? " large" : ""), o.g.count(),
        a.host.size() + b.host.size(), 0, 16, o.offset,
        [&](int8_t* y) { return add(o.g, s, a.gpu, b.gpu, y, nullptr); },
        [&](int64_t i) {
            const float va = a.host[o.where(i, o.g.stride[0])] + s.offset,
                        vb = b.host[o.where(i, o.g.stride[1])] + s.offset;
            return clamped(std::fmaf(va, ra, std::fmaf(vb, rb, f)), s.offset);
        });
}

void mul_case(const Operands& o, bool is_uint8, float a_scale = 0.0371f) {
    const BinaryScales s{
        a_scale,           0.0213f, 0.0449f, is_uint8 ? 121 : -7, is_uint8 ? 3 : 5, is_uint8 ? 130 : 11,
        is_uint8 ? 128 : 0};
    Tensor<int8_t> a(o.elements(o.g.stride[0]), o.offset), b(o.elements(o.g.stride[1]), o.offset);
    const float ratio = s.a_scale * s.b_scale / s.y_scale;
    check<int8_t>(
        "mul " + o.name + (is_uint8 ? " uint8" : " int8") + (a_scale > 1 ? " large" : ""), o.g.count(),
        a.host.size() + b.host.size(), 0, 16, o.offset,
        [&](int8_t* y) { return mul(o.g, s, a.gpu, b.gpu, y, nullptr); },
        [&](int64_t i) {
            const int va = a.host[o.where(i, o.g.stride[0])] + s.offset - s.a_zero_point,
                      vb = b.host[o.where(i, o.g.stride[1])] + s.offset - s.b_zero_point;
            const float product = static_cast<float>(va * vb) * ratio;
            return clamped(product + static_cast<float>(s.y_zero_point), s.offset);
        });
}

void table_case(int64_t count, int offset) {
    Tensor<int8_t> entries(256, offset), x(count, offset);
    check<int8_t>(
        "table " + std::to_string(count) + (offset ? " unaligned" : ""), count, count, 0, 1, offset,
        [&](int8_t* y) { return table(count, entries.gpu, x.gpu, y, nullptr); },
        [&](int64_t i) { return entries.host[x.host[i] + 128]; });
}

void channel_table_case(int64_t rows, int64_t c, int offset = 0) {
    Tensor<int8_t> entries(c * 256, offset), x(rows * c, offset);
    check<int8_t>(
        "channel_table " + std::to_string(rows) + "x" + std::to_string(c) + (offset ? " unaligned" : ""),
        rows * c, (rows + 256) * c, 0, 1, offset,
        [&](int8_t* y) { return channel_table(rows, c, entries.gpu, x.gpu, y, nullptr); },
        [&](int64_t i) { return entries.host[i % c * 256 + x.host[i] + 128]; });
}

void padded_table_case(const PaddedTableGeometry& g, bool per_channel = false) {
    Tensor<int8_t> entries(256 * (per_channel ? g.c : 1)), x(g.n * g.h * g.w * g.c);
    const PaddedResults y{g.n, g.h, g.w, g.c, g.y_padding, g.y_zero_point};
    char name[120];
    std::snprintf(name, sizeof name, "padded_table %ldx%ldx%ldx%ld%s", g.n, g.h, g.w, g.c,
                  per_channel ? " per channel" : "");
    check<int8_t>(
        name, y.count(), x.host.size(), 0, 1, 0,
        [&](int8_t* to) { return padded_table(g, per_channel, entries.gpu, x.gpu, to, nullptr); },
        [&](int64_t padded) {
            return y.expected(padded, [&](int64_t i) {
                return entries.host[(per_channel ? i % g.c * 256 : 0) + x.host[i] + 128];
            });
        });
}

void average_pool_case(const char* name, PoolGeometry g, bool is_uint8, bool count_padding) {
    Tensor<int8_t> x(g.n * g.h * g.w * g.c);
    const AverageScales s{0.0371f,      0.0153f, is_uint8 ? 120 : -7, is_uint8 ? 130 : 4, is_uint8 ? 128 : 0,
                          count_padding};
    check<int8_t>(
        std::string("average_pool ") + name + (is_uint8 ? " uint8" : " int8") +
            (count_padding ? " padding counted" : ""),
        g.n * g.p * g.q * g.c, x.host.size(), 0, 4.0 * g.r * g.s, 0,
        [&](int8_t* y) { return average_pool(g, s, x.gpu, y, nullptr); },
        [&](int64_t i) {
            int64_t c = i % g.c, q = i / g.c % g.q, p = i / g.c / g.q % g.p, n = i / g.c / g.q / g.p;
            float sum = 0;
            int inside = 0;
            for (int64_t r = 0; r < g.r; ++r)
                for (int64_t t = 0; t < g.s; ++t) {
                    int64_t h = p * g.stride_h - g.pad_top + r, w = q * g.stride_w - g.pad_left + t;
                    if (h < 0 || h >= g.h || w < 0 || w >= g.w) continue;
                    const int value = x.host[((n * g.h + h) * g.w + w) * g.c + c] + s.offset - s.x_zero_point;
                    const float product = s.x_scale * static_cast<float>(value);
                    sum += product;
                    ++inside;
                }
            const float mean = sum / static_cast<float>(count_padding ? g.r * g.s : inside);
            return clamped(mean / s.y_scale + static_cast<float>(s.y_zero_point), s.offset);
        });
}

float coordinate(int64_t i, const ResizeAxis& axis, Coordinates coordinates) {
    const float at = static_cast<float>(i), in = static_cast<float>(axis.in),
                out = static_cast<float>(axis.out);
    if (axis.scale == 1) return at;
    if (coordinates == Coordinates::asymmetric) return at / axis.scale;
    if (coordinates == Coordinates::tf_half_pixel_for_nn) return (at + 0.5f) / axis.scale;
    if (coordinates == Coordinates::align_corners) {
        const float product = at * (in - 1);
        return out == 1 ? 0 : product / (out - 1);
    }
    if (coordinates == Coordinates::pytorch_half_pixel && axis.out == 1) return 0;
    if (coordinates == Coordinates::half_pixel_symmetric) {
        const float width = axis.scale * in;
        const float offset = in / 2 * (1 - out / width);
        return static_cast<float>(offset + (at + 0.5) / axis.scale - 0.5);
    }
    return (at + 0.5f) / axis.scale - 0.5f;
}

void nearest_case(int64_t n, int64_t c, ResizeAxis h, ResizeAxis w, Coordinates coordinates, Nearest nearest,
                  int offset = 0) {
    const ResizeGeometry g{n, c, h, w, coordinates};
    Tensor<int8_t> x(n * h.in * w.in * c, offset);
    auto pixel = [&](int64_t i, const ResizeAxis& axis) {
        const float at = coordinate(i, axis, coordinates), below = std::floor(at);
        float best = below + (at - below > 0.5f);
        if (std::abs(at - below - 0.5f) < 1e-6f) best = below + (nearest == Nearest::round_prefer_ceil);
        if (nearest == Nearest::floor) best = below;
        if (nearest == Nearest::ceil) best = std::ceil(at);
        return std::clamp<int64_t>(static_cast<int64_t>(best), 0, axis.in - 1);
    };
    char name[120];
    std::snprintf(name, sizeof name, "resize_nearest %ldx%dx%dx%ld by %.3g, %.3g coordinates %d nearest %d%s",
                  n, h.in, w.in, c, h.scale, w.scale, static_cast<int>(coordinates),
                  static_cast<int>(nearest), offset ? " unaligned" : "");
    check<int8_t>(
        name, n * h.out * w.out * c, x.host.size(), 0, 20, offset,
        [&](int8_t* y) { return resize_nearest(g, nearest, x.gpu, y, nullptr); },
        [&](int64_t i) {
            const int64_t k = i % c, q = i / c % w.out, p = i / c / w.out % h.out,
                          image = i / c / w.out / h.out;
            return x.host[((image * h.in + pixel(p, h)) * w.in + pixel(q, w)) * c + k];
        });
}

void linear_case(int64_t n, int64_t c, ResizeAxis h, ResizeAxis w, Coordinates coordinates, bool is_uint8) {
    const ResizeGeometry g{n, c, h, w, coordinates};
    const int offset = is_uint8 ? 128 : 0;
    Tensor<int8_t> x(n * h.in * w.in * c);
    struct Between {
        float at;
        int64_t first, second;
        bool same() const { return first == second; }
        int fixed() const {  // the weight of the second
            return same() ? 512 : static_cast<int>(at * 1024) - static_cast<int>(first) * 1024;
        }
    };
    auto between = [&](int64_t i, const ResizeAxis& axis) {
        const float at = std::clamp(coordinate(i, axis, coordinates), 0.0f, static_cast<float>(axis.in - 1));
        const auto first = static_cast<int64_t>(at);
        return Between{at, first, std::min<int64_t>(first + 1, axis.in - 1)};
    };
    char name[120];
    std::snprintf(name, sizeof name, "resize_linear %ldx%dx%dx%ld by %.3g, %.3g coordinates %d %s", n, h.in,
                  w.in, c, h.scale, w.scale, static_cast<int>(coordinates), is_uint8 ? "uint8" : "int8");
    check<int8_t>(
        name, n * h.out * w.out * c, x.host.size(), 0, 40, 0,
        [&](int8_t* y) { return resize_linear(g, offset, x.gpu, y, nullptr); },
        [&](int64_t i) {
            const int64_t k = i % c, image = i / c / w.out / h.out;
            const Between row = between(i / c / w.out % h.out, h), column = between(i / c % w.out, w);
            auto value = [&](int64_t r, int64_t s) {
                return x.host[((image * h.in + r) * w.in + s) * c + k] + offset;
            };
            if (h.scale != 1) {
                const int lower = row.fixed(), upper = 1024 - lower, right = column.fixed(),
                          left = 1024 - right;
                const int sum = left * upper * value(row.first, column.first) +
                                right * upper * value(row.first, column.second) +
                                left * lower * value(row.second, column.first) +
                                right * lower * value(row.second, column.second);
                return static_cast<int8_t>(sum / (1 << 20) - offset);
            }
            const float halves = k + 1 < c ? 1.0f : 0.5f;  // the last channel comes in two halves
            const float left = column.same() ? 0.5f : static_cast<float>(column.second) - column.at,
                        right = column.same() ? 0.5f : column.at - static_cast<float>(column.first);
            const float first = halves * left * static_cast<float>(value(row.first, column.first)),
                        second = halves * right * static_cast<float>(value(row.first, column.second));
            float sum = first;
            if (halves < 1) sum += first;
            sum += second;
            if (halves < 1) sum += second;
            return static_cast<int8_t>(static_cast<int>(sum) - offset);
        });
}

void depth_to_space_case(const char* name, DepthToSpaceGeometry g) {
    const int64_t depth = g.block * g.block * g.c;
    Tensor<int8_t> x(g.n * g.h * g.w * depth);
    check<int8_t>(
        std::string("depth_to_space ") + name, g.n * g.p * g.q * g.c, x.host.size(), 0, 8, 0,
        [&](int8_t* y) { return depth_to_space(g, x.gpu, y, nullptr); },
        [&](int64_t i) {
            const int64_t k = i % g.c, column = i / g.c % g.q + g.left, row = i / g.c / g.q % g.p + g.top,
                          image = i / g.c / g.q / g.p;
            const int64_t pixel = (image * g.h + row / g.block) * g.w + column / g.block;
            return x.host[pixel * depth + (row % g.block * g.block + column % g.block) * g.c + k];
        });
}

void softmax_case(int64_t rows, int64_t channels, int64_t stride, bool is_uint8, float y_scale = 1 / 256.0f,
                  int y_zero_point = 0) {
    Tensor<int8_t> x(rows * stride);
    const SoftmaxConstants k = softmax_constants(channels, 0.0371f, y_scale, y_zero_point, is_uint8);
    std::vector<int> maximum(rows, -128);
    std::vector<float> sum(rows, 0);
    auto exponential = [&](int64_t row, int64_t c) {
        return k.exps[x.host[row * stride + c] + 255 - maximum[row]];
    };
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t c = 0; c < channels; ++c)
            maximum[row] = std::max<int>(maximum[row], x.host[row * stride + c]);
        for (int64_t c = 0; c < channels; ++c) sum[row] += exponential(row, c);
    }
    check<int8_t>(
        "softmax " + std::to_string(rows) + " x " + std::to_string(channels) + " of " +
            std::to_string(stride) + (is_uint8 ? " uint8" : " int8") +
            (y_scale < 1e-3 ? " beyond int32" : ""),
        rows * stride, rows * stride, 0, 8, 0,
        [&](int8_t* y) { return softmax(rows, stride, k, x.gpu, y, nullptr); },
        [&](int64_t i) {
            const int64_t row = i / stride, c = i % stride;
            if (c >= channels) return x.host[i];
            const float scaled = exponential(row, c) * std::floor(1 / y_scale);
            const float value = std::nearbyint(scaled / sum[row]);
            if (is_uint8) {
                const int64_t integer = value < 9e18f ? static_cast<int64_t>(value) : 0;
                const uint32_t shifted = static_cast<uint32_t>(integer) + static_cast<uint32_t>(y_zero_point);
                return static_cast<int8_t>(std::min(shifted, 255u) - 128);
            }
            const int32_t integer = value < 2147483648.0f ? static_cast<int32_t>(value) : INT32_MIN;
            const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(integer) + y_zero_point);
            return static_cast<int8_t>(std::clamp(shifted, -128, 127));
        });
}

}  // namespace
