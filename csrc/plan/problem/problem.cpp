#include "plan/problem/problem.h"

#include <bit>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <type_traits>

#include "bounds.h"

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
    if constexpr (requires { problem.group; })
        if (problem.adds < adds_nothing || problem.adds > adds_in_float) return std::nullopt;
    try {
        check(problem);
    } catch (const std::invalid_argument&) {
        return std::nullopt;
    }
    return problem;
}

// The range of the field with this name. Rows and batches may come from several axes.
void check_field(std::string_view name, int64_t value) {
    const bool is_stride = name.find("_stride") != std::string_view::npos;
    const bool is_step = name == "group" || name.starts_with("stride") || name.starts_with("dilation_");
    const bool is_joined = name == "m" || name.starts_with("batch_");
    if (name == "alignment") {
        const bool is_power = value >= 1 && (value & (value - 1)) == 0;
        if (!is_power)
            throw std::invalid_argument("alignment = " + std::to_string(value) + " is no power of two");
        require_within("alignment", value, 1, kFullAlignment);
    } else {
        require_within(name, value, is_step ? 1 : 0, is_stride || is_joined ? kMostElements : kMostExtent);
    }
}

// Throws if the size of x with its padding, of w or of y overflows, or the amount of work. Fields are in
// range.
bool sizes_fit(const ConvProblem& c) {
    const int64_t d = c.d + c.pad_front + c.pad_back, h = c.h + c.pad_top + c.pad_bottom,
                  w = c.w + c.pad_left + c.pad_right;
    return d <= kMostExtent && h <= kMostExtent && w <= kMostExtent && fits({c.n, d, h, w, c.c}) &&
           fits({c.n, c.x_stride[0]}) && fits({c.k, c.t, c.r, c.s, c.c}) &&
           fits({c.n, c.z, c.y_padding.rows(c.p), c.y_padding.columns(c.q), c.k}) &&
           fits({c.n, c.z, c.p, c.q, c.k, c.t, c.r, c.s, c.c / c.group});
}

bool sizes_fit(const MatMulProblem& p) {
    return fits({p.m, p.x_stride}) && fits({p.m, p.c}) && fits({p.k, p.c}) && fits({p.m, p.k, p.c});
}

bool sizes_fit(const BatchMatMulProblem& p) {
    const auto strides_fit = [&](const std::array<int64_t, 4>& s, int64_t rows) {
        return fits({p.batch[0], s[0]}) && fits({p.batch[1], s[1]}) && fits({p.batch[2], s[2]}) &&
               fits({rows, s[3]});
    };
    const auto [i, j, l] = p.batch;
    return strides_fit(p.a_stride, p.m) && strides_fit(p.b_stride, p.b_transposed ? p.n : p.k) &&
           strides_fit(p.y_stride, p.m) && fits({i, j, l, p.m, p.k}) && fits({i, j, l, p.k, p.n}) &&
           fits({i, j, l, p.m, p.width}) && fits({i, j, l, p.m, p.n, p.k});
}

bool sizes_fit(const BlockProblem& b) {
    return b.h < kMostExtent - 1 && b.w < kMostExtent - 1 && fits({b.n, b.h, b.w, b.c}) &&
           fits({b.n, b.h + 2, b.w + 2, b.m}) && fits({b.n, b.h, b.w, b.k}) && fits({b.m, b.c}) &&
           fits({9, b.m, b.m}) && fits({b.k, b.m}) && fits({4, b.n, b.h, b.w, b.m, b.c}) &&
           fits({4, b.n, b.h, b.w, 9, b.m, b.m}) && fits({4, b.n, b.h, b.w, b.m, b.k});
}

template <class P>
void require_sizes(const P& problem) {
    if (!sizes_fit(problem)) throw std::invalid_argument("tensors too large to have an address");
}

// Throws if results pass what is not there for such results. what: the field that says so.
template <class P>
void check_passed(const P& p, const std::string& what, bool given) {
    if (!given) return;
    if (p.y_type != DataType::int8) throw std::invalid_argument(what + " with results that are not int8");
    if constexpr (requires { p.zero_point_per_channel; })
        if (p.zero_point_per_channel) throw std::invalid_argument(what + " with a zero point per channel");
    if constexpr (requires { p.adds; })
        if (p.adds != adds_nothing) throw std::invalid_argument(what + " with a residual");
}

void check_block(const BlockProblem& b) {
    if (b.y_type != DataType::int8)
        throw std::invalid_argument("y_type = " + std::to_string(static_cast<int64_t>(b.y_type)) +
                                    " of a residual block, whose results are int8");
    if (b.first_pads && !b.pads_with_value)
        throw std::invalid_argument("first_pads = 1 without pads_with_value = 1");
}

}  // namespace

void check(const Problem& problem) {
    std::visit(
        [](const auto& p) {
            visit_fields(p, [](std::string_view name, const auto& value) {
                // Any flag is possible, and parse() checks types.
                if constexpr (std::is_same_v<std::decay_t<decltype(value)>, int64_t>) {
                    check_field(name, value);
                }
            });
        },
        problem);
    std::visit(
        [](const auto& p) {
            if constexpr (requires { p.adds_constant; })
                check_passed(p, "adds_constant = 1", p.adds_constant);
            if constexpr (requires { p.looks_up; }) check_passed(p, "looks_up = 1", p.looks_up);
            if constexpr (requires { p.depthwise; }) check_block(p);
        },
        problem);
    check_sizes(problem);
}

void check_sizes(const Problem& problem) {
    std::visit([](const auto& p) { require_sizes(p); }, problem);
}
void check_sizes(const ConvProblem& problem) { require_sizes(problem); }
void check_sizes(const MatMulProblem& problem) { require_sizes(problem); }
void check_sizes(const BatchMatMulProblem& problem) { require_sizes(problem); }
void check_sizes(const BlockProblem& problem) { require_sizes(problem); }

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
