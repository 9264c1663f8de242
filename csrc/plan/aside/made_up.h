// A problem's tensors, made up: to run it without a session.
#pragma once

#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "plan/common/cuda_error.h"
#include "plan/common/plan.h"
#include "plan/problem/problem.h"
#include "plan/tuning/trial.h"

namespace qudnn::plan {

// On the GPU: the same numbers each time, at addresses that are aligned as the problem says. Results are
// spread over their range, scalars are none of those that make the work easier. Throws where the GPU has no
// room for them.
class MadeUpTensors {
  public:
    Arguments arguments(const Problem& problem) {
        return std::visit([&](const auto& p) { return made(p); }, problem);
    }

  private:
    // The result of the convolution or matmul is a, r is b; a y_scale that divides exactly, see residual.h.
    static constexpr kernels::BinaryScales kScales{.a_scale = 0.5f,
                                                   .b_scale = 0.375f,
                                                   .y_scale = 0.5f,
                                                   .a_zero_point = 3,
                                                   .b_zero_point = -7,
                                                   .y_zero_point = 2,
                                                   .offset = 0};

    Arguments made(const ConvProblem& p) {
        const int64_t taps = p.t * p.r * p.s * p.c / p.group;
        Arguments a = common(p, conv_extent(p), p.k * taps, p.k, taps, p.clamps_above);
        a.x_zero_point = p.pads_with_value ? 5 : 0;
        if (p.looks_up) add_table(a);
        add_residual(a, p);
        return a;
    }

    Arguments made(const MatMulProblem& p) {
        Arguments a = common(p, (p.m - 1) * p.x_stride + p.c, p.k * p.c, p.k, p.c, p.clamps_above);
        if (p.zero_point_per_channel)
            a.epilogue.zero_points = numbers<float>(p.k, [](int random) { return float(random % 11 - 5); });
        if (p.adds_constant) {
            a.residual.r = bytes(p.k, kFullAlignment);
            a.residual.scales = kScales;
            a.residual.per_channel = true;
        }
        if (p.looks_up) add_table(a);
        return a;
    }

    Arguments made(const BatchMatMulProblem& p) {
        const auto extent = [&](const std::array<int64_t, 4>& stride, int64_t rows, int64_t columns) {
            int64_t last = (rows - 1) * stride[3] + columns - 1;
            for (size_t i = 0; i < p.batch.size(); ++i) last += (p.batch[i] - 1) * stride[i];
            return last + 1;
        };
        const int64_t b = p.b_transposed ? extent(p.b_stride, p.n, p.k) : extent(p.b_stride, p.k, p.n);
        Arguments a = common(p, extent(p.a_stride, p.m, p.k), b, p.n, p.k, false);
        a.x_zero_point = 3;
        a.w_zero_point = {numbers<int8_t>(p.n, [](int random) { return int8_t(random % 11 - 5); }), 1};
        return a;
    }

    Arguments made(const BlockProblem& p) {
        const int64_t taps = 9 * (p.depthwise ? 1 : p.m);
        const Arguments first = weights(p.y_type, p.alignment, p.m * p.c, p.m, p.c, p.clamps_first);
        const Arguments window = weights(p.y_type, p.alignment, p.m * taps, p.m, taps, p.clamps_window);
        before_ = {{{first.w, first.epilogue}, {window.w, window.epilogue}}};
        Arguments a = common(p, p.n * p.h * p.w * p.c, p.k * p.m, p.k, p.m, p.clamps_above);
        a.before = before_;
        if (p.pads_with_value) a.x_zero_point = p.first_pads ? first.epilogue.zero_point : 5;
        add_residual(a, p);
        return a;
    }

    // Where there is one.
    template <class P>
    void add_residual(Arguments& a, const P& p) {
        if (p.adds == adds_nothing) return;
        a.residual.r = bytes(p.y_elements(), p.alignment);
        a.residual.scales = kScales;
        a.residual.in_float = p.adds == adds_in_float;
    }

    void add_table(Arguments& a) {
        a.epilogue.table = bytes(256, kFullAlignment);
        a.epilogue.table_zero_point = -4;
    }

    static int64_t conv_extent(const ConvProblem& p) {
        if (p.deep()) return p.n * p.d * p.h * p.w * p.c;
        return 1 + (p.n - 1) * p.x_stride[0] + (p.h - 1) * p.x_stride[1] + (p.w - 1) * p.x_stride[2] +
               (p.c - 1) * p.x_stride[3];
    }

    template <class P>
    Arguments common(const P& p, int64_t x, int64_t w, int64_t channels, int64_t taps, bool clamps_above) {
        const int8_t* const data = bytes(x, p.alignment);
        Arguments a = weights(p.y_type, p.alignment, w, channels, taps, clamps_above);
        a.x = data;
        a.y = allocated(p.y_elements() * bytes_of(p.y_type), p.alignment);
        return a;
    }

    // w, and what belongs to it. taps: how many terms each result sums up.
    Arguments weights(DataType y_type, int64_t alignment, int64_t w, int64_t channels, int64_t taps,
                      bool clamps_above) {
        Arguments a{.x = nullptr,
                    .w = bytes(w, alignment),
                    .y = nullptr,
                    .epilogue = {.bias = numbers<int32_t>(channels, [](int r) { return r % 2001 - 1000; })},
                    .x_zero_point = 0};
        if (y_type != DataType::int32) {
            // Such terms of random bytes are about 5,500 large: most sums come to lie within 100.
            const float scale = 40.0f / (5500.0f * std::sqrt(static_cast<float>(taps)));
            a.epilogue.multiplier = numbers<float>(
                channels, [scale](int random) { return scale * (1.0f + float(random % 100) / 100.0f); });
        }
        if (y_type == DataType::float32)
            a.epilogue.addend = numbers<float>(channels, [](int r) { return float(r % 64) / 8.0f; });
        if (y_type == DataType::int8) a.epilogue.zero_point = 2;
        if (clamps_above) a.epilogue.high = 90;
        return a;
    }

    template <class T, class Make>
    const T* numbers(int64_t count, const Make& make) {
        std::vector<T> values(static_cast<size_t>(count));
        for (T& value : values) value = make(static_cast<int>(random_() >> 1));
        return static_cast<const T*>(copied(values.data(), count * int64_t{sizeof(T)}, kFullAlignment));
    }

    const int8_t* bytes(int64_t count, int64_t alignment) {
        std::vector<int8_t> values(static_cast<size_t>(count));
        for (int8_t& value : values) value = static_cast<int8_t>(random_());
        return static_cast<const int8_t*>(copied(values.data(), count, alignment));
    }

    const void* copied(const void* from, int64_t bytes, int64_t alignment) {
        void* const to = allocated(bytes, alignment);
        check_cuda(cudaMemcpy(to, from, static_cast<size_t>(bytes), cudaMemcpyHostToDevice));
        return to;
    }

    void* allocated(int64_t bytes, int64_t alignment) {
        const int64_t offset = alignment < kFullAlignment ? alignment : 0;
        buffers_.push_back(std::make_unique<Buffer>(static_cast<size_t>(bytes + offset), nullptr));
        return static_cast<int8_t*>(buffers_.back()->data()) + offset;
    }

    std::mt19937 random_{2024};
    std::array<kernels::ConvStep, 2> before_{};  // of a residual block's arguments
    std::vector<std::unique_ptr<Buffer>> buffers_;
};

}  // namespace qudnn::plan
