#include "kernels/image/squeeze_excitation.h"

#include <bit>
#include <tuple>

#include "kernels/common/launch_limits.h"
#include "kernels/common/refusal.h"
#include "kernels/image/squeeze_excitation.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kMostExciteBlocks = 8;               // of a cluster on every GPU that has them
constexpr int64_t kMostPixels = 1 << 23;           // so that sums stay within int32
constexpr int kMostKeptWeights = 48 << 10;         // bytes: more are read from where they are
constexpr int64_t kMostValues = int64_t{1} << 18;  // of a block where others have nothing to do

// Microseconds, about, of a kernel's steps on an H200.
constexpr double kOfBlock = 2.5;                 // what no number of blocks makes shorter
constexpr double kOfCluster = 0.4;               // its barrier
constexpr double kOfParts = 0.6;                 // one more
constexpr double kOfRound = 0.3;                 // reads, adds up and multiplies
constexpr double kOfRereading = 0.1;             // what is not kept
constexpr double kOfWeights = 1.0 / (64 << 10);  // of a byte

int log_of(int64_t value) { return std::bit_width(static_cast<uint64_t>(value)) - 1; }

// The logarithm of how many lanes share an output that is a sum over `vectors`: there are no more threads
// than there are, nor lanes of a warp.
int log_lanes(int64_t outputs, int64_t vectors) {
    return log_of(std::min<int64_t>({32, vectors, std::max<int64_t>(1, kExciteThreads / outputs)}));
}

ExciteCut cut_into(const SqueezeExcitation& s, int slices, int parts) {
    const auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    const int64_t vectors = s.c / 16, slice_vectors = ceil_div(vectors, slices);
    return {.hw = narrowed(s.hw),
            .vectors = narrowed(vectors),
            .k = narrowed(s.k),
            .slices = slices,
            .parts = parts,
            .log_slices = log_of(slices),
            .log_parts = log_of(parts),
            .slices_in_use = narrowed(ceil_div(vectors, slice_vectors)),
            .slice_vectors = narrowed(slice_vectors),
            .part_pixels = narrowed(ceil_div(s.hw, parts)),
            .squeeze_log_lanes = log_lanes(ceil_div(s.k, parts), slice_vectors),
            .excite_log_lanes = log_lanes(slice_vectors * 16, s.k / 16),
            .keeps_weights = 2 * slice_vectors * 16 * s.k <= kMostKeptWeights,
            .keeps_x = true};
}

double microseconds(const SqueezeExcitation& s, const ExciteCut& cut, const Gpu& gpu) {
    const int64_t room = gpu.shared_bytes + 1024, bytes = ExcitePlaces(cut).bytes + 1024;
    const int64_t resident = std::clamp<int64_t>(room / bytes, 1, 2), blocks = s.n * cut.blocks();
    const double round = kOfRound + (cut.keeps_x ? 0 : kOfRereading);
    const double work = ExciteCut::rounds(cut.slice_vectors, cut.part_pixels) * round +
                        2.0 * cut.slice_vectors * 16 * cut.k * kOfWeights;
    const double waiting = kOfBlock + (cut.blocks() > 1 ? kOfCluster : 0) + (cut.parts > 1 ? kOfParts : 0);
    return static_cast<double>(ceil_div(blocks, gpu.multiprocessors * resident)) * waiting +
           static_cast<double>(ceil_div(blocks, gpu.multiprocessors)) * work;
}

// The cut that is likely to be the fastest; of 0 slices where none fits.
ExciteCut search_cut(const SqueezeExcitation& s, const Gpu& gpu) {
    const int most = gpu.major >= 9 ? kMostExciteBlocks : 1;
    ExciteCut best{};
    double least = 0;
    for (int blocks = 1; blocks <= most; blocks *= 2)
        for (int slices = 1; slices <= blocks; slices *= 2) {
            if (slices > 1 && s.c < slices * 32) continue;  // 32 bytes of a pixel are read at once
            if (ceil_div(s.c / 16, slices) > kExciteQuads) continue;
            ExciteCut cut = cut_into(s, slices, blocks / slices);
            cut.keeps_x = ExcitePlaces(cut).bytes <= gpu.shared_bytes;
            if (ExcitePlaces(cut).bytes > gpu.shared_bytes) continue;
            const double time = microseconds(s, cut, gpu);
            if (best.slices == 0 || time < least) best = cut, least = time;
        }
    return best;
}

