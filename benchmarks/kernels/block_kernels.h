// The cases of kernels.h for the kernels of residual blocks and of inverted residuals, which are timed beside
// their convolutions by themselves.
#pragma once

#include "kernels.h"
#include "kernels/bottleneck/bottleneck.h"
#include "kernels/conv/depthwise.h"
#include "kernels/gemm/pointwise.h"
#include "kernels/inverted_residual/inverted_residual.h"
#include "kernels/window/window.h"

namespace {

struct BlockImages {
    int64_t n, h, w;

    int64_t pixels() const { return n * h * w; }
};

// One convolution of a block: a pointwise one, or a window of 3x3 with one pixel of padding.
struct BlockConv {
    int64_t c, k, r, stride;
    bool depthwise;
    Tensor<int8_t> w;
    Quantization z;

    BlockConv(int64_t c, int64_t k, int64_t r, int64_t stride, bool depthwise, int zero_point)
        : c(c),
          k(k),
          r(r),
          stride(stride),
          depthwise(depthwise),
          w(k * r * r * (depthwise ? 1 : c)),
          z(k, r * r * (depthwise ? 1 : c)) {
        z.epilogue.zero_point = zero_point;
    }
    ConvStep gpu() const { return {w.gpu, z.epilogue}; }
    BlockImages output(const BlockImages& in) const {
        return {in.n, (in.h - 1) / stride + 1, (in.w - 1) / stride + 1};
    }

    // Its bias included, wrapping.
    uint32_t sum_of(const int8_t* x, int padding, const BlockImages& in, int64_t pixel, int64_t out) const {
        const BlockImages of = output(in);
        uint32_t acc = static_cast<uint32_t>(z.bias.host[out]);
        const int64_t image = pixel / (of.h * of.w), p = pixel / of.w % of.h, q = pixel % of.w;
        const int64_t depth = depthwise ? 1 : c, first = depthwise ? out : 0;
        for (int64_t tap = 0; tap < r * r; ++tap) {
            const int64_t row = p * stride + tap / r - r / 2, column = q * stride + tap % r - r / 2;
            const bool inside = row >= 0 && row < in.h && column >= 0 && column < in.w;
            const int8_t* const from = x + ((image * in.h + row) * in.w + column) * c + first;
            const int8_t* const filter = w.host.data() + (out * r * r + tap) * depth;
            int sum = 0;
            for (int64_t i = 0; i < depth; ++i) sum += (inside ? from[i] : padding) * filter[i];
            acc += static_cast<uint32_t>(sum);
        }
        return acc;
    }

    int8_t result(const int8_t* x, int padding, const BlockImages& in, int64_t pixel, int64_t out) const {
        const uint32_t acc = sum_of(x, padding, in, pixel, out);
        return static_cast<int8_t>(requantized(acc, z.multiplier.host[out], z.epilogue));
    }

    std::vector<int8_t> results(const std::vector<int8_t>& x, int padding, const BlockImages& in) const {
        const int64_t pixels = output(in).pixels();
        std::vector<int8_t> y(static_cast<size_t>(pixels * k));
        const int64_t count = std::max(1u, std::thread::hardware_concurrency());
        std::vector<std::thread> threads;
        for (int64_t t = 0; t < count; ++t)
            threads.emplace_back([&, t] {
                for (int64_t pixel = t; pixel < pixels; pixel += count)
                    for (int64_t out = 0; out < k; ++out)
                        y[pixel * k + out] = result(x.data(), padding, in, pixel, out);
            });
        for (std::thread& thread : threads) thread.join();
        return y;
    }

