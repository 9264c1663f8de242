// Runs every kernel of csrc/kernels, compares with plain host loops bit for bit, prints the rate.
//
//   make kernels && build/dev/kernel_benchmark      (build/all/ where there was no `make dev`)
//
// --quick leaves the large cases out, --large the small ones, --untimed runs each case once and gives no
// rates; other arguments name the kernels to run. Exit status 1 on any mismatch.
#include "kernels.h"

#include <set>

#include "attention_kernels.h"
#include "batch_matmul_kernels.h"
#include "block_kernels.h"
#include "channel_table_add_kernels.h"
#include "constant_kernels.h"
#include "dynamic_kernels.h"
#include "float_attention_kernels.h"
#include "float_tail_kernels.h"
#include "normalization_kernels.h"
#include "pointwise_kernels.h"
#include "projection_kernels.h"
#include "recurrent_kernels.h"
#include "rms_normalization_kernels.h"
#include "squeeze_excitation_kernels.h"
#include "stem_pool_kernels.h"
#include "transformer_kernels.h"
#include "typed_kernels.h"
#include "vision_kernels.h"
#include "volume_kernels.h"
#include "window_kernels.h"

namespace {

bool quick = false, large_only = false;
std::set<std::string> chosen;

bool wanted(const char* kernel) { return chosen.empty() || chosen.contains(kernel); }

void small_cases() {
    for (bool is_uint8 : {false, true}) {
        const Operands some{"1237", Broadcast<2>::none(1237)}, spread = small_operands[5];
        for (const Operands& o : small_operands) {
            if (wanted("add")) add_case(o, is_uint8);
            if (wanted("mul")) mul_case(o, is_uint8);
        }
        for (const Operands& o : {some, spread}) {
            if (wanted("add")) add_case(o, is_uint8, is_uint8 ? 3e9f : 3e6f);
            if (wanted("mul")) mul_case(o, is_uint8, is_uint8 ? 3e9f : 3e6f), mul_case(o, is_uint8, 3e38f);
        }
    }
    if (wanted("table"))
        for (int64_t count : {1, 15, 16, 1237, 70000}) table_case(count, 0), table_case(count, 1);
    if (wanted("padded_table"))
        for (bool per_channel : {false, true})
            for (int64_t c : {16, 20, 48})
                padded_table_case({2, 9, 8, c, {1, 1, 1, 1}, -128}, per_channel),
                    padded_table_case({3, 1, 7, c, {0, 3, 2, 0}, 9}, per_channel);
    if (wanted("channel_table"))
        for (int64_t rows : {1, 17, 1300})
            for (int64_t c : {1, 5, 16, 48, 64, 80, 144, 272})
                channel_table_case(rows, c), channel_table_case(rows, c, 1);
    if (wanted("channel_table"))  // rows side by side in slices, those of large tensors besides
        for (auto [rows, c] : {std::array<int64_t, 2>{64, 3},
                               {1000, 12},
                               {1 << 22, 4},
                               {1 << 20, 24},
                               {233018, 72},
                               {100001, 176}})
            channel_table_case(rows, c);
    if (wanted("average_pool"))
        for (bool is_uint8 : {false, true})
            for (bool count_padding : {false, true}) {
                const auto run = [&](const char* name, PoolGeometry g) {
                    average_pool_case(name, g, is_uint8, count_padding);
                };
                run("3x3 odd", {2, 13, 11, 48, 7, 6, 3, 3, 1, 1, 2, 2, 1, 1});
                run("2x2 over the edge", {3, 9, 7, 16, 5, 4, 2, 2, 0, 0, 2, 2, 1, 1});
                run("5x2", {2, 9, 10, 16, 5, 6, 5, 2, 2, 1, 2, 2, 1, 1});
                run("17 channels", {2, 9, 10, 17, 5, 6, 5, 2, 2, 1, 2, 2, 1, 1});
            }
    if (wanted("pool3d")) small_volume_cases();
    if (wanted("lstm")) small_lstm_cases();
    if (wanted("stem_pool")) small_stem_pool_cases();
    if (wanted("channel_table_add")) small_channel_table_add_cases();
    if (wanted("squeeze_excitation")) small_squeeze_excitation_cases();
    if (wanted("bottleneck")) small_bottleneck_cases(), float_bottleneck_cases();
    if (wanted("inverted")) small_inverted_cases();
    if (wanted("resize"))
        for (int mode = 0; mode < 6; ++mode) {
            const auto coordinates = static_cast<Coordinates>(mode);
            for (int i = 0; i < 4; ++i) {
                const auto nearest = static_cast<Nearest>(i);
                nearest_case(2, 32, {7, 14, 2}, {9, 18, 2}, coordinates, nearest);
                nearest_case(2, 5, {7, 16, 7 / 3.0f}, {9, 3, 0.37f}, coordinates, nearest);
                nearest_case(1, 16, {12, 27, 2.3f}, {1, 1, 1.5f}, coordinates, nearest, 1);
            }
            for (bool is_uint8 : {false, true}) {
                linear_case(2, 32, {7, 14, 2}, {9, 18, 2}, coordinates, is_uint8);
                linear_case(2, 5, {7, 16, 7 / 3.0f}, {9, 3, 0.37f}, coordinates, is_uint8);
                linear_case(2, 16, {3, 3, 1}, {9, 13, 1.5f}, coordinates, is_uint8);
            }
        }
    if (wanted("depth_to_space")) {
        depth_to_space_case("2x2", {2, 5, 7, 16, 10, 14, 2, 0, 0});
        depth_to_space_case("3x3 cropped", {2, 5, 7, 32, 12, 18, 3, 1, 2});
        depth_to_space_case("2x2 of 5 channels cropped", {2, 5, 7, 5, 9, 12, 2, 1, 0});
    }
    if (wanted("softmax"))
        for (bool is_uint8 : {false, true}) {
            softmax_case(3, 1000, 1008, is_uint8);
            softmax_case(130, 19, 32, is_uint8, 1 / 256.0f, 7);
            softmax_case(7, 1, 16, is_uint8, 1 / 256.0f, 9);
            softmax_case(9, 10, 16, is_uint8, 1e-12f, 77);
            for (int64_t channels : {128, 197, 384, 1024}) softmax_case(1037, channels, channels, is_uint8);
        }
    if (wanted("max_pool")) {
        max_pool_case("3x3 odd", {2, 13, 11, 48, 7, 6, 3, 3, 1, 1, 2, 2, 1, 1});
        max_pool_case("2x2 odd", {3, 9, 7, 16, 5, 4, 2, 2, 0, 0, 2, 2, 1, 1});  // ceil_mode: over the edge
        max_pool_case("3x3 dilated", {1, 12, 10, 32, 10, 8, 3, 3, 2, 2, 1, 1, 2, 2});
        max_pool_case("5x2", {2, 9, 10, 16, 5, 6, 5, 2, 2, 1, 2, 2, 1, 3});
        max_pool_case("17 channels", {2, 9, 10, 17, 5, 6, 5, 2, 2, 1, 2, 2, 1, 3});
        max_pool_case("2x2 padded", {2, 12, 10, 48, 6, 5, 2, 2, 0, 0, 2, 2, 1, 1, {1, 1, 1, 1}});
        max_pool_case("5x2 padded", {2, 9, 10, 17, 5, 6, 5, 2, 2, 1, 2, 2, 1, 3, {0, 2, 3, 1}});
    }
    if (wanted("global_average_pool"))
        for (auto [n, hw, c] : {std::array<int64_t, 3>{1, 1, 16},
                                {3, 49, 48},
                                {2, 35, 19},
                                {1, 8200, 16},
                                {2, 2100, 80},
                                {2, 64, 272}})
            global_average_pool_case(n, hw, c);
    if (wanted("float_tail")) float_tail_cases();
    if (wanted("pad")) {
        pad_case("odd", 2, 5, 7, 48, 1, 2, 3, 0);
        pad_case("crop", 2, 9, 7, 16, -1, 2, -3, -2);
        pad_case("5 channels", 2, 5, 7, 5, 1, 2, 3, 0);
    }
    if (wanted("matmul")) {
        for (int64_t m : {1, 7, 9, 64, 65, 130})
            matmul_case(m, 48, 80), matmul_case(m, 29, 33), matmul_case(m, 70, 68), matmul_case(m, 7, 4144);
        matmul_case(13, 32, 64, 1), matmul_case(70, 32, 64, 1), matmul_case(3, 5, 3);
    }
    if (wanted("conv")) {
        conv_case(2, 9, 8, 16, 32, 3, 3);
        conv_case(1, 12, 11, 16, 80, 7, 7, {.stride = 2});
        conv_case(2, 6, 7, 3, 5, 3, 2, {.stride = 2, .top = 0, .left = 2, .bottom = 1, .right = 0});
        conv_case(2, 9, 8, 20, 24, 3, 3, {.dilation = 2, .group = 1});
        conv_case(2, 9, 8, 17, 19, 1, 1);
        conv_case(1, 9, 8, 64, 96, 3, 3, {.group = 2});
        conv_case(1, 9, 8, 34, 38, 3, 3, {.stride = 2, .group = 2});
        conv_case(1, 9, 8, 64, 64, 3, 3, {.group = 16});
        conv_case(1, 9, 8, 24, 48, 3, 3, {.group = 24});
        conv_case(2, 9, 8, 32, 16, 3, 3, {.offset = 1});
        conv_case(2, 9, 8, 32, 48, 3, 3, {.y_padding = {1, 1, 1, 1}});
        conv_case(2, 9, 8, 24, 48, 3, 3, {.group = 24, .y_padding = {0, 2, 1, 0}});
        for (int64_t size : {1, 2, 3, 5, 7, 9})
            for (ConvOptions o : {ConvOptions{},
                                  {.stride = 2},
                                  {.dilation = 2},
                                  {.stride = 3},
                                  {.top = 0, .left = 1, .bottom = 2, .right = 0}})
                for (int64_t c : {16, 144, 272})
                    o.group = c, conv_case(2, 10 + size, 9 + size, c, c, size, size, o);
        for (int64_t group_c : {8, 16, 32})
            for (int64_t groups : {2, 5, 8})
                for (ConvOptions o : {ConvOptions{.group = groups},
                                      {.stride = 2, .group = groups},
                                      {.group = groups, .top = 0, .left = 1, .bottom = 2, .right = 0}})
                    conv_case(3, 21, 18, groups * group_c, groups * group_c, 3, 3, o);
        conv_case(2, 9, 8, 32, 32, 3, 3, {.group = 32, .offset = 1});
        conv_case(2, 9, 8, 37, 37, 3, 3, {.group = 37});
        conv_case(2, 9, 8, 32, 32, 3, 1, {.group = 32});
    }
    if (wanted("stem")) {
        auto stem_case = [](int64_t n, int64_t h, int64_t w, int64_t k, int64_t r, int64_t s,
                            ConvOptions o = {}) {
            o.stem = true;
            conv_case(n, h, w, 4, k, r, s, o);
        };
        const ConvOptions unpadded{.stride = 2, .top = 0, .left = 0, .bottom = 0, .right = 0};
        stem_case(2, 37, 41, 64, 7, 7, unpadded);
        stem_case(1, 21, 70, 48, 6, 6, unpadded);
        for (int64_t size = 1; size <= 8; ++size)
            for (int64_t stride : {1, 2, 3, 4, 8})
                stem_case(2, 15 + size, 30 + size, 16 * ((size + stride) % 9 + 1), size, size,
                          {.stride = stride});
        stem_case(3, 9, 300, 32, 3, 3, {.stride = 1, .top = 2, .left = 5, .bottom = 3, .right = 17});
        stem_case(3, 9, 30, 32, 3, 8, {.stride = 2, .top = 1, .left = 2, .bottom = 0, .right = 1});
        stem_case(3, 19, 70, 48, 3, 3, {.stride = 1, .y_padding = {1, 1, 1, 1}});
        stem_case(2, 37, 41, 64, 7, 7, {.stride = 2, .y_padding = {0, 2, 3, 0}});
        stem_case(1, 40, 9, 80, 8, 2, {.stride = 2, .top = 4, .left = 0, .bottom = 4, .right = 1});
        stem_case(1, 1, 1, 96, 7, 7, {.stride = 2});
        stem_case(5, 2, 2, 112, 2, 2, {.stride = 2, .top = 0, .left = 0, .bottom = 0, .right = 0});
    }
    if (wanted("pointwise")) small_pointwise_cases();
    if (wanted("layer_normalization")) small_layer_normalization_cases();
    if (wanted("fused_normalization")) small_fused_normalization_cases();
    if (wanted("rms_normalization")) small_rms_normalization_cases();
    if (wanted("where")) small_where_cases();
    if (wanted("masked_softmax")) masked_softmax_case(2, 3, 5, 197), masked_softmax_case(2, 3, 5, 128);
    if (wanted("batch_matmul")) small_batch_matmul_cases();
    if (wanted("projections")) small_projections_cases();
    if (wanted("constant")) small_constant_cases();
    if (wanted("attention")) small_attention_cases();
    if (wanted("float_attention")) small_float_attention_cases();
    if (wanted("typed_matmul")) small_typed_matmul_cases();
    const std::vector<Crossing> both = {
        {"3x3x9x7", {3, 3, 9, 7}, {0, 2, 3, 1}},
        {"3x3x9x7 unaligned", {3, 3, 9, 7}, {0, 2, 3, 1}, {}, {}, 1},
        {"2x16x8x8", {2, 16, 8, 8}, {0, 2, 3, 1}},
        {"2x13x5x7", {2, 13, 5, 7}, {0, 2, 3, 1}},
        {"2x100x12x12", {2, 100, 12, 12}, {0, 2, 3, 1}},
        {"2x100x12x12 unaligned", {2, 100, 12, 12}, {0, 2, 3, 1}, {}, {}, 1},
        {"3x70x7x7", {3, 70, 7, 7}, {0, 2, 3, 1}},
        {"2x20x37", {2, 20, 37}, {0, 2, 1}},
        {"2x40x3x4x5", {2, 40, 3, 4, 5}, {0, 2, 3, 4, 1}},
        {"3x33x1x1", {3, 33, 1, 1}, {0, 2, 3, 1}},
        {"5x1000", {5, 1000}, {0, 1}},
        {"5x64", {5, 64}, {0, 1}},
        {"1x1", {1, 1}, {0, 1}},
        {"2x3x5x300 to 4", {2, 3, 5, 300}, {0, 2, 3, 1}, {}, {}, 0, 4},
        {"2x1x9x7 to 4 unaligned", {2, 1, 9, 7}, {0, 2, 3, 1}, {}, {}, 1, 4},
        {"2x9x7x4 channels last to 4", {2, 9, 7, 4}, {0, 1, 2, 3}, {}, {}, 0, 4},
        {"2x9x7x2 channels last to 4", {2, 9, 7, 2}, {0, 1, 2, 3}, {}, {}, 0, 4},
        {"2x16x3x9x300", {2, 16, 3, 9, 300}, {0, 2, 3, 4, 1}},
        {"17", {17}, {0}},
        {"2x3x37", {2, 3, 37}, {0, 1, 2}},
        {"2x5x6x3 channels last", {2, 5, 6, 3}, {0, 1, 2, 3}},
        {"2x5x6x16 channels last", {2, 5, 6, 16}, {0, 1, 2, 3}},
        {"2x5x6x50 shuffled", {6, 50, 2, 5}, {2, 3, 0, 1}},
        {"7x6x20 reversed", {7, 6, 20}, {2, 1, 0}},
        {"2x3x2x3x2x2x3x5 shuffled", {2, 3, 2, 3, 2, 2, 3, 5}, {1, 0, 3, 2, 5, 4, 7, 6}},
    };
    const std::vector<Crossing> padded = {
        {"2x3x9x7 padded", {2, 3, 9, 7}, {0, 2, 3, 1}, {0, 3, 2, 0}, {0, 1, 3, 0}},
        {"2x3x9x7 padded to 4", {2, 3, 9, 7}, {0, 2, 3, 1}, {0, 3, 2, 0}, {0, 1, 3, 0}, 0, 4},
        {"1x3x5x130 cropped to 4", {1, 3, 5, 130}, {0, 2, 3, 1}, {0, -1, 2, 0}, {0, 1, -3, 0}, 0, 4},
        {"2x40x9x7 padded", {2, 40, 9, 7}, {0, 2, 3, 1}, {0, 3, 2, 0}, {0, 1, 3, 0}},
        {"2x40x8x70 padded", {2, 40, 8, 70}, {0, 2, 3, 1}, {0, 1, 1, 0}, {0, 1, 1, 0}},
        {"2x40x9x8 padded below", {2, 40, 9, 8}, {0, 2, 3, 1}, {0, 0, 0, 0}, {0, 1, 3, 0}},
        {"2x40x9x7 cropped", {2, 40, 9, 7}, {0, 2, 3, 1}, {0, -1, 2, 0}, {0, 1, -3, 0}},
        {"2x9x7x32 channels last padded", {2, 9, 7, 32}, {0, 1, 2, 3}, {0, 3, 2, 0}, {0, 1, 3, 0}},
        {"2x9x7x30 channels padded in front", {2, 9, 7, 30}, {0, 1, 2, 3}, {0, 0, 0, 2}, {0, 0, 0, 0}},
        {"2x20x3x4x5 padded", {2, 20, 3, 4, 5}, {0, 2, 3, 4, 1}, {0, 1, 0, 2, 0}, {0, 0, 1, 1, 0}},
    };
    if (wanted("border")) {
        for (const Crossing& crossing : both) enter_case(crossing), leave_case(crossing);
        for (const Crossing& crossing : padded) enter_case(crossing);
    }
    if (wanted("dynamic_quantize")) {
        for (const auto* crossings : {&both, &padded})
            for (const Crossing& crossing : *crossings)
                for (bool gelu : {false, true}) dynamic_quantize_case(crossing, gelu);
        small_dynamic_quantize_cases();
    }
    if (wanted("dynamic_normalize")) small_dynamic_normalize_cases();
    if (wanted("window")) small_window_cases();
}

void large_cases() {
    if (wanted("pointwise")) large_pointwise_cases();
    if (wanted("pool3d")) large_volume_cases();
    if (wanted("lstm")) large_lstm_cases();
    if (wanted("window")) large_window_cases();
    if (wanted("batch_matmul")) large_batch_matmul_cases();
    if (wanted("projections")) large_projections_cases();
    if (wanted("constant")) large_constant_cases();
    if (wanted("attention")) large_attention_cases();
    if (wanted("float_attention")) large_float_attention_cases();
    if (wanted("typed_matmul")) large_typed_matmul_cases();
    if (wanted("dynamic_quantize")) large_dynamic_quantize_cases();
    if (wanted("dynamic_normalize")) large_dynamic_normalize_cases();
    for (const Operands& o : large_operands) {
        if (wanted("add")) add_case(o, true);
        if (wanted("mul")) mul_case(o, true);
    }
    if (wanted("add")) add_case(large_operands[0], false);
    if (wanted("padded_table")) padded_table_case({64, 56, 56, 64, {1, 1, 1, 1}, -128});
    if (wanted("table"))
        for (int64_t count : {64 * 56 * 56 * 256, 56 * 56 * 256}) table_case(count, 0);
    if (wanted("channel_table"))  // of DenseNet-121
        for (auto [side, c] : {std::array<int64_t, 2>{112, 64},
                               {56, 64},
                               {56, 256},
                               {28, 512},
                               {14, 1024},
                               {14, 288},
                               {7, 1024}})
            channel_table_case(64 * side * side, c), channel_table_case(side * side, c);
    if (wanted("channel_table"))  // of BERT
        for (int64_t rows : {128, 1024, 4096, 12288})
            for (int64_t c : {768, 2304, 3072}) channel_table_case(rows, c);
    if (wanted("average_pool")) {
        average_pool_case("64x35x35x288 3x3", {64, 35, 35, 288, 35, 35, 3, 3, 1, 1, 1, 1, 1, 1}, true, true);
        average_pool_case("64x56x56x128 2x2 /2", {64, 56, 56, 128, 28, 28, 2, 2, 0, 0, 2, 2, 1, 1}, true,
                          false);
        average_pool_case("1x35x35x288 3x3", {1, 35, 35, 288, 35, 35, 3, 3, 1, 1, 1, 1, 1, 1}, true, true);
    }
    if (wanted("resize")) {
        nearest_case(8, 256, {40, 80, 2}, {40, 80, 2}, Coordinates::asymmetric, Nearest::floor);
        nearest_case(64, 128, {28, 56, 2}, {28, 56, 2}, Coordinates::asymmetric, Nearest::floor);
        nearest_case(1, 256, {40, 80, 2}, {40, 80, 2}, Coordinates::half_pixel, Nearest::round_prefer_floor);
        linear_case(16, 256, {32, 128, 4}, {32, 128, 4}, Coordinates::half_pixel, true);
        linear_case(16, 32, {65, 513, 513 / 65.0f}, {65, 513, 513 / 65.0f}, Coordinates::half_pixel, false);
    }
    if (wanted("depth_to_space"))
        depth_to_space_case("16x128x128x256 2x2", {16, 128, 128, 64, 256, 256, 2, 0, 0});
    if (wanted("softmax")) softmax_case(64, 1000, 1008, true), large_softmax_cases();
    if (wanted("layer_normalization")) large_layer_normalization_cases();
    if (wanted("fused_normalization")) large_fused_normalization_cases();
    if (wanted("rms_normalization")) large_rms_normalization_cases();
    if (wanted("where")) large_where_cases();
    if (wanted("masked_softmax")) large_masked_softmax_cases();
    if (wanted("max_pool")) {
        max_pool_case("64x112x112x64 3x3 /2", {64, 112, 112, 64, 56, 56, 3, 3, 1, 1, 2, 2, 1, 1});
        max_pool_case("64x112x112x64 2x2 /2", {64, 112, 112, 64, 56, 56, 2, 2, 0, 0, 2, 2, 1, 1});
        max_pool_case("64x112x112x64 2x2 /2 padded",
                      {64, 112, 112, 64, 56, 56, 2, 2, 0, 0, 2, 2, 1, 1, {1, 1, 1, 1}});
        max_pool_case("64x28x28x256 5x5", {64, 28, 28, 256, 28, 28, 5, 5, 2, 2, 1, 1, 1, 1});
        max_pool_case("1x112x112x64 3x3 /2", {1, 112, 112, 64, 56, 56, 3, 3, 1, 1, 2, 2, 1, 1});
    }
    if (wanted("global_average_pool"))
        for (auto [n, hw, c] : {std::array<int64_t, 3>{64, 49, 2048},
                                {1, 49, 2048},
                                {1024, 49, 2048},
                                {64, 112 * 112, 32},
                                {1, 112 * 112, 32}})
            global_average_pool_case(n, hw, c);
    if (wanted("pad"))
        pad_case("64x56x56x256 by 1", 64, 56, 56, 256, 1, 1, 1, 1),
            pad_case("1x56x56x64 by 1", 1, 56, 56, 64, 1, 1, 1, 1);
    if (wanted("matmul"))
        matmul_case(64, 1008, 2048), matmul_case(1, 1008, 2048), matmul_case(8, 1008, 2048),
            matmul_case(1, 1008, 1280), matmul_case(8192, 3072, 768), matmul_case(64 * 3136, 64, 256);
    if (wanted("conv")) {
        conv_case(64, 224, 224, 16, 64, 7, 7, {.stride = 2});
        conv_case(64, 56, 56, 64, 64, 3, 3);
        conv_case(64, 14, 14, 256, 256, 3, 3);
        conv_case(64, 56, 56, 256, 512, 1, 1, {.stride = 2});
        conv_case(64, 56, 56, 128, 128, 3, 3, {.group = 32});
        conv_case(64, 56, 56, 128, 128, 3, 3, {.group = 8});
        // Of ResNeXt-50, whose small groups are packed.
        for (int64_t n : {32, 1}) {
            for (int64_t side : {56, 28, 14, 7})
                conv_case(n, side, side, 7168 / side, 7168 / side, 3, 3,
                          {.group = std::min<int64_t>(448 / side, 32)});
            for (int64_t side : {56, 28, 14})
                conv_case(n, side, side, 14336 / side, 14336 / side, 3, 3,
                          {.stride = 2, .group = std::min<int64_t>(896 / side, 32)});
        }
        struct {
            int64_t side, c, size, stride;
        } depthwise[] = {{112, 32, 3, 1}, {112, 96, 3, 2}, {56, 144, 3, 1}, {56, 256, 3, 1},
                         {28, 192, 3, 1}, {14, 960, 3, 1}, {7, 960, 3, 1},  {28, 240, 5, 1},
                         {56, 144, 5, 2}, {14, 672, 5, 1}, {56, 128, 7, 1}, {112, 64, 3, 3}};
        for (auto d : depthwise)
            conv_case(64, d.side, d.side, d.c, d.c, d.size, d.size, {.stride = d.stride, .group = d.c});
        conv_case(64, 28, 28, 512, 512, 3, 3, {.dilation = 2, .group = 512});
        conv_case(1, 56, 56, 144, 144, 3, 3, {.group = 144});
    }
    if (wanted("stem")) {
        struct {
            int64_t n, side, k, size, stride;
        } stems[] = {{64, 230, 64, 7, 2}, {1, 230, 64, 7, 2},  {64, 225, 32, 3, 2}, {1, 225, 32, 3, 2},
                     {64, 226, 32, 3, 2}, {8, 644, 48, 6, 2},  {1, 644, 48, 6, 2},  {64, 226, 16, 3, 2},
                     {8, 644, 80, 6, 2},  {64, 224, 96, 4, 4}, {64, 226, 64, 3, 1}};
        for (auto c : stems)
            conv_case(c.n, c.side, c.side, 4, c.k, c.size, c.size,
                      {.stride = c.stride, .top = 0, .left = 0, .bottom = 0, .right = 0, .stem = true});
        conv_case(64, 224, 224, 4, 64, 7, 7, {.stride = 2, .stem = true});
    }
    if (wanted("stem_pool")) large_stem_pool_cases();
    if (wanted("channel_table_add")) large_channel_table_add_cases();
    if (wanted("squeeze_excitation")) large_squeeze_excitation_cases();
    if (wanted("bottleneck")) large_bottleneck_cases();
    if (wanted("inverted")) large_inverted_cases();
    if (wanted("border")) {
        enter_case({"64x3x224x224", {64, 3, 224, 224}, {0, 2, 3, 1}});
        enter_case({"1x3x224x224", {1, 3, 224, 224}, {0, 2, 3, 1}});
        enter_case({"64x3x224x224 padded by 3", {64, 3, 224, 224}, {0, 2, 3, 1}, {0, 3, 3, 0}, {0, 3, 3, 0}});
        enter_case({"64x3x224x224 padded by 3 to 4",
                    {64, 3, 224, 224},
                    {0, 2, 3, 1},
                    {0, 3, 3, 0},
                    {0, 3, 3, 0},
                    0,
                    4});
        enter_case({"1x3x224x224 padded by 3 to 4",
                    {1, 3, 224, 224},
                    {0, 2, 3, 1},
                    {0, 3, 3, 0},
                    {0, 3, 3, 0},
                    0,
                    4});
        enter_case({"64x3x224x224 padded by 1 to 4",
                    {64, 3, 224, 224},
                    {0, 2, 3, 1},
                    {0, 0, 0, 0},
                    {0, 1, 1, 0},
                    0,
                    4});
        enter_case({"8x3x640x640 padded by 2 to 4",
                    {8, 3, 640, 640},
                    {0, 2, 3, 1},
                    {0, 2, 2, 0},
                    {0, 2, 2, 0},
                    0,
                    4});
        enter_case({"64x224x224x3 channels last", {64, 224, 224, 3}, {0, 1, 2, 3}});
        for (const Crossing& crossing :
             std::vector<Crossing>{{"64x256x56x56", {64, 256, 56, 56}, {0, 2, 3, 1}},
                                   {"64x2048x7x7", {64, 2048, 7, 7}, {0, 2, 3, 1}},
                                   {"200000x768", {200000, 768}, {0, 1}},
                                   {"64x1000", {64, 1000}, {0, 1}},
                                   {"64x19x128x128", {64, 19, 128, 128}, {0, 2, 3, 1}}})
            enter_case(crossing), leave_case(crossing);
    }
}

}  // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i)
        if (std::strcmp(argv[i], "--quick") == 0)
            quick = true;
        else if (std::strcmp(argv[i], "--untimed") == 0)
            timed = false;
        else if (std::strcmp(argv[i], "--large") == 0)
            large_only = true;
        else
            chosen.insert(argv[i]);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    if (!large_only) small_cases();
    if (!quick) large_cases();
    std::printf("%d cases, %d of them wrong\n", cases, failures);
    return failures != 0 || cases == 0;
}
