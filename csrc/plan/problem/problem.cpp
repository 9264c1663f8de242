#include "plan/problem/problem.h"

#include <bit>
#include <charconv>
#include <stdexcept>
#include <string_view>

namespace qudnn::plan {

namespace {

std::string_view kind(const ConvProblem& conv) { return conv.deep() ? "conv3d" : "conv"; }
std::string_view kind(const MatMulProblem&) { return "matmul"; }
std::string_view kind(const BatchMatMulProblem&) { return "batch_matmul"; }
std::string_view kind(const BlockProblem&) { return "block"; }

// Reads " name=value" off the front.
template <class T>
bool take(std::string_view& rest, std::string_view name, T& value) {
    if (rest.size() < name.size() + 3 || rest[0] != ' ' || rest.substr(1, name.size()) != name ||
        rest[name.size() + 1] != '=') {
        return false;
    }
    rest.remove_prefix(name.size() + 2);
    int64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc()) return false;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    value = static_cast<T>(number);
    return true;
}

constexpr bool known_result(DataType type) {
    return type == DataType::int8 || type == DataType::int32 || type == DataType::float32;
}

template <class P>
std::optional<Problem> parse_as(std::string_view name, std::string_view text) {
    P problem;
    std::string_view rest = text;
    if (!rest.starts_with(name)) return std::nullopt;
    rest.remove_prefix(name.size());
    bool good = true;
    visit_fields(
        problem, [&](std::string_view field, auto& value) { good = good && take(rest, field, value); },
        name == "conv3d");
    // A text that would be written differently ("+1", "007", a bool of 2, a conv3d of images) is not ours.
    if (!good || !rest.empty() || plan::text(problem) != text) return std::nullopt;
    if (problem.x_type != DataType::int8 || !known_result(problem.y_type)) return std::nullopt;
    if constexpr (requires { problem.adds; })
        if (problem.adds < adds_nothing || problem.adds > adds_in_float) return std::nullopt;
    try {
        check(problem);
    } catch (const std::invalid_argument&) {
        return std::nullopt;
    }
    return problem;
}

}  // namespace

std::string text(const Problem& problem) {
    return std::visit(
        [](const auto& p) {
            std::string s(kind(p));
            visit_fields(p, [&](std::string_view name, const auto& value) {
                s.append(" ").append(name).append("=").append(std::to_string(static_cast<int64_t>(value)));
            });
            return s;
        },
        problem);
}

std::optional<Problem> parse(const std::string& text) {
    if (auto conv = parse_as<ConvProblem>("conv", text)) return conv;
    if (auto conv = parse_as<ConvProblem>("conv3d", text)) return conv;
    if (auto matmul = parse_as<BatchMatMulProblem>("batch_matmul", text)) return matmul;
    if (auto block = parse_as<BlockProblem>("block", text)) return block;
    return parse_as<MatMulProblem>("matmul", text);
}

size_t hash(const Problem& problem) {
    // Two chains take turns, so that a multiplication does not wait for the one before.
    constexpr uint64_t kFactor = 0x9e3779b97f4a7c15u;
    uint64_t next = kFactor * (problem.index() + 1), last = kFactor;
    std::visit(
        [&](const auto& p) {
            visit_fields(p, [&](std::string_view, const auto& value) {
                const uint64_t mixed = (std::rotl(next, 29) ^ static_cast<uint64_t>(value)) * kFactor;
                next = last, last = mixed;
            });
        },
        problem);
    const uint64_t both = (std::rotl(next, 32) ^ last) * 0xbf58476d1ce4e5b9u;
    return static_cast<size_t>(both ^ (both >> 29));
}

bool same_layer(const Problem& a, const Problem& b) {
    if (a.index() != b.index()) return false;
    if (const auto* m = std::get_if<MatMulProblem>(&a)) {
        MatMulProblem resized = std::get<MatMulProblem>(b);
        resized.m = m->m;
        return resized == *m;
    }
    if (const auto* batch = std::get_if<BatchMatMulProblem>(&a)) {  // all of its sizes are those of inputs
        const auto& other = std::get<BatchMatMulProblem>(b);
        return batch->b_transposed == other.b_transposed && batch->alignment == other.alignment &&
               batch->y_type == other.y_type;
    }
    if (const auto* block = std::get_if<BlockProblem>(&a)) {
        BlockProblem resized = std::get<BlockProblem>(b);
        resized.n = block->n, resized.h = block->h, resized.w = block->w;
        return resized == *block;
    }
    const ConvProblem& conv = std::get<ConvProblem>(a);
    ConvProblem resized = std::get<ConvProblem>(b);
    if (resized.deep() != conv.deep()) return false;
    resized.n = conv.n;
    resized.d = conv.d, resized.h = conv.h, resized.w = conv.w;
    resized.z = conv.z, resized.p = conv.p, resized.q = conv.q;
    resized.x_stride = conv.x_stride;
    return resized == conv;
}