// The same, searched for once.
ExciteCut cut_for(const SqueezeExcitation& s, const Gpu& gpu) {
    ExciteCut cut{};
    once_in_thread(std::tuple(s.n, s.hw, s.c, s.k, gpu.major, gpu.multiprocessors, gpu.shared_bytes), cut,
                   [&](ExciteCut& found) {
                       found = search_cut(s, gpu);
                       return cudaSuccess;
                   });
    return cut;
}

}  // namespace

std::string squeeze_excitation_refusal(const SqueezeExcitation& s) {
    if (s.c % 16 != 0 || s.k % 16 != 0) return "channels not in sixteens";
    if (s.n < 1 || s.hw < 1 || s.c < 1 || s.k < 1) return "nothing to compute";
    if (s.hw > kMostPixels) return "more than 2^23 pixels";
    if (!narrow(s.hw * (s.c / 16)) || !narrow(s.c * s.k) || !narrow(s.n * kMostExciteBlocks))
        return "too many values";
    if (!(GateProduct(s.product).bound() < GateProduct::kMostProduct))
        return "scales whose products may be too large";
    const Gpu& gpu = current_gpu();
    const ExciteCut cut = cut_for(s, gpu);
    if (cut.slices == 0) return "more channels than fit shared memory";
    const int64_t values = int64_t{cut.slice_vectors} * 16 * cut.part_pixels;
    if (values > kMostValues && s.n * cut.blocks() < gpu.multiprocessors)
        return "few large images: more blocks than share one take less time";
    return "";
}

cudaError_t squeeze_excitation(const SqueezeExcitation& s, const int8_t* x, const Excitation& squeeze,
                               const Excitation& excite, int8_t* y, cudaStream_t stream) {
    for (const void* pointer : {static_cast<const void*>(x), static_cast<const void*>(y)})
        if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    for (const Excitation* e : {&squeeze, &excite})
        for (const void* pointer :
             {static_cast<const void*>(e->w), static_cast<const void*>(e->epilogue.bias),
              static_cast<const void*>(e->epilogue.multiplier), static_cast<const void*>(e->epilogue.table)})
            if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    const Gpu& gpu = current_gpu();
    const ExciteCut cut = cut_for(s, gpu);
    if (cut.slices == 0) return cudaErrorInvalidConfiguration;
    const ExciteKernel kernel{
        .cut = cut,
        .at = ExcitePlaces(cut),
        .mean_offset = static_cast<int32_t>(-s.x_zero_point * s.hw),
        .mean_scale = divide(s.x_scale, multiply(s.mean_scale, static_cast<float>(s.hw))),
        .mean_range = OutputRange(s.mean_zero_point),
        .layers = {ExciteLayer(squeeze), ExciteLayer(excite)},
        .product = GateProduct(s.product)};
    const cudaError_t status = allow_shared_memory(squeeze_excitation_kernel, gpu.shared_bytes);
    if (status != cudaSuccess) return status;
    const auto* const from = reinterpret_cast<const uint4*>(x);
    auto* const to = reinterpret_cast<uint4*>(y);
    const auto bytes = static_cast<size_t>(ExcitePlaces(cut).bytes);
    const int64_t blocks = s.n * cut.blocks();
    if (gpu.major < 9)
        return launch_with(squeeze_excitation_kernel, blocks, kExciteThreads, bytes, stream, kernel, from,
                           to);
    return launch_dependent_clusters(squeeze_excitation_kernel, static_cast<unsigned>(cut.blocks()),
                                     static_cast<unsigned>(blocks), kExciteThreads, bytes, stream, kernel,
                                     from, to);
}

}  // namespace qudnn::kernels