    // By the variant that is likely to be the fastest. The padding counts as 0.
    cudaError_t run_alone(const BlockImages& in, const int8_t* x, const Residual& residual, int8_t* y) const {
        const BlockImages of = output(in);
        const int64_t pad = r / 2;
        const ConvGeometry g{in.n, in.h, in.w, c,      k,      r, r, of.h,
                             of.w, pad,  pad,  stride, stride, 1, 1, depthwise ? c : 1};
        if (depthwise)
            return qudnn::kernels::depthwise(g, depthwise_variants(g, false).front(), 0, x, w.gpu, z.epilogue,
                                             y, capturable_stream());
        const WindowOptions options{false, residual.r != nullptr, false, false};
        const std::vector<WindowVariant> variants = window_variants(g, options);
        if (!variants.empty())
            return WindowConv(g, variants.front(), options)
                .run(x, w.gpu, z.epilogue, residual, y, nullptr, false, nullptr, capturable_stream());
        if (residual.r != nullptr || r != 1) return cudaErrorNotSupported;
        const PointwiseGeometry p{in.n, in.h, in.w, c, k, of.h, of.w, stride, stride};
        return pointwise(p, pointwise_variants(p).front(), x, w.gpu, z.epilogue, y, capturable_stream());
    }
};

struct BlockCase {
    int64_t stride = 1;
    int padding = -9;  // that of the first convolution's results, or another
    bool adds = true, result_first = true, is_uint8 = true;
    bool in_float = false;    // adds before the last results are rounded
    bool with_steps = false;  // times these, and all variants
};

// A block of three convolutions, the window between two pointwise ones.
struct Block {
    BlockImages in;
    BlockCase o;
    BlockConv reduce, window, last;
    BlockImages of;
    int64_t count;
    Tensor<int8_t> x, r;
    BinaryScales scales;
    Residual residual;
    std::vector<int8_t> between;

    Block(const BlockImages& in, int64_t c, int64_t m, int64_t k, bool depthwise, const BlockCase& o)
        : in(in),
          o(o),
          reduce(c, m, 1, 1, false, -9),
          window(m, m, 3, o.stride, depthwise, 6),
          last(m, k, 1, 1, false, 3),
          of(window.output(in)),
          count(of.pixels() * k),
          x(in.pixels() * c),
          r(count),
          scales(o.in_float ? BinaryScales{1, 0.87f, 1.3f, 0, -7, 0, 0}
                            : BinaryScales{0.031f, 0.027f, 0.041f, offset() - 3, offset() - 8, offset() - 10,
                                           offset()}),
          between(window.results(reduce.results(x.host, 0, in), o.padding, in)) {
        if (o.adds) residual = {r.gpu, scales, o.result_first, o.in_float};
    }

    int offset() const { return o.is_uint8 ? 128 : 0; }
    std::array<ConvStep, 3> steps() const { return {reduce.gpu(), window.gpu(), last.gpu()}; }
    std::string name(const char* kernel) const {
        char text[160];
        std::snprintf(text, sizeof text, "%s %ldx%ldx%ld, %ld %ld %ld, stride %ld, padding %d%s%s", kernel,
                      in.n, in.h, in.w, reduce.c, reduce.k, last.k, o.stride, o.padding,
                      !o.adds           ? " alone"
                      : o.in_float      ? " in float"
                      : !o.result_first ? " second"
                                        : "",
                      o.is_uint8 ? "" : " int8");
        return text;
    }

    int8_t expected(int64_t i) const {
        const int64_t k = last.k;
        if (o.in_float) return expected_in_float(i);
        const int result = last.result(between.data(), 0, of, i / k, i % k);
        if (!o.adds) return static_cast<int8_t>(result);
        const float ra = scales.a_scale / scales.y_scale, rb = scales.b_scale / scales.y_scale;
        const float fixed =
            static_cast<float>(scales.y_zero_point) - std::fmaf(static_cast<float>(scales.a_zero_point), ra,
                                                                rb * static_cast<float>(scales.b_zero_point));
        const auto y = static_cast<float>(result + offset()),
                   other = static_cast<float>(r.host[i] + offset());
        const float first = o.result_first ? y : other, second = o.result_first ? other : y;
        const float sum = std::nearbyint(std::fmaf(first, ra, std::fmaf(second, rb, fixed)));
        const float low = static_cast<float>(offset() - 128), high = static_cast<float>(offset() + 127);
        return static_cast<int8_t>(static_cast<int>(std::clamp(sum, low, high)) - offset());
    }

