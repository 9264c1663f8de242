#include "plan/problem/split.h"

#include <algorithm>

#include "plan/problem/ceil_div.h"

namespace qudnn::plan {

namespace {

// Bytes of x and y for each image or volume of a conv, each row of a matmul.
struct Item {
    int64_t x, x_padded, y;

    int64_t largest() const { return std::max(x_padded, y); }
};

Item item(const ConvProblem& c) {
    const int64_t padded = (c.d + c.pad_front + c.pad_back) * (c.h + c.pad_top + c.pad_bottom) *
                           (c.w + c.pad_left + c.pad_right) * c.c;
    return {c.x_step(), std::max(c.x_step(), padded),
            c.z * c.y_padding.rows(c.p) * c.y_padding.columns(c.q) * c.k * bytes_of(c.y_type)};
}

Item item(const MatMulProblem& m) { return {m.x_stride, m.x_stride, m.k * bytes_of(m.y_type)}; }

// Of the tensors between too, for its convolutions may run one after the other.
Item item(const BlockProblem& b) {
    const int64_t x = b.h * b.w * b.c;
    return {x, std::max(x, (b.h + 2) * (b.w + 2) * b.m), b.p() * b.q() * b.k};
}

int64_t& batch(ConvProblem& c) { return c.n; }
int64_t& batch(BlockProblem& b) { return b.n; }
int64_t& batch(MatMulProblem& m) { return m.m; }

// The largest power of two, at most `most`, that divides the number.
int64_t power_of_two(int64_t number, int64_t most) {
    while (number % most != 0) most /= 2;
    return most;
}

template <class P>
std::vector<Slice> split_batch(P problem, int64_t most) {
    const Item each = item(problem);
    const int64_t count = batch(problem);
    const int64_t fit = std::max<int64_t>(1, most / std::max<int64_t>(1, each.largest()));
    int64_t size = ceil_div(count, ceil_div(count, fit));
    // A multiple of this many items keeps the pointers' alignment.
    const int64_t granule =
        kFullAlignment / std::min(power_of_two(each.x, kFullAlignment), power_of_two(each.y, kFullAlignment));
    if (const int64_t whole = ceil_div(size, granule) * granule; whole <= fit) {
        size = whole;
    } else if (fit >= granule) {
        size = fit / granule * granule;
    }
    problem.alignment = std::min({problem.alignment, power_of_two(size * each.x, kFullAlignment),
                                  power_of_two(size * each.y, kFullAlignment)});
    std::vector<Slice> slices;
    for (int64_t first = 0; first < count; first += size) {
        P part = problem;
        batch(part) = std::min(size, count - first);
        slices.push_back({part, first * each.x, first * each.y});
    }
    return slices;
}

template <class P>
bool exceeds(P problem, int64_t most) {
    int64_t bytes = 0;
    return __builtin_mul_overflow(batch(problem), item(problem).largest(), &bytes) || bytes > most;
}

// NOTE: engines of batched matmuls count with 64 bits, and a slice of y need not be dense.
bool exceeds(const BatchMatMulProblem&, int64_t) { return false; }
std::vector<Slice> split_batch(const BatchMatMulProblem& problem, int64_t) { return {{problem}}; }

}  // namespace

bool too_large(const Problem& problem, int64_t most) {
    return std::visit([&](const auto& p) { return exceeds(p, most); }, problem);
}

std::vector<Slice> split(const Problem& problem, int64_t most) {
    return std::visit([&](const auto& p) { return split_batch(p, most); }, problem);
}

}  // namespace qudnn::plan
