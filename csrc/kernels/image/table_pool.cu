#include "kernels/image/table_pool.h"

#include "kernels/common/common.cuh"
#include "kernels/image/global_mean.cuh"

namespace qudnn::kernels {
namespace {

// A sector of each pixel to a block.
constexpr int kChannels = kMeanChannels, kSums = kMeanSums;

struct TableMean {
    int64_t n, hw, c;
    const float* table;
    int64_t row;  // of the table, from a channel's to the next channel's

    TableMean(int64_t images, int64_t size, int64_t channels, const FloatTable& t)
        : n(images), hw(size), c(channels), table(t.values), row(t.per_channel ? 256 : 0) {}
};

template <typename To>
__global__ void __launch_bounds__(kChannels* kSums)
    table_pool(const __grid_constant__ TableMean k, const __grid_constant__ To to, int64_t blocks_per_image,
               const int8_t* __restrict__ x, typename To::Type* __restrict__ y) {
    __shared__ float common[256];
    if (k.row == 0) {
        for (int i = threadIdx.y * kChannels + threadIdx.x; i < 256; i += kChannels * kSums)
            common[i] = k.table[i];
        __syncthreads();
    }
    for (int64_t block = blockIdx.x; block < k.n * blocks_per_image; block += gridDim.x) {
        const int64_t image = block / blocks_per_image;
        const int64_t channel = (block - image * blocks_per_image) * kChannels + threadIdx.x;
        const int8_t* const pixels = x + image * k.hw * k.c + channel;
        const float* const table = k.row == 0 ? common : k.table + channel * k.row;
        const auto real = [&](int64_t pixel) { return table[pixels[pixel * k.c] + 128]; };
        const float mean = global_mean(k.hw, channel < k.c, real);
        if (threadIdx.y == 0 && channel < k.c) y[image * k.c + channel] = to(mean);
    }
}

template <typename To>
cudaError_t launch_table_pool(const TableMean& k, const To& to, const int8_t* x, typename To::Type* y,
                              cudaStream_t stream) {
    if (k.n * k.c == 0) return cudaSuccess;
    const int64_t blocks_per_image = ceil_div(k.c, kChannels);
    return launch(table_pool<To>, k.n * blocks_per_image, dim3(kChannels, kSums), stream, k, to,
                  blocks_per_image, x, y);
}

}  // namespace

cudaError_t table_global_average_pool(int64_t n, int64_t hw, int64_t c, FloatTable table, float y_scale,
                                      int y_zero_point, const int8_t* x, int8_t* y, cudaStream_t stream) {
    return launch_table_pool({n, hw, c, table}, MeanToInt8{y_scale, OutputRange(y_zero_point)}, x, y, stream);
}

cudaError_t table_global_average_pool_to_float(int64_t n, int64_t hw, int64_t c, FloatTable table,
                                               const int8_t* x, float* y, cudaStream_t stream) {
    return launch_table_pool({n, hw, c, table}, MeanToFloat{}, x, y, stream);
}

}  // namespace qudnn::kernels