    int8_t expected_in_float(int64_t i) const {
        const int64_t k = last.k;
        const uint32_t acc = last.sum_of(between.data(), 0, of, i / k, i % k);
        const volatile float result =
            static_cast<float>(static_cast<int32_t>(acc)) * last.z.multiplier.host[i % k];
        const volatile float other = static_cast<float>(r.host[i] - scales.b_zero_point) * scales.b_scale;
        const float rounded = std::nearbyint((result + other) / scales.y_scale);
        const Epilogue& e = last.z.epilogue;
        return static_cast<int8_t>(std::clamp(saturate(rounded, e.zero_point), e.low, e.high));
    }

    void check_with(const std::string& how, const std::function<cudaError_t(int8_t*)>& run) const {
        const auto weights = static_cast<int64_t>(reduce.w.host.size() + window.w.host.size());
        const int64_t last_weights = static_cast<int64_t>(last.w.host.size());
        const double operations =
            2.0 *
            static_cast<double>(in.pixels() * reduce.k * reduce.c +
                                of.pixels() * (static_cast<int64_t>(window.w.host.size()) + last_weights));
        const TimedInGraph in_graph;
        check<int8_t>(how, count, in.pixels() * reduce.c + (o.adds ? count : 0) + weights + last_weights,
                      operations, 2.0 * static_cast<double>(window.k), 0, run,
                      [&](int64_t i) { return expected(i); });
    }

