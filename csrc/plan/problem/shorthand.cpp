#include "plan/problem/shorthand.h"

#include <charconv>
#include <cstdint>
#include <map>
#include <sstream>
#include <stdexcept>
#include <type_traits>

namespace qudnn::plan {

namespace {

using Fields = std::map<std::string, int64_t>;

Fields read_fields(std::istream& words) {
    Fields fields;
    for (std::string word; words >> word;) {
        const size_t sign = word.find('=');
        int64_t value = 0;
        const char* const end = word.data() + word.size();
        const bool has_value = sign != std::string::npos && sign + 1 < word.size();
        const auto read = has_value ? std::from_chars(word.data() + sign + 1, end, value)
                                    : std::from_chars_result{end, std::errc::invalid_argument};
        if (read.ec != std::errc() || read.ptr != end)
            throw std::invalid_argument("'" + word + "' is not a field with a whole number, such as n=1");
        if (!fields.emplace(word.substr(0, sign), value).second)
            throw std::invalid_argument("'" + word + "' is given twice");
    }
    return fields;
}

int64_t windows(int64_t extent, int64_t before, int64_t after, int64_t taps, int64_t stride,
                int64_t dilation) {
    return (extent + before + after - dilation * (taps - 1) - 1) / stride + 1;
}

void require(bool condition, const std::string& what) {
    if (!condition) throw std::invalid_argument(what);
}

// What follows from the fields that are given: has(name) tells of one whether it is. Throws
// std::invalid_argument where the given ones contradict each other.
template <class Has>
void complete(ConvProblem& p, const Has& has) {
    const auto follows = [&](const char* name, int64_t& value, int64_t count) {
        if (!has(name)) value = count;
        require(value == count, std::string(name) + " = " + std::to_string(value) +
                                    " does not follow from the other sizes: " + std::to_string(count));
    };
    follows("z", p.z, windows(p.d, p.pad_front, p.pad_back, p.t, p.stride_d, p.dilation_d));
    follows("p", p.p, windows(p.h, p.pad_top, p.pad_bottom, p.r, p.stride_h, p.dilation_h));
    follows("q", p.q, windows(p.w, p.pad_left, p.pad_right, p.s, p.stride_w, p.dilation_w));
    require(p.group >= 1 && p.c % p.group == 0 && p.k % p.group == 0, "c or k is no multiple of group");
    if (p.deep()) return;
    const std::array<int64_t, 4> dense{p.h * p.w * p.c, p.w * p.c, p.c, 1};
    const char* const names[] = {"x_stride_n", "x_stride_h", "x_stride_w", "x_stride_c"};
    for (size_t i = 0; i < dense.size(); ++i)
        if (!has(names[i])) p.x_stride[i] = dense[i];
}

template <class Has>
void complete(MatMulProblem& p, const Has& has) {
    if (!has("x_stride")) p.x_stride = p.c;
    require(p.x_stride >= p.c, "x_stride is less than c");
}

template <class Has>
void complete(BatchMatMulProblem& p, const Has& has) {
    if (!has("width")) p.width = p.n;
    const auto dense = [&](const std::string& matrix, std::array<int64_t, 4>& stride, int64_t rows,
                           int64_t columns) {
        const int64_t size = rows * columns;
        const std::array<int64_t, 4> steps{p.batch[1] * p.batch[2] * size, p.batch[2] * size, size, columns};
        const char* const ends[] = {"_stride_0", "_stride_1", "_stride_2", "_stride_row"};
        for (size_t i = 0; i < steps.size(); ++i)
            if (!has(matrix + ends[i])) stride[i] = steps[i];
    };
    dense("a", p.a_stride, p.m, p.k);
    dense("b", p.b_stride, p.b_transposed ? p.n : p.k, p.b_transposed ? p.k : p.n);
    dense("y", p.y_stride, p.m, p.width);
    int64_t end = (p.m - 1) * p.y_stride[3] + p.width;
    for (size_t i = 0; i < p.batch.size(); ++i) end += (p.batch[i] - 1) * p.y_stride[i];
    require(p.width >= p.n && end <= p.y_elements(),
            "width and the strides of y are not those of a dense result");
}

template <class Has>
void complete(BlockProblem&, const Has&) {}

template <class P>
Problem completed(const std::string& kind, Fields fields, bool deep) {
    P problem;
    const Fields given = fields;
    visit_fields(
        problem,
        [&](const char* name, auto& value) {
            const auto field = fields.find(name);
            if (field == fields.end()) return;
            value = static_cast<std::remove_reference_t<decltype(value)>>(field->second);
            fields.erase(field);
        },
        deep);
    if (!fields.empty())
        throw std::invalid_argument("'" + fields.begin()->first + "' is no field of a problem of the kind " +
                                    kind + ", whose fields are those of " + text(problem));
    check(problem);  // before anything is computed of it
    complete(problem, [&](const std::string& name) { return given.contains(name); });
    check(problem);
    require(problem.multiplications() > 0, "there is nothing to compute: a size is 0");
    return problem;
}

}  // namespace

Problem read_shorthand(const std::string& text) {
    std::istringstream words(text);
    std::string kind;
    words >> kind;
    const Fields fields = read_fields(words);
    if (kind == "conv") return completed<ConvProblem>(kind, fields, false);
    if (kind == "conv3d") return completed<ConvProblem>(kind, fields, true);
    if (kind == "matmul") return completed<MatMulProblem>(kind, fields, false);
    if (kind == "batch_matmul") return completed<BatchMatMulProblem>(kind, fields, false);
    if (kind == "block") return completed<BlockProblem>(kind, fields, false);
    throw std::invalid_argument(
        "a problem begins with conv, conv3d, matmul, batch_matmul or block, not with '" + kind + "'");
}

}  // namespace qudnn::plan
