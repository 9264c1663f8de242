// Whether a problem's numbers can be.
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "bounds.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

namespace {

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

}  // namespace qudnn::plan