    void check_steps(const std::string& name) const {
        const Tensor<int8_t> first(in.pixels() * reduce.k), second(of.pixels() * window.k);
        check_with("  its steps " + name, [&](int8_t* y) {
            cudaError_t status = reduce.run_alone(in, x.gpu, {}, first.gpu);
            if (status == cudaSuccess) status = window.run_alone(in, first.gpu, {}, second.gpu);
            if (status != cudaSuccess) return status;
            return last.run_alone(of, second.gpu, residual, y);
        });
    }
};

void bottleneck_case(const BlockImages& in, int64_t c, int64_t m, int64_t k, const BlockCase& o = {}) {
    const Bottleneck b{in.n, in.h, in.w, c, m, k, o.stride};
    const auto variants = bottleneck_variants(b);
    const Block block(in, c, m, k, false, o);
    const std::string name = block.name("bottleneck"), refusal = bottleneck_refusal(b);
    if (!refusal.empty()) std::printf("%-64s  %s\n", name.c_str(), refusal.c_str());
    KeptMaps kept;
    for (const BottleneckVariant& v : variants) {
        char how[80];
        std::snprintf(how, sizeof how, " lines %d columns %d width %d resident %d", v.lines, v.columns,
                      v.width, v.resident);
        block.check_with(name + how, [&](int8_t* y) {
            return bottleneck(b, block.x.gpu, block.steps(), o.padding, block.residual, y, &kept,
                              capturable_stream(), &v);
        });
    }
    if (o.with_steps && o.padding == 0) block.check_steps(name);
}

void inverted_case(const BlockImages& in, int64_t c, int64_t m, int64_t k, const BlockCase& o = {}) {
    const InvertedResidual g{in.n, in.h, in.w, c, m, k, o.stride};
    const auto variants = inverted_residual_variants(g);
    const Block block(in, c, m, k, true, o);
    const std::string name = block.name("inverted"), refusal = inverted_residual_refusal(g);
    if (!refusal.empty()) std::printf("%-64s  %s\n", name.c_str(), refusal.c_str());
    for (const InvertedVariant& v : variants) {
        const std::string how = " lines " + std::to_string(v.lines) + " blocks " + std::to_string(v.blocks);
        block.check_with(name + how, [&](int8_t* y) {
            return inverted_residual(g, block.x.gpu, block.steps(), o.padding, block.residual, y,
                                     capturable_stream(), &v);
        });
    }
    if (o.with_steps && o.padding == 0) block.check_steps(name);
}

void small_bottleneck_cases() {
    const std::array<int64_t, 2> sizes[] = {{1, 1}, {1, 3}, {3, 1},   {2, 2},
                                            {5, 7}, {7, 7}, {13, 11}, {9, 33}};
    for (int64_t n : {1, 2, 3})
        for (const auto& [h, w] : sizes)
            for (int64_t stride : {1, 2})
                for (int padding : {-9, -128, 127})
                    bottleneck_case({n, h, w}, 64, 64, 256,
                                    {.stride = stride, .padding = padding, .result_first = padding != 127});
    for (int64_t n : {1, 3})
        for (bool is_uint8 : {false, true})
            for (bool result_first : {false, true}) {
                const BlockCase o{
                    .stride = n == 1 ? 1 : 2, .result_first = result_first, .is_uint8 = is_uint8};
                bottleneck_case({n, 7, 7}, 192, 128, 512, o);
                bottleneck_case({n, 6, 9}, 256, 64, 256, o);
                bottleneck_case({n, 7, 8}, 320, 256, 1024, o);
                bottleneck_case({n, 7, 7}, 1024, 512, 2048, o);
                bottleneck_case({n, 14, 14}, 512, 256, 1024, o);
            }
}

// An addition before the last results are rounded.
void float_bottleneck_cases() {
    for (int64_t n : {1, 3})
        for (int64_t stride : {1, 2}) {
            const BlockCase o{.stride = stride, .in_float = true};
            bottleneck_case({n, 1, 1}, 64, 64, 256, o);
            bottleneck_case({n, 5, 7}, 64, 64, 256, o);
            bottleneck_case({n, 7, 7}, 192, 128, 512, o);
            bottleneck_case({n, 7, 8}, 320, 256, 1024, o);
            bottleneck_case({n, 7, 7}, 1024, 512, 2048, o);
        }
}

// The blocks of ResNet-50.
void large_bottleneck_cases() {
    for (int64_t n : {1, 8, 32, 64}) {
        const auto run = [&](int64_t side, int64_t c, int64_t m, int64_t stride) {
            bottleneck_case({n, side, side}, c, m, 4 * m,
                            {.stride = stride, .padding = 0, .with_steps = true});
        };
        run(56, 64, 64, 1), run(56, 256, 64, 1), run(56, 256, 128, 2), run(28, 512, 128, 1);
        run(28, 512, 256, 2), run(14, 1024, 256, 1), run(14, 1024, 512, 2), run(7, 2048, 512, 1);
    }
}

void small_inverted_cases() {
    const std::array<int64_t, 2> sizes[] = {{1, 1}, {1, 3}, {3, 1},   {2, 2},
                                            {5, 7}, {7, 7}, {13, 11}, {9, 33}};
    for (int64_t n : {1, 3})
        for (const auto& [h, w] : sizes)
            for (int64_t stride : {1, 2})
                for (int padding : {-9, -128, 127})
                    inverted_case({n, h, w}, 16, 80, 48,
                                  {.stride = stride, .padding = padding, .adds = padding != 127});
    for (int64_t stride : {1, 2})
        for (bool is_uint8 : {false, true})
            for (bool result_first : {false, true}) {
                const BlockCase o{.stride = stride, .result_first = result_first, .is_uint8 = is_uint8};
                inverted_case({2, 7, 7}, 32, 96, 32, o);
                inverted_case({2, 14, 14}, 96, 576, 96, o);
                inverted_case({1, 7, 7}, 160, 960, 160, o);
                inverted_case({1, 6, 9}, 160, 976, 320, o);
                inverted_case({2, 14, 9}, 80, 480, 112, o);
            }
}

// The blocks of MobileNetV2.
void large_inverted_cases() {
    struct {
        int64_t side, c, m, k, stride;
        bool adds;
    } blocks[] = {{112, 16, 96, 32, 2, false}, {56, 32, 144, 32, 1, true},  {56, 32, 144, 32, 2, false},
                  {28, 32, 192, 32, 1, true},  {28, 32, 192, 64, 2, false}, {14, 64, 384, 64, 1, true},
                  {14, 64, 384, 96, 1, false}, {14, 96, 576, 96, 1, true},  {14, 96, 576, 160, 2, false},
                  {7, 160, 960, 160, 1, true}, {7, 160, 960, 320, 1, false}};
    for (int64_t n : {1, 32})
        for (const auto& b : blocks)
            inverted_case({n, b.side, b.side}, b.c, b.m, b.k,
                          {.stride = b.stride, .padding = 0, .adds = b.adds, .with_steps = true});
}

}  // namespace
