#include "kernels/softmax/softmax.h"

#include <limits>

#include "kernels/common/gpu.h"
#include "kernels/common/launch_limits.h"
#include "kernels/softmax/softmax_tiles.cuh"

namespace qudnn::kernels {
namespace {

// Rows of any length, results of any size: a warp to a row.
constexpr int kWarps = 4;
constexpr int kChunk = 32 * 16;  // exponentials of a row at a time

// The result as x86 converts it: numbers beyond the integer's range become its lowest one.
__device__ inline int quantized(float exponential, float sum, const SoftmaxConstants& k) {
    const float rounded = divide(multiply(exponential, k.inverse_scale), sum);
    const float value = rintf(rounded);
    if (k.is_uint8) {  // through int64, of which the lower half counts
        const uint32_t integer =
            value < 9223372036854775808.0f ? static_cast<uint32_t>(static_cast<long long>(value)) : 0;
        return static_cast<int>(min(integer + static_cast<uint32_t>(k.y_zero_point), 255u)) - 128;
    }
    const int integer = value < 2147483648.0f ? static_cast<int>(value) : INT_MIN;
    return min(max(wrapping_add(integer, k.y_zero_point), -128), 127);
}

__global__ void __launch_bounds__(kWarps * 32)
    softmax_rows(int64_t rows, int64_t stride, const __grid_constant__ SoftmaxConstants k,
                 const int8_t* __restrict__ x, int8_t* __restrict__ y) {
    __shared__ float exps[256];
    __shared__ __align__(16) float chunks[kWarps][kChunk];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int i = threadIdx.x; i < 256; i += kWarps * 32) exps[i] = k.exps[i];
    __syncthreads();
    float* chunk = chunks[warp];
    for (int64_t row = int64_t{blockIdx.x} * kWarps + warp; row < rows; row += int64_t{gridDim.x} * kWarps) {
        const int8_t* source = x + row * stride;
        int8_t* target = y + row * stride;
        int maximum = 0;
        for (int64_t c = lane; c < k.channels; c += 32) maximum = max(maximum, source[c] + 128);
        for (int other = 16; other > 0; other /= 2)
            maximum = max(maximum, __shfl_xor_sync(0xFFFFFFFFu, maximum, other));
        const int shift = 255 - maximum;

        // One addition after the other, as the specification has it: every lane adds up all of them.
        float sum = 0;
        for (int64_t first = 0; first < k.channels; first += kChunk) {
            const int size = static_cast<int>(min(k.channels - first, int64_t{kChunk}));
            for (int i = lane; i < kChunk; i += 32)
                chunk[i] = i < size ? exps[source[first + i] + 128 + shift] : 0;
            __syncwarp();
            for (int i = 0; i < size; i += 4) {  // beyond the end: + 0, which changes nothing
                const float4 four = *reinterpret_cast<const float4*>(chunk + i);
                sum = plus(plus(plus(plus(sum, four.x), four.y), four.z), four.w);
            }
            __syncwarp();
        }
        for (int64_t c = lane; c < stride; c += 32) {
            const int8_t value = source[c];
            target[c] =
                c < k.channels ? static_cast<int8_t>(quantized(exps[value + 128 + shift], sum, k)) : value;
        }
    }
}

template <int kRows>
cudaError_t launch_tiles(const Tiles& g, int warps, const Gpu& gpu, const SoftmaxConstants& constants,
                         const int8_t* x, int8_t* y, cudaStream_t stream) {
    const cudaError_t status = allow_shared_memory(softmax_tiles<kRows>, gpu.shared_bytes);
    if (status != cudaSuccess) return status;
    const int bytes = kTableWords * 4 + warps * kRows * g.pitch * 16;
    const int64_t blocks = std::min<int64_t>(ceil_div(g.rows, kRows * warps), 2 * gpu.multiprocessors);
    softmax_tiles<kRows><<<static_cast<unsigned>(blocks), warps * 32, bytes, stream>>>(g, constants, x, y);
    return cudaGetLastError();
}

constexpr int kMany = 32, kFew = 8;  // rows of a tile
constexpr int64_t kLongest = 1 << 14;

int64_t row_pitch(int64_t stride) { return ceil_div(stride, 16) | 1; }

// The warps whose tiles of so many rows a block has room for.
int64_t room_for_warps(const Gpu& gpu, int tile_rows, int64_t pitch) {
    return (gpu.shared_bytes - kTableWords * 4) / (int64_t{16} * tile_rows * pitch);
}

// Of what softmax_tiles_refusal() does not refuse.
cudaError_t run_tiles(int64_t rows, int64_t stride, const SoftmaxConstants& constants, const int8_t* x,
                      int8_t* y, cudaStream_t stream) {
    const Gpu& gpu = current_gpu();
    const bool vectors = stride % 16 == 0 && aligned(x, 16) && aligned(y, 16);
    const int64_t row_vectors = ceil_div(constants.channels, 16);
    const Tiles g{.rows = rows,
                  .stride = static_cast<int>(stride),
                  .channels = static_cast<int>(constants.channels),
                  .pitch = static_cast<int>(row_pitch(stride)),
                  .row_vectors = static_cast<int>(row_vectors),
                  .row = Divisor<uint32_t>(vectors ? stride / 16 : stride),
                  .vectors = Divisor<uint32_t>(row_vectors),
                  .aligned = vectors,
                  .inverse_scale = constants.inverse_scale,
                  .shift = zero_shift(constants)};
    // As many warps to a block as have room, but no more than give every multiprocessor one.
    const auto warps = [&](int tile_rows) {
        const int64_t room = room_for_warps(gpu, tile_rows, g.pitch);
        const int64_t each = ceil_div(rows, int64_t{tile_rows} * gpu.multiprocessors);
        return static_cast<int>(std::min({room, each, int64_t{kMaxTileWarps}}));
    };
    constexpr int kEnoughWarps = 4;
    if (warps(kMany) >= kEnoughWarps)
        return launch_tiles<kMany>(g, warps(kMany), gpu, constants, x, y, stream);
    return launch_tiles<kFew>(g, warps(kFew), gpu, constants, x, y, stream);
}

}  // namespace

