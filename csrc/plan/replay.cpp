#include "plan/replay.h"

#include <cuda_runtime_api.h>

#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <utility>

#include "plan/cuda_error.h"
#include "plan/engine.h"
#include "plan/host.h"
#include "plan/race.h"
#include "plan/trial.h"
#include "plan/tuner.h"

namespace qudnn::plan {

namespace {

// Runs on the default stream, as cuDNN's handles do that were told of no other.
class Bench final : public Host {
  public:
    explicit Bench(cudnnContext* cudnn) : cudnn_(cudnn) {}

    Launch launch() const override { return {nullptr, cudnn_}; }
    int device() const override {
        int device = 0;
        check_cuda(cudaGetDevice(&device));
        return device;
    }
    std::unique_ptr<Workspace> workspace(size_t bytes) const override { return std::make_unique<Own>(bytes); }
    const Configuration& configuration() const override { return configuration_; }
    const std::string& node() const override { return node_; }
    void warn(const std::string&) const override {}
    void inform(const std::string&) const override {}

  private:
    struct Own final : Workspace {
        explicit Own(size_t bytes) : buffer(bytes, nullptr) {}
        void* data() const override { return buffer.data(); }
        Buffer buffer;
    };

    cudnnContext* cudnn_;
    Configuration configuration_;
    std::string node_ = "replay";
};

// A problem's tensors on the GPU: the same numbers each time, at addresses that are aligned as it says.
class Tensors {
  public:
    Arguments arguments(const Problem& problem) {
        return std::visit([&](const auto& p) { return made(p); }, problem);
    }

  private:
    Arguments made(const ConvProblem& p) {
        const int64_t taps = p.t * p.r * p.s * p.c / p.group;
        Arguments a = common(p, conv_extent(p), p.k * taps, p.k, taps, p.clamps_above);
        a.x_zero_point = p.pads_with_value ? 5 : 0;
        if (p.adds != adds_nothing) {
            a.residual.r = bytes(p.y_elements(), p.alignment);
            // The result of the convolution is a, r is b; a y_scale that divides exactly, see residual.h.
            a.residual.scales = {.a_scale = 0.5f,
                                 .b_scale = 0.375f,
                                 .y_scale = 0.5f,
                                 .a_zero_point = 3,
                                 .b_zero_point = -7,
                                 .y_zero_point = 2,
                                 .offset = 0};
            a.residual.in_float = p.adds == adds_in_float;
        }
        return a;
    }

    Arguments made(const MatMulProblem& p) {
        Arguments a = common(p, (p.m - 1) * p.x_stride + p.c, p.k * p.c, p.k, p.c, p.clamps_above);
        if (p.zero_point_per_channel)
            a.epilogue.zero_points = numbers<float>(p.k, [](int random) { return float(random % 11 - 5); });
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

    static int64_t conv_extent(const ConvProblem& p) {
        if (p.deep()) return p.n * p.d * p.h * p.w * p.c;
        return 1 + (p.n - 1) * p.x_stride[0] + (p.h - 1) * p.x_stride[1] + (p.w - 1) * p.x_stride[2] +
               (p.c - 1) * p.x_stride[3];
    }

    // taps: how many terms each result sums up.
    template <class P>
    Arguments common(const P& p, int64_t x, int64_t w, int64_t channels, int64_t taps, bool clamps_above) {
        const int64_t y = p.y_elements() * bytes_of(p.y_type);
        Arguments a{.x = bytes(x, p.alignment),
                    .w = bytes(w, p.alignment),
                    .y = allocated(y, p.alignment),
                    .epilogue = {.bias = numbers<int32_t>(channels, [](int r) { return r % 2001 - 1000; })},
                    .x_zero_point = 0};
        if (p.y_type != DataType::int32) {
            // Such terms of random bytes are about 5,500 large: most sums come to lie within 100.
            const float scale = 40.0f / (5500.0f * std::sqrt(static_cast<float>(taps)));
            a.epilogue.multiplier = numbers<float>(
                channels, [scale](int random) { return scale * (1.0f + float(random % 100) / 100.0f); });
        }
        if (p.y_type == DataType::float32)
            a.epilogue.addend = numbers<float>(channels, [](int r) { return float(r % 64) / 8.0f; });
        if (p.y_type == DataType::int8) a.epilogue.zero_point = 2;
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
    std::vector<std::unique_ptr<Buffer>> buffers_;
};

// The plans of all engines, built, and the engines that have none.
struct Field {
    std::vector<Replayed> all;
    std::vector<std::shared_ptr<const Plan>> plans;  // in the order of all; null: there is none

    void add(Replayed replayed, std::shared_ptr<const Plan> plan = nullptr) {
        all.push_back(std::move(replayed));
        plans.push_back(std::move(plan));
    }
};

Field built(const Problem& problem, cudnnContext* cudnn, const std::string& only, bool with_unlikely) {
    Field field;
    for (const Engine* engine : engines()) {
        const std::string name = engine->name();
        const bool is_named = only.empty() || only == name;
        if (const std::string refusal = engine->refusal(problem); !refusal.empty()) {
            if (is_named) field.add({.engine = name, .refusal = refusal});
            continue;
        }
        std::vector<Candidate> candidates;
        try {
            candidates = engine->candidates(problem, cudnn);
        } catch (const std::exception& e) {
            if (is_named) field.add({.engine = name, .refusal = e.what()});
            continue;
        }
        for (const Candidate& candidate : candidates) {
            const bool is_wanted =
                candidate.name == only || (is_named && (with_unlikely || !candidate.unlikely));
            if (!is_wanted) continue;
            Replayed replayed{.engine = name, .plan = candidate.name};
            std::shared_ptr<const Plan> plan;
            try {
                plan = candidate.build();
            } catch (const std::exception& e) {
                replayed.refusal = e.what();
            }
            field.add(std::move(replayed), std::move(plan));
        }
    }
    return field;
}

}  // namespace

std::vector<Replayed> replay(const Problem& problem, cudnnContext* cudnn, const std::string& only,
                             bool with_unlikely) {
    const auto reference = native_plan(problem);
    if (reference == nullptr) throw std::runtime_error("no engine runs " + text(problem));
    const Bench host(cudnn);
    Tensors tensors;
    const Arguments arguments = tensors.arguments(problem);

    Field field = built(problem, cudnn, only, with_unlikely);
    Trial trial(problem, arguments, host, *reference);
    std::vector<size_t> running;
    for (size_t i = 0; i < field.all.size(); ++i) {
        Replayed& replayed = field.all[i];
        if (field.plans[i] == nullptr) continue;
        replayed.is_reference = replayed.plan == reference->name();
        try {
            replayed.differing_bytes = trial.differing_bytes(*field.plans[i]);
            if (replayed.differing_bytes == 0) running.push_back(i);
        } catch (const std::exception& e) {
            replayed.refusal = e.what();
        }
    }
    const std::vector<double> medians = race(running.size(), [&](std::span<const size_t> runners) {
        std::vector<const Plan*> plans;
        for (const size_t i : runners) plans.push_back(field.plans[running[i]].get());
        return trial.time(plans);
    });
    for (size_t i = 0; i < running.size(); ++i) field.all[running[i]].microseconds = medians[i];
    return std::move(field.all);
}

}  // namespace qudnn::plan