int64_t multiplications(const Problem& problem) {
    return std::visit([](const auto& p) { return p.multiplications(); }, problem);
}

bool looks_up(const Problem& problem) {
    return std::visit(
        [](const auto& p) {
            if constexpr (requires { p.looks_up; }) return p.looks_up;
            return false;
        },
        problem);
}

bool adds_constant(const Problem& problem) {
    const auto* matmul = std::get_if<MatMulProblem>(&problem);
    return matmul != nullptr && matmul->adds_constant;
}

int64_t y_bytes(const Problem& problem) {
    return std::visit([](const auto& p) { return p.y_elements() * bytes_of(p.y_type); }, problem);
}

int64_t bytes_of_activations(const Problem& problem) {
    const auto read = [](const auto& p) {
        if constexpr (requires { p.group; }) {
            return p.n * p.x_step() + (p.adds ? p.y_elements() : 0);
        } else if constexpr (requires { p.batch; }) {
            return p.batch[0] * p.batch[1] * p.batch[2] * (p.m + p.n) * p.k;
        } else if constexpr (requires { p.depthwise; }) {
            return p.n * p.h * p.w * p.c + (p.adds ? p.y_elements() : 0);
        } else {
            return p.m * p.x_stride;
        }
    };
    return y_bytes(problem) + std::visit(read, problem);
}

std::optional<MatMulProblem> as_matmul(const ConvProblem& conv) {
    if (conv.deep() || conv.group != 1 || conv.padded() || conv.y_padding.any() || conv.adds || !conv.dense())
        return std::nullopt;
    const bool pointwise = conv.r == 1 && conv.s == 1 && conv.stride_h == 1 && conv.stride_w == 1;
    const bool covers_image = conv.r == conv.h && conv.s == conv.w && conv.p == 1 && conv.q == 1 &&
                              (conv.dilation_h == 1 || conv.r == 1) && (conv.dilation_w == 1 || conv.s == 1);
    if (!pointwise && !covers_image) return std::nullopt;
    MatMulProblem matmul;
    matmul.m = conv.n * conv.p * conv.q;
    matmul.k = conv.k;
    matmul.c = conv.c * conv.r * conv.s;
    matmul.x_stride = matmul.c;
    matmul.clamps_above = conv.clamps_above;
    matmul.looks_up = conv.looks_up;
    matmul.alignment = conv.alignment;
    matmul.x_type = conv.x_type;
    matmul.y_type = conv.y_type;
    return matmul;
}

std::optional<MatMulProblem> matmul_of(const Problem& problem) {
    if (const auto* matmul = std::get_if<MatMulProblem>(&problem)) return *matmul;
    if (const auto* conv = std::get_if<ConvProblem>(&problem)) return as_matmul(*conv);
    return std::nullopt;
}

std::optional<ConvProblem> flattened(const ConvProblem& c) {
    if (!c.deep()) return c;
    const bool flat = c.t == 1 && c.stride_d == 1 && c.pad_front == 0 && c.pad_back == 0;
    const bool line = c.r == 1 && c.s == 1 && c.stride_h == 1 && c.stride_w == 1 && c.pad_top == 0 &&
                      c.pad_bottom == 0 && c.pad_left == 0 && c.pad_right == 0;
    if (!flat && !line) return std::nullopt;
    ConvProblem conv;
    conv.c = c.c, conv.k = c.k, conv.group = c.group;
    if (flat) {  // the slices of all volumes are images
        conv.n = c.n * c.d, conv.h = c.h, conv.w = c.w, conv.p = c.p, conv.q = c.q;
        conv.r = c.r, conv.s = c.s;
        conv.pad_top = c.pad_top, conv.pad_left = c.pad_left;
        conv.pad_bottom = c.pad_bottom, conv.pad_right = c.pad_right;
        conv.stride_h = c.stride_h, conv.stride_w = c.stride_w;
        conv.dilation_h = c.dilation_h, conv.dilation_w = c.dilation_w;
    } else {  // a volume is an image of its slices, each a row
        conv.n = c.n, conv.h = c.d, conv.w = c.h * c.w, conv.p = c.z, conv.q = conv.w;
        conv.r = c.t;
        conv.pad_top = c.pad_front, conv.pad_bottom = c.pad_back;
        conv.stride_h = c.stride_d, conv.dilation_h = c.dilation_d;
    }
    conv.x_stride = {conv.h * conv.w * conv.c, conv.w * conv.c, conv.c, 1};
    conv.pads_with_value = c.pads_with_value;
    conv.clamps_above = c.clamps_above;
    conv.alignment = c.alignment;
    conv.x_type = c.x_type;
    conv.y_type = c.y_type;
    return conv;
}

}  // namespace qudnn::plan
