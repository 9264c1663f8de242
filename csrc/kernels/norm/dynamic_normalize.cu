#include "kernels/norm/dynamic_normalize.h"

#include "kernels/norm/dynamic_normalize.cuh"
#include "kernels/norm/float_rows.cuh"
#include "kernels/norm/normalize_to_island.cuh"

namespace qudnn::kernels {
namespace {

// Rows of the whole tensor, as one that enters an island.
BorderGeometry entering(const ToIslandGeometry& g) {
    return {.rank = 2,
            .inside = {g.rows, g.q_stride},
            .before = {},
            .extent = {g.rows, g.channels},
            .outside_stride = {g.channels, 1}};
}

template <typename Source>
cudaError_t normalize(const ToIslandGeometry& g, float epsilon, const Source& source, const float* gamma,
                      const float* beta, int8_t* q, const FloatResults& results, const DynamicEpilogue& to,
                      cudaStream_t stream) {
    const Gpu& gpu = current_gpu();
    const auto wide = [](const void* pointer) { return aligned(pointer, sizeof(float4)); };  // null too
    const bool vectors = source.vectors() && aligned(q, 4) && wide(gamma) && wide(beta) && wide(results.y) &&
                         wide(results.total);
    if (dynamic_normalize_refusal(g).empty() && vectors && g.rows > 0)
        return with_steps(g.channels, [&](auto steps) {
            const NormalizingGrid<steps> grid(gpu, g.rows);
            const DynamicRows rows{g.rows,
                                   static_cast<int>(g.channels),
                                   static_cast<int>(g.q_stride),
                                   static_cast<int>(grid.slots),
                                   epsilon,
                                   1.0 / static_cast<double>(g.channels),
                                   gamma,
                                   beta,
                                   q,
                                   results.y,
                                   results.total};
            return launch_cooperative(gpu, normalize_dynamically<steps, Source>, grid.blocks,
                                      static_cast<int>(grid.warps * 32), grid.bytes(), stream, rows, source,
                                      to);
        });
    if (results.y == nullptr && g.rows > 0) return cudaErrorInvalidValue;
    // q is written twice: at first with some scale, which is not known before there is y.
    const cudaError_t status =
        launch_to_island(g, {1.0f, 0, epsilon}, source, gamma, beta, q, results, stream);
    if (status != cudaSuccess) return status;
    return dynamic_quantize_to_island(entering(g), g.rows * g.channels, results.y, q, to, stream);
}

}  // namespace

std::string dynamic_normalize_refusal(const ToIslandGeometry& g) {
    if (g.channels < kLanes) return "fewer than " + std::to_string(kLanes) + " channels";
    if (g.channels > kMostKept) return "more than " + std::to_string(kMostKept) + " channels";
    if (g.channels % 4 != 0 || g.q_stride % 4 != 0) return "channels not in fours";
    if (!narrow(g.q_stride)) return "rows beyond 31 bits";
    if (!current_gpu().cooperative) return "needs a GPU whose blocks can wait for each other";
    return {};
}

cudaError_t dynamic_layer_normalization_to_island(const ToIslandGeometry& g, float epsilon, const float* x,
                                                  const float* gamma, const float* beta, int8_t* q,
                                                  const FloatResults& results, const DynamicEpilogue& to,
                                                  cudaStream_t stream) {
    const Floats source{x, static_cast<int>(g.channels)};
    return normalize(g, epsilon, source, gamma, beta, q, results, to, stream);
}

cudaError_t dynamic_add_layer_normalization_to_island(const ToIslandGeometry& g, float epsilon,
                                                      const float* a, const float* b, const float* gamma,
                                                      const float* beta, int8_t* q,
                                                      const FloatResults& results, const DynamicEpilogue& to,
                                                      cudaStream_t stream) {
    const int channels = static_cast<int>(g.channels);
    return normalize(g, epsilon, FloatSum{{a, channels}, {b, channels}}, gamma, beta, q, results, to, stream);
}

bool needs_y(const ToIslandGeometry& g) {
    if (!dynamic_normalize_refusal(g).empty()) return true;
    const Gpu& gpu = current_gpu();
    return with_steps(g.channels, [&](auto steps) {
        const NormalizingGrid<steps> grid(gpu, g.rows);
        return grid.rows > grid.slots;
    });
}

}  // namespace qudnn::kernels
