#include "plan/tuning/winners.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "plan/problem/ceil_div.h"
#include "plan/tuning/search.h"

namespace qudnn::plan {

namespace {

// All kernels of cuDNN 9.19 were tried for each layer of ResNet-50, in batches of 1 and 64, on an H200:
// benchmarks/results/winners/tuning-h200.json. Tiles are those in the names of the kernels that a profiler
// shows.
constexpr Winner kHopper[] = {
    {"cudnn_conv eng4_k24=55", 64, 64},
    {"cudnn_matmul eng4_k24=9", 64, 128},
    {"cudnn_matmul eng4_k24=55", 64, 64},
    {"cudnn_conv eng4_k24=19"},
    {"cudnn_conv eng4_k24=46", 128, 64},
    {"cudnn_conv eng4_k24=0", 128, 128},
    {"cudnn_conv eng4_k24=26"},
    {"cudnn_conv eng4_k24=36"},
    {"cudnn_conv eng4_k24=41"},
    {"cudnn_matmul eng4_k24=11", 64, 256},
    {"cudnn_conv eng4_k24=9", 64, 128},
    {"cudnn_matmul eng4_k24=43"},
    {"cudnn_conv eng4_k24=10", 64, 256},
    {"cudnn_conv eng4_k24=11", 64, 256},
    {"cudnn_matmul eng4_k24=10", 64, 256},
};

// What the busiest multiprocessor does: results, also those of tiles that reach over the matrix; then lines
// of both operands that it reads.
std::pair<int64_t, int64_t> work(const Winner& winner, const Tiling& t) {
    if (winner.rows == 0) return {std::numeric_limits<int64_t>::max(), 0};
    const int64_t tiles = ceil_div(t.rows, winner.rows) * ceil_div(t.columns, winner.columns);
    const int64_t rounds = ceil_div(tiles, t.multiprocessors);
    return {rounds * winner.rows * winner.columns, rounds * (winner.rows + winner.columns)};
}

std::string_view engine_of(std::string_view kernel) { return kernel.substr(0, kernel.find(' ')); }

}  // namespace

std::span<const Winner> winners(int major) {
    if (major == 9) return kHopper;
    return {};
}

Tiling Tiling::of(const Problem& problem, int major, int multiprocessors) {
    Tiling tiling{.major = major, .multiprocessors = multiprocessors};
    std::visit(
        [&](const auto& p) {
            if constexpr (requires { p.q; })
                tiling.rows = p.n * p.z * p.p * p.q, tiling.columns = p.k;
            else if constexpr (requires { p.depthwise; })
                tiling.rows = p.n * p.p() * p.q(), tiling.columns = p.k;
            else if constexpr (requires { p.batch; })
                tiling.rows = p.m, tiling.columns = p.n;
            else
                tiling.rows = p.m, tiling.columns = p.k;
        },
        problem);
    return tiling;
}

size_t rank_of(const std::string& kernel, const Tiling& tiling) {
    const auto known = winners(tiling.major);
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Winner& winner) { return winner.kernel == kernel; });
    if (found == known.end()) return Entrant::kNoRank;
    const auto own_work = work(*found, tiling);
    size_t rank = 0;
    for (auto other = known.begin(); other != known.end(); ++other) {
        if (engine_of(other->kernel) != engine_of(found->kernel)) continue;
        const auto its_work = work(*other, tiling);
        rank += its_work < own_work || (its_work == own_work && other < found);
    }
    return rank;
}

// Measured for the 1x1 convolutions of ResNet-50, in batches of 1, 8, 64 and 256, on an H200: native_window
// took between a third of the time of cuDNN's fastest kernel and all of it.
bool own_kernels_suffice(const Problem& problem, int major) {
    constexpr int64_t kMostChannels = 2048;
    const auto* conv = std::get_if<ConvProblem>(&problem);
    if (major != 9 || conv == nullptr || conv->deep()) return false;
    const bool is_matrix = conv->r == 1 && conv->s == 1 && conv->stride_h == 1 && conv->stride_w == 1 &&
                           conv->p == conv->h && conv->q == conv->w && conv->group == 1 && conv->dense();
    return is_matrix && conv->y_type == DataType::int8 && conv->c % 16 == 0 && conv->k % 32 == 0 &&
           conv->c <= kMostChannels && conv->alignment >= kFullAlignment;
}

}  // namespace qudnn::plan
