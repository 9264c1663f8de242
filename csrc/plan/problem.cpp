#include "plan/problem.h"

#include <charconv>
#include <string_view>
#include <type_traits>

namespace qudnn::plan {

namespace {

constexpr std::string_view kind(const ConvProblem&) { return "conv"; }
constexpr std::string_view kind(const MatMulProblem&) { return "matmul"; }
constexpr std::string_view kind(const Conv3dProblem&) { return "conv3d"; }
constexpr std::string_view kind(const BatchMatMulProblem&) { return "batch_matmul"; }

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
std::optional<Problem> parse_as(std::string_view text) {
    P problem;
    const std::string_view name = kind(problem);
    std::string_view rest = text;
    if (rest.substr(0, name.size()) != name) return std::nullopt;
    rest.remove_prefix(name.size());
    bool good = true;
    visit_fields(problem,
                 [&](std::string_view field, auto& value) { good = good && take(rest, field, value); });
    // What is written back differently ("+1", "007", a bool of 2) is none of ours.
    if (!good || !rest.empty() || plan::text(problem) != text) return std::nullopt;
    if (problem.x_type != DataType::int8 || !known_result(problem.y_type)) return std::nullopt;
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
    if (auto conv = parse_as<ConvProblem>(text)) return conv;
    if (auto conv = parse_as<Conv3dProblem>(text)) return conv;
    if (auto product = parse_as<BatchMatMulProblem>(text)) return product;
    return parse_as<MatMulProblem>(text);
}

size_t hash(const Problem& problem) {
    uint64_t h = 0x9e3779b97f4a7c15u * (problem.index() + 1);
    std::visit(
        [&](const auto& p) {
            visit_fields(p, [&](std::string_view, const auto& value) {
                // Mix each field in full, so that fields of the same small values in another order differ.
                h ^= static_cast<uint64_t>(value) + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
                h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
                h ^= h >> 27;
            });
        },
        problem);
    return static_cast<size_t>(h);
}

bool same_layer(const Problem& a, const Problem& b) {
    if (a.index() != b.index()) return false;
    if (const auto* m = std::get_if<MatMulProblem>(&a)) {
        MatMulProblem resized = std::get<MatMulProblem>(b);
        resized.m = m->m;
        return resized == *m;
    }
    if (const auto* conv = std::get_if<Conv3dProblem>(&a)) {
        Conv3dProblem resized = std::get<Conv3dProblem>(b);
        resized.n = conv->n;
        resized.d = conv->d, resized.h = conv->h, resized.w = conv->w;
        resized.z = conv->z, resized.p = conv->p, resized.q = conv->q;
        return resized == *conv;
    }
    if (const auto* product = std::get_if<BatchMatMulProblem>(&a)) {  // all of its sizes are those of inputs
        const auto& other = std::get<BatchMatMulProblem>(b);
        return product->b_transposed == other.b_transposed && product->alignment == other.alignment &&
               product->y_type == other.y_type;
    }
    const ConvProblem& conv = std::get<ConvProblem>(a);
    ConvProblem resized = std::get<ConvProblem>(b);
    resized.n = conv.n;
    resized.h = conv.h, resized.w = conv.w, resized.p = conv.p, resized.q = conv.q;
    resized.x_stride = conv.x_stride;
    return resized == conv;
}

int64_t multiplications(const Problem& problem) {
    return std::visit([](const auto& p) { return p.multiplications(); }, problem);
}

int64_t y_bytes(const Problem& problem) {
    return std::visit([](const auto& p) { return p.y_elements() * bytes_of(p.y_type); }, problem);
}

int64_t alignment_of(const void* pointer) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(pointer) | kFullAlignment;
    return static_cast<int64_t>(address & ~(address - 1));
}

std::optional<MatMulProblem> as_matmul(const ConvProblem& conv) {
    if (conv.group != 1 || conv.padded() || conv.y_padding.any() || !conv.dense()) return std::nullopt;
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

std::optional<ConvProblem> as_conv(const Conv3dProblem& c) {
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
