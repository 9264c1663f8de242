// One function per kernel: runs it on random data, compares with a plain host loop bit for bit, prints the
// rate.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "kernels/border/border.h"
#include "kernels/border/half_image.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/pad.h"
#include "kernels/conv/stem.h"
#include "kernels/gemm/few_rows.h"
#include "kernels/gemm/matmul.h"
#include "kernels/image/global_average_pool.h"
#include "kernels/image/max_pool.h"
#include "padded_results.h"

using namespace qudnn::kernels;

namespace {

int failures = 0, cases = 0;

void require(cudaError_t status, const char* what) {
    if (status == cudaSuccess) return;
    std::printf("%s: %s\n", what, cudaGetErrorString(status));
    std::exit(1);
}

uint32_t random_state = 1;
uint32_t random_bits() {
    random_state ^= random_state << 13, random_state ^= random_state >> 17, random_state ^= random_state << 5;
    return random_state;
}

// A random tensor on both sides. offset: elements by which the GPU's copy misses an allocation's alignment.
template <typename T>
struct Tensor {
    std::vector<T> host;
    T* allocation = nullptr;
    T* gpu = nullptr;

    template <typename F>
    Tensor(int64_t count, int offset, F value) : host(count) {
        for (T& v : host) v = value();
        // Kernels read whole words that hold a value; of a vector that is copied in part, compute-sanitizer
        // counts all of it as read.
        constexpr size_t kVector = 16;
        require(cudaMalloc(&allocation, ((count + offset) * sizeof(T) + kVector - 1) / kVector * kVector),
                "cudaMalloc");
        gpu = allocation + offset;
        require(cudaMemcpy(gpu, host.data(), count * sizeof(T), cudaMemcpyHostToDevice), "cudaMemcpy");
    }
    explicit Tensor(int64_t count, int offset = 0)
        : Tensor(count, offset, [] { return static_cast<T>(random_bits() >> 11); }) {}
    Tensor(const Tensor&) = delete;
    ~Tensor() { cudaFree(allocation); }
};

// Cases that are launched on this stream can be timed in a CUDA graph.
cudaStream_t capturable_stream() {
    static cudaStream_t stream = [] {
        cudaStream_t made = nullptr;
        require(cudaStreamCreate(&made), "cudaStreamCreate");
        return made;
    }();
    return stream;
}

// Of one launch among several in a row, once the GPU's clock had time to rise. in_graph: without what the
// host takes.
double median_seconds(const std::function<cudaError_t()>& run, bool in_graph = false) {
    constexpr int kLaunches = 5, kGraphLaunches = 20, kTimes = 11;
    const int launches = in_graph ? kGraphLaunches : kLaunches;
    const cudaStream_t stream = in_graph ? capturable_stream() : nullptr;
    const auto run_all = [&] {
        for (int launch = 0; launch < launches; ++launch) require(run(), "launch");
    };
    cudaGraphExec_t graph = nullptr;
    if (in_graph) {
        cudaGraph_t captured = nullptr;
        require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
        run_all();
        require(cudaStreamEndCapture(stream, &captured), "cudaStreamEndCapture");
        require(cudaGraphInstantiate(&graph, captured, 0), "cudaGraphInstantiate");
        cudaGraphDestroy(captured);
    }
    cudaEvent_t begin, end;
    require(cudaEventCreate(&begin), "cudaEventCreate");
    require(cudaEventCreate(&end), "cudaEventCreate");
    std::vector<float> times;
    const auto warm = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    for (int i = 0; i < kTimes || std::chrono::steady_clock::now() < warm; ++i) {
        float milliseconds = 0;
        require(cudaEventRecord(begin, stream), "cudaEventRecord");
        if (in_graph)
            require(cudaGraphLaunch(graph, stream), "cudaGraphLaunch");
        else
            run_all();
        require(cudaEventRecord(end, stream), "cudaEventRecord");
        require(cudaEventSynchronize(end), "cudaEventSynchronize");
        require(cudaEventElapsedTime(&milliseconds, begin, end), "cudaEventElapsedTime");
        times.push_back(milliseconds / static_cast<float>(launches));
    }
    if (in_graph) cudaGraphExecDestroy(graph);
    times.erase(times.begin(), times.end() - kTimes);
    std::sort(times.begin(), times.end());
    return times[kTimes / 2] * 1e-3;
}

bool timed = true, timed_in_graph = false;

// As long as it lives, cases are timed in CUDA graphs; they run on capturable_stream().
struct TimedInGraph {
    TimedInGraph() { timed_in_graph = true; }
    TimedInGraph(const TimedInGraph&) = delete;
    ~TimedInGraph() { timed_in_graph = false; }
};

// Runs `run(y)` and compares y[i] with expected(i), `work` steps of the host each: every output where that is
// affordable, otherwise evenly spread ones. Bytes around y must stay as they were.
template <typename T>
void check(const std::string& name, int64_t count, int64_t bytes_read, double operations, double work,
           int offset, const std::function<cudaError_t(T*)>& run, const std::function<T(int64_t)>& expected) {
    const int64_t guard = 256, bytes = count * sizeof(T) + offset * sizeof(T) + 2 * guard;
    uint8_t* allocation = nullptr;
    require(cudaMalloc(&allocation, bytes), "cudaMalloc");
    require(cudaMemset(allocation, 0xA5, bytes), "cudaMemset");
    const int64_t start = guard + offset * sizeof(T);
    T* y = reinterpret_cast<T*>(allocation + start);
    require(run(y), name.c_str());
    require(cudaDeviceSynchronize(), name.c_str());
    std::vector<uint8_t> result(bytes);
    require(cudaMemcpy(result.data(), allocation, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy");

    int64_t step = std::max<int64_t>(1, static_cast<int64_t>(count * work / 1e9));
    while (step > 1 && (step % 2 == 0 || step % 3 == 0 || step % 5 == 0 || step % 7 == 0)) ++step;
    std::vector<int64_t> wrong(std::max(1u, std::thread::hardware_concurrency()), 0);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < wrong.size(); ++t)
        threads.emplace_back([&, t] {
            for (int64_t i = t * step; i < count; i += wrong.size() * step) {
                T value = expected(i);
                wrong[t] += std::memcmp(&value, result.data() + start + i * sizeof(T), sizeof(T)) != 0;
            }
        });
    for (std::thread& thread : threads) thread.join();
    int64_t mismatches = 0;
    for (int64_t w : wrong) mismatches += w;
    for (int64_t i = 0; i < start; ++i) mismatches += result[i] != 0xA5;
    for (int64_t i = start + count * sizeof(T); i < bytes; ++i) mismatches += result[i] != 0xA5;

    std::printf("%-64s", name.c_str());
    if (timed) {
        const double seconds = median_seconds([&] { return run(y); }, timed_in_graph);
        std::printf(" %8.1f us %7.0f GB/s", seconds * 1e6, (bytes_read + count * sizeof(T)) / seconds * 1e-9);
        if (operations > 0) std::printf(" %6.1f TOPS", operations / seconds * 1e-12);
    }
    std::printf("  %ld of %ld compared, %s\n", (count + step - 1) / step, count,
                mismatches ? "MISMATCH" : "equal");
    if (mismatches) std::printf("  %ld mismatches\n", mismatches);
    failures += mismatches != 0;
    ++cases;
    cudaFree(allocation);
}

// --- The formulas, written as plainly as possible.

int saturate(float rounded, int zero_point) {
    return static_cast<int>(std::clamp(rounded, -128.0f - zero_point, 127.0f - zero_point)) + zero_point;
}

int requantized(uint32_t accumulator, float multiplier, const Epilogue& e) {
    float product = static_cast<float>(static_cast<int32_t>(accumulator)) * multiplier;
    return std::clamp(saturate(std::nearbyint(product), e.zero_point), e.low, e.high);
}

void max_pool_case(const char* name, PoolGeometry g) {
    Tensor<int8_t> x(g.n * g.h * g.w * g.c);
    const PaddedResults y{g.n, g.p, g.q, g.c, g.y_padding, -7};
    check<int8_t>(
        std::string("max_pool ") + name, y.count(), x.host.size(), 0, 2.0 * g.r * g.s, 0,
        [&](int8_t* to) { return max_pool(g, y.zero_point, x.gpu, to, nullptr); },
        [&](int64_t padded) {
            return y.expected(padded, [&](int64_t i) {
                int64_t c = i % g.c, q = i / g.c % g.q, p = i / g.c / g.q % g.p, n = i / g.c / g.q / g.p;
                int8_t best = -128;
                for (int64_t r = 0; r < g.r; ++r)
                    for (int64_t s = 0; s < g.s; ++s) {
                        int64_t h = p * g.stride_h - g.pad_top + r * g.dilation_h,
                                w = q * g.stride_w - g.pad_left + s * g.dilation_w;
                        if (h >= 0 && h < g.h && w >= 0 && w < g.w)
                            best = std::max(best, x.host[((n * g.h + h) * g.w + w) * g.c + c]);
                    }
                return best;
            });
        });
}

void global_average_pool_case(int64_t n, int64_t hw, int64_t c) {
    Tensor<int8_t> x(n * hw * c);
    const float x_scale = 0.031f, y_scale = 0.0017f;
    const int x_zero_point = -13, y_zero_point = 9;
    const Epilogue e{nullptr, nullptr, y_zero_point, -128, 127};
    const float scale = x_scale / (y_scale * static_cast<float>(hw));
    check<int8_t>(
        "global_average_pool " + std::to_string(n) + " x " + std::to_string(hw) + " x " + std::to_string(c),
        n * c, n * hw * c, 0, static_cast<double>(hw), 0,
        [&](int8_t* y) {
            return global_average_pool(n, hw, c, x_scale, x_zero_point, y_scale, y_zero_point, x.gpu, y,
                                       nullptr);
        },
        [&](int64_t i) {
            int64_t sum = -x_zero_point * hw;
            for (int64_t j = 0; j < hw; ++j) sum += x.host[(i / c * hw + j) * c + i % c];
            return static_cast<int8_t>(requantized(static_cast<uint32_t>(sum), scale, e));
        });
}

void pad_case(const char* name, int64_t n, int64_t h, int64_t w, int64_t c, int64_t top, int64_t left,
              int64_t bottom, int64_t right) {
    Tensor<int8_t> x(n * h * w * c);
    const int64_t ph = top + h + bottom, pw = left + w + right;
    check<int8_t>(
        std::string("pad ") + name, n * ph * pw * c, n * h * w * c, 0, 2, 0,
        [&](int8_t* y) {
            return pad(n, {1, h, w}, c, {0, top, left}, {0, bottom, right}, -77, x.gpu, y, nullptr);
        },
        [&](int64_t i) {
            int64_t row = i / c / pw % ph - top, column = i / c % pw - left;
            bool inside = row >= 0 && row < h && column >= 0 && column < w;
            return inside ? x.host[((i / c / pw / ph * h + row) * w + column) * c + i % c] : int8_t{-77};
        });
}

// Bias and multipliers that spread results over the whole range, some of them saturating.
struct Quantization {
    Tensor<int32_t> bias;
    Tensor<float> multiplier;
    Epilogue epilogue;
    Tensor<int8_t> table{256};

    // Every other 32 channels have biases that leave no room for sums, but where `usual`.
    Quantization(int64_t k, int64_t depth, bool usual = false)
        : bias(k, 0,
               [&, i = int64_t{0}]() mutable {
                   const bool small = usual || i++ / 32 % 2 != 0 || random_bits() % 8 != 0;
                   return small ? static_cast<int32_t>(random_bits() % 8192) - 4096
                                : static_cast<int32_t>(random_bits());
               }),
          multiplier(k, 0,
                     [&] {
                         return static_cast<float>(40.0 / (5500 * std::sqrt(depth)) *
                                                   (0.5 + random_bits() % 1000 * 1e-3));
                     }),
          epilogue{bias.gpu, multiplier.gpu, -3, -120, 127} {}

    // The epilogue, with the table or without.
    Epilogue with_table(bool looks_up) const {
        Epilogue e = epilogue;
        if (looks_up) e.table = table.gpu, e.table_zero_point = 11;
        return e;
    }
    int looked_up(int result, bool looks_up) const { return looks_up ? table.host[128 + result] : result; }
};

void matmul_case(int64_t m, int64_t k, int64_t c, int offset = 0) {
    Tensor<int8_t> x(m * c, offset), w(k * c, offset);
    Quantization z(k, c, m * k > 1 << 20);
    const std::string name = "matmul " + std::to_string(m) + " x " + std::to_string(k) + " x " +
                             std::to_string(c) + (offset ? " unaligned" : "");
    const auto check_with = [&](const char* how, const std::function<cudaError_t(int8_t*)>& run) {
        check<int8_t>(how + name, m * k, m * c + k * c, 2.0 * m * k * c, static_cast<double>(c), offset, run,
                      [&](int64_t i) {
                          uint32_t acc = z.bias.host[i % k];
                          for (int64_t j = 0; j < c; ++j)
                              acc += static_cast<uint32_t>(x.host[i / k * c + j] * w.host[i % k * c + j]);
                          return static_cast<int8_t>(requantized(acc, z.multiplier.host[i % k], z.epilogue));
                      });
    };
    check_with("", [&](int8_t* y) { return matmul(m, k, c, x.gpu, w.gpu, z.epilogue, y, nullptr); });
    if (few_rows_refusal(m, c).empty() && offset == 0)
        check_with("few rows, ",
                   [&](int8_t* y) { return few_rows(m, k, c, x.gpu, w.gpu, z.epilogue, {}, y, nullptr); });
}

struct ConvOptions {
    int64_t stride = 1, dilation = 1, group = 1;
    int64_t top = -1, left = -1, bottom = -1, right = -1;  // -1: as many as keep the size at stride 1
    int offset = 0;
    bool stem = false;  // by kernels/conv/stem.h, in all its variants
    OutputPadding y_padding = {};
};

void conv_case(int64_t n, int64_t h, int64_t w, int64_t c, int64_t k, int64_t r, int64_t s,
               ConvOptions o = {}) {
    auto padding = [](int64_t given, int64_t same) { return given < 0 ? same : given; };
    const int64_t top = padding(o.top, (r - 1) * o.dilation / 2),
                  left = padding(o.left, (s - 1) * o.dilation / 2);
    const int64_t bottom = padding(o.bottom, (r - 1) * o.dilation / 2),
                  right = padding(o.right, (s - 1) * o.dilation / 2);
    const ConvGeometry g{n,
                         h,
                         w,
                         c,
                         k,
                         r,
                         s,
                         (h + top + bottom - (r - 1) * o.dilation - 1) / o.stride + 1,
                         (w + left + right - (s - 1) * o.dilation - 1) / o.stride + 1,
                         top,
                         left,
                         o.stride,
                         o.stride,
                         o.dilation,
                         o.dilation,
                         o.group,
                         o.y_padding};
    const int64_t group_c = c / g.group, depth = r * s * group_c, count = n * g.p * g.q * k;
    Tensor<int8_t> x(n * h * w * c, o.offset), filter(k * depth, o.offset);
    Quantization z(k, depth, count > 1 << 20);
    const int x_zero_point = 37;
    char buffer[160];
    std::snprintf(buffer, sizeof buffer, "%s %ldx%ldx%ldx%ld -> %ld, %ldx%ld /%ld dilation %ld group %ld%s%s",
                  o.stem ? "stem" : "conv", n, h, w, c, k, r, s, o.stride, o.dilation, o.group,
                  o.offset ? " unaligned" : "", o.y_padding.any() ? " padded" : "");
    const std::string name = buffer;
    const auto expected = [&](int64_t i) {
        int64_t out = i % k, q = i / k % g.q, p = i / k / g.q % g.p, image = i / k / g.q / g.p;
        uint32_t acc = z.bias.host[out];
        for (int64_t a = 0; a < r; ++a)
            for (int64_t b = 0; b < s; ++b) {
                int64_t row = p * o.stride - top + a * o.dilation,
                        column = q * o.stride - left + b * o.dilation;
                bool inside = row >= 0 && row < h && column >= 0 && column < w;
                const int64_t first = ((image * h + row) * w + column) * c + out / (k / g.group) * group_c;
                for (int64_t j = 0; j < group_c; ++j)
                    acc += static_cast<uint32_t>((inside ? x.host[first + j] : x_zero_point) *
                                                 filter.host[((out * r + a) * s + b) * group_c + j]);
            }
        return requantized(acc, z.multiplier.host[out], z.epilogue);
    };
    const auto check_with = [&](const std::string& how, const std::function<cudaError_t(int8_t*)>& run,
                                bool looks_up = false) {
        const PaddedResults y{n, g.p, g.q, k, g.y_padding, z.with_table(looks_up).padding()};
        const auto result = [&](int64_t i) { return z.looked_up(expected(i), looks_up); };
        check<int8_t>(name + how, y.count(), x.host.size() + filter.host.size(), 2.0 * count * depth,
                      2.0 * depth, o.offset, run,
                      [&](int64_t i) { return static_cast<int8_t>(y.expected(i, result)); });
    };
    if (!o.stem) {
        check_with(
            "", [&](int8_t* y) { return conv(g, x_zero_point, x.gpu, filter.gpu, z.epilogue, y, nullptr); });
        if (o.offset != 0) return;  // of aligned pointers only
        for (const bool looks_up : {false, true})
            for (const DepthwiseVariant& v : depthwise_variants(g, looks_up))
                check_with(
                    ", " + v.text() + (looks_up ? ", table" : ""),
                    [&](int8_t* y) {
                        return depthwise(g, v, x_zero_point, x.gpu, filter.gpu, z.with_table(looks_up), y,
                                         nullptr);
                    },
                    looks_up);
        return;
    }
    for (const bool looks_up : {false, true})
        for (const StemVariant& v : stem_variants(g, looks_up))
            check_with(
                ", " + std::to_string(v.columns) + " columns, " + std::to_string(v.rows) + " rows, " +
                    std::to_string(v.blocks) + " x " + std::to_string(v.warps) + " warps" +
                    (looks_up ? ", table" : ""),
                [&](int8_t* y) {
                    return stem(g, v, x_zero_point, x.gpu, filter.gpu, z.with_table(looks_up), y, nullptr);
                },
                looks_up);
}

// A crossing of a dense outside tensor of dims `outside`, dim d of the island being its dim perm[d].
struct Crossing {
    std::string name;
    std::vector<int64_t> outside;
    std::vector<int> perm;
    std::vector<int64_t> before = {}, after = {};
    int offset = 0;
    int64_t granule = 16;  // channels inside are a multiple of it

    BorderGeometry geometry() const {
        BorderGeometry g{};
        g.rank = static_cast<int>(outside.size());
        for (int d = 0; d < g.rank; ++d) {
            g.before[d] = before.empty() ? 0 : before[d];
            g.extent[d] = outside[perm[d]];
            g.inside[d] = g.before[d] + g.extent[d] + (after.empty() ? 0 : after[d]);
            if (d == g.rank - 1) g.inside[d] = (g.inside[d] + granule - 1) / granule * granule;
            g.outside_stride[d] = 1;
            for (int e = perm[d] + 1; e < g.rank; ++e) g.outside_stride[d] *= outside[e];
        }
        return g;
    }
};

template <typename T>
int64_t product(const T& dims, int rank) {
    int64_t result = 1;
    for (int d = 0; d < rank; ++d) result *= dims[d];
    return result;
}

void enter_case(const Crossing& crossing) {
    const BorderGeometry g = crossing.geometry();
    const int64_t count = product(g.inside, g.rank), elements = product(crossing.outside, g.rank);
    auto at = [&g](int64_t i) {
        int64_t where = 0;
        bool inside = true;
        for (int d = g.rank - 1; d >= 0; i /= g.inside[d--]) {
            int64_t j = i % g.inside[d] - g.before[d];
            inside = inside && j >= 0 && j < g.extent[d];
            where += j * g.outside_stride[d];
        }
        return inside ? where : -1;
    };
    for (bool rounds : {false, true}) {
        const float scale = 0.0173f;
        Tensor<float> x(elements, crossing.offset, [] {
            uint32_t bits = random_bits();  // now and then a tie, an infinity or a NaN
            if (bits % 64 == 0)
                return static_cast<float>(static_cast<int>(bits >> 20) - 2048) * 0.5f * 0.0173f;
            if (bits % 1024 == 1) return bits % 2048 == 1 ? NAN : (bits >> 31 ? INFINITY : -INFINITY);
            return (static_cast<int>(bits >> 8) - (1 << 23)) * 3e-7f;
        });
        check<int8_t>((rounds ? "quantize_rounded_to_island " : "quantize_to_island ") + crossing.name, count,
                      elements * 4, 0, 12, 0,
                      [&](int8_t* y) {
                          return rounds ? quantize_rounded_to_island(g, scale, -5, x.gpu, y, nullptr)
                                        : quantize_to_island(g, scale, -5, x.gpu, y, nullptr);
                      },
                      [&](int64_t i) {
                          if (at(i) < 0) return int8_t{-5};
                          float value = x.host[at(i)];
                          if (rounds) value = __half2float(__float2half_rn(value));
                          return static_cast<int8_t>(
                              std::isnan(value) ? -128 : saturate(std::nearbyint(value / scale), -5));
                      });
    }
    Tensor<uint8_t> x(elements, crossing.offset);
    for (int offset : {0, 128})
        check<int8_t>(
            "convert_to_island " + crossing.name + (offset ? " uint8" : " int8"), count, elements, 0, 12, 0,
            [&](int8_t* y) { return convert_to_island(g, offset, 9, x.gpu, y, nullptr); },
            [&](int64_t i) { return at(i) < 0 ? int8_t{9} : static_cast<int8_t>(x.host[at(i)] - offset); });
}

void leave_case(const Crossing& crossing) {
    const BorderGeometry g = crossing.geometry();
    const int64_t count = product(crossing.outside, g.rank);
    Tensor<int8_t> x(product(g.inside, g.rank));
    auto at = [&](int64_t i) {  // where outside element i lies inside
        int64_t coordinate[kMaxBorderRank], where = 0;
        for (int d = g.rank - 1; d >= 0; i /= crossing.outside[d--]) coordinate[d] = i % crossing.outside[d];
        for (int d = 0; d < g.rank; ++d) where = where * g.inside[d] + coordinate[crossing.perm[d]];
        return where;
    };
    check<float>(
        "dequantize_from_island " + crossing.name, count, count, 0, 12, crossing.offset,
        [&](float* y) { return dequantize_from_island(g, 0.0173f, -100, x.gpu, y, nullptr); },
        [&](int64_t i) { return static_cast<float>(x.host[at(i)] + 100) * 0.0173f; });
    for (int offset : {0, 128})
        check<uint8_t>(
            "convert_from_island " + crossing.name + (offset ? " uint8" : " int8"), count, count, 0, 12,
            crossing.offset, [&](uint8_t* y) { return convert_from_island(g, offset, x.gpu, y, nullptr); },
            [&](int64_t i) { return static_cast<uint8_t>(x.host[at(i)] + offset); });
}

}  // namespace