std::string softmax_tiles_refusal(int64_t stride, const SoftmaxConstants& constants) {
    if (!has_small_results(constants)) return kLargeResults;
    if (stride > kLongest) return "rows longer than " + std::to_string(kLongest);
    if (room_for_warps(current_gpu(), kFew, row_pitch(stride)) < 1) return "rows too long for shared memory";
    return {};
}

SoftmaxConstants softmax_constants(int64_t channels, float x_scale, float y_scale, int y_zero_point,
                                   bool is_uint8) {
    SoftmaxConstants k{};
    k.inverse_scale = std::floor(1.0f / y_scale);
    k.y_zero_point = y_zero_point;
    k.is_uint8 = is_uint8;
    k.channels = channels;
    // The largest exponential: the largest float / channels, less a factor of e^5 to be on the safe side.
    const double largest = std::log(std::numeric_limits<float>::max() / static_cast<float>(channels));
    const double scale = x_scale, shift = std::max(0.0, largest - 5) / scale;
    for (int i = 0; i < 256; ++i)
        k.exps[i] = static_cast<float>(std::exp((static_cast<double>(i) - 255 + shift) * scale));
    return k;
}

cudaError_t softmax(int64_t rows, int64_t stride, const SoftmaxConstants& constants, const int8_t* x,
                    int8_t* y, cudaStream_t stream) {
    if (rows * stride == 0) return cudaSuccess;
    if (softmax_tiles_refusal(stride, constants).empty())
        return run_tiles(rows, stride, constants, x, y, stream);
    return launch(softmax_rows, ceil_div(rows, kWarps), kWarps * 32, stream, rows, stride, constants, x, y);
}

}  // namespace qudnn::kernels
