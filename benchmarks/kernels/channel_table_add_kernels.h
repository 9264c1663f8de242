// The cases of kernels.h for tables of channels with an addition after them, which are timed beside the two
// kernels of these steps.
#pragma once

#include "constant_kernels.h"
#include "kernels/elementwise/table.h"

namespace {

void channel_table_add_case(int64_t rows, int64_t c, bool is_uint8, bool table_first, int offset = 0,
                            bool with_steps = false) {
    Tensor<int8_t> entries(c * 256), x(rows * c, offset), r(rows * c, offset);
    const BinaryScales scales = is_uint8 ? BinaryScales{0.031f, 0.027f, 0.041f, 125, 120, 118, 128}
                                         : BinaryScales{0.031f, 0.027f, 0.041f, 5, -7, 0, 0};
    const Residual residual{.r = r.gpu, .scales = scales, .y_first = table_first};
    const auto expected = [&](int64_t i) {
        const int8_t found = entries.host[i % c * 256 + x.host[i] + 128];
        return sum_with_constant(residual, nullptr, found, r.host[i]);
    };
    const std::string name = "channel_table_add " + std::to_string(rows) + "x" + std::to_string(c) +
                             (is_uint8 ? " uint8" : " int8") + (table_first ? "" : " second") +
                             (offset ? " unaligned" : "");
    check<int8_t>(
        name, rows * c, (2 * rows + 256) * c, 0, 16, offset,
        [&](int8_t* y) { return channel_table_add(rows, c, entries.gpu, x.gpu, residual, y, nullptr); },
        expected);
    if (!with_steps) return;
    const Tensor<int8_t> found(rows * c);
    const Broadcast<2> g = Broadcast<2>::none(rows * c);
    check<int8_t>(
        "  its steps " + name, rows * c, (3 * rows + 256) * c, 0, 16, offset,
        [&](int8_t* y) {
            const cudaError_t status = channel_table(rows, c, entries.gpu, x.gpu, found.gpu, nullptr);
            if (status != cudaSuccess) return status;
            return table_first ? add(g, scales, found.gpu, r.gpu, y, nullptr)
                               : add(g, scales, r.gpu, found.gpu, y, nullptr);
        },
        expected);
}

void small_channel_table_add_cases() {
    for (const bool is_uint8 : {true, false})
        for (const bool table_first : {true, false}) {
            for (int64_t rows : {1, 16, 17, 1300})
                for (int64_t c : {1, 5, 16, 48, 64, 80, 144, 272, 768})
                    for (int offset : {0, 1, 4})
                        channel_table_add_case(rows, c, is_uint8, table_first, offset);
            // Rows side by side in slices.
            channel_table_add_case(64, 3, is_uint8, table_first);
            channel_table_add_case(1000, 12, is_uint8, table_first);
        }
    // The slices of large tensors.
    channel_table_add_case(1 << 20, 24, true, true);
    channel_table_add_case(233018, 72, true, false);
    channel_table_add_case(100001, 176, false, true);
    channel_table_add_case(100001, 176, false, true, 4);
}

// The stages of ConvNeXt-tiny.
void large_channel_table_add_cases() {
    for (int64_t n : {1, 32, 128})
        for (auto [side, c] : {std::array<int64_t, 2>{56, 96}, {28, 192}, {14, 384}, {7, 768}})
            channel_table_add_case(n * side * side, c, true, true, 0, true);
    channel_table_add_case(32 * 56 * 56, 96, true, false, 0, true);
    channel_table_add_case(32 * 56 * 56, 96, false, true, 0, true);
}

}  // namespace
