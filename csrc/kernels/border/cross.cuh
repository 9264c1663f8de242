// Chooses the kernel of border.cuh that carries a tensor across the border.
#pragma once

#include "kernels/border/border_tiles.cuh"

namespace qudnn::kernels {

inline bool full(const BorderGeometry& g, int d) { return g.before[d] == 0 && g.extent[d] == g.inside[d]; }

// The same transfer with the fewest dims: dims of 1 are dropped, neighbours that are contiguous on both sides
// are merged. Channels, the last dim, merge only into a dim without padding, and stay apart otherwise.
inline BorderGeometry simplified(const BorderGeometry& g) {
    BorderGeometry out{};
    for (int d = 0; d < g.rank; ++d) {
        const bool channels = d == g.rank - 1;
        if (!channels && g.inside[d] == 1 && full(g, d)) continue;
        const int last = out.rank - 1;
        if (out.rank > 0 && full(g, d) && out.outside_stride[last] == g.outside_stride[d] * g.inside[d] &&
            (!channels || full(out, last))) {
            out.inside[last] *= g.inside[d];
            out.before[last] *= g.inside[d];
            out.extent[last] *= g.inside[d];
            out.outside_stride[last] = g.outside_stride[d];
            continue;
        }
        out.inside[out.rank] = g.inside[d];
        out.before[out.rank] = g.before[d];
        out.extent[out.rank] = g.extent[d];
        out.outside_stride[out.rank] = g.outside_stride[d];
        ++out.rank;
    }
    return out;
}

// g's dims as three of pixels, filled up in front, and channels.
inline Border as_border(const BorderGeometry& g) {
    const int channels = g.rank - 1;
    Border b{{1, 1, 1},
             {0, 0, 0},
             {1, 1, 1},
             {0, 0, 0},
             g.inside[channels],
             g.extent[channels],
             g.outside_stride[channels]};
    for (int d = 0; d < channels; ++d) {
        const int to = 3 - channels + d;
        b.inside[to] = g.inside[d];
        b.before[to] = g.before[d];
        b.extent[to] = g.extent[d];
        b.stride[to] = g.outside_stride[d];
    }
    return b;
}

// Whether every row of pixels begins at a multiple of `elements` in the outside tensor.
inline bool strides_divisible(const Border& b, int dims, int64_t elements) {
    for (int d = 0; d < dims; ++d)
        if (b.stride[d] % elements != 0) return false;
    return true;
}

template <typename Convert>
cudaError_t run_rows(const Border& b, const Convert& convert, OutsidePointer<Convert> outside,
                     InsidePointer<Convert> inside, cudaStream_t stream) {
    constexpr int kUnit = 16 / sizeof(typename Convert::Outside);
    const bool vector = b.channels % kUnit == 0 && b.channels_inside % kUnit == 0 &&
                        strides_divisible(b, 3, kUnit) && aligned(outside, 16) && aligned(inside, kUnit);
    const int64_t count = b.inside[0] * b.inside[1] * b.inside[2] * b.channels_inside / (vector ? kUnit : 1);
    const int64_t blocks = ceil_div(count, kThreads * 4);
    auto run = [&](auto kernel, auto index) {
        return launch(kernel, blocks, kThreads, stream, static_cast<decltype(index)>(count), b, convert,
                      outside, inside);
    };
    if (!narrow(count))
        return vector ? run(rows_kernel<Convert, uint64_t, true>, uint64_t{})
                      : run(rows_kernel<Convert, uint64_t, false>, uint64_t{});
    return vector ? run(rows_kernel<Convert, uint32_t, true>, uint32_t{})
                  : run(rows_kernel<Convert, uint32_t, false>, uint32_t{});
}

template <typename Convert, int kQuads, int kWords>
cudaError_t run_segments(const Border& b, const Convert& convert, OutsidePointer<Convert> outside,
                         InsidePointer<Convert> inside, cudaStream_t stream) {
    const int64_t count = b.inside[0] * b.inside[1] * ceil_div(b.inside[2], kSegment<kQuads>);
    auto run = [&](auto kernel, auto index) {
        return launch(kernel, ceil_div(count, kThreads / 32), kThreads, stream,
                      static_cast<decltype(index)>(count), b, convert, outside, inside);
    };
    return narrow(count * kSegment<kQuads>)
               ? run(segments_kernel<Convert, uint32_t, kQuads, kWords>, uint32_t{})
               : run(segments_kernel<Convert, uint64_t, kQuads, kWords>, uint64_t{});
}

template <typename Convert>
cudaError_t cross(const BorderGeometry& geometry, const Convert& convert, OutsidePointer<Convert> outside,
                  InsidePointer<Convert> inside, cudaStream_t stream) {
    if (geometry.rank < 1 || geometry.rank > kMaxBorderRank) return cudaErrorInvalidValue;
    int64_t count = 1;
    for (int d = 0; d < geometry.rank; ++d) count *= geometry.inside[d];
    if (count == 0) return cudaSuccess;

    const BorderGeometry g = simplified(geometry);
    if (g.rank <= 4 && g.before[g.rank - 1] == 0) {
        const Border b = as_border(g);
        const bool channels_last = b.channel_stride == 1;
        const bool vectors = b.channels_inside % 16 == 0 && aligned(inside, 16);
        if (b.channels_inside == 4 && b.channels <= 4 && aligned(inside, 4))
            return run_segments<Convert, 1, 1>(b, convert, outside, inside, stream);
        if (vectors && b.channels_inside == 16 && b.channels <= 4)
            return run_segments<Convert, 1, 4>(b, convert, outside, inside, stream);
        if (vectors && b.channels_inside == 16 && b.channels <= 16 && !(channels_last && b.channels == 16))
            return run_segments<Convert, 4, 4>(b, convert, outside, inside, stream);
        if (channels_last) return run_rows(b, convert, outside, inside, stream);
        const int64_t tiles = b.inside[0] * b.inside[1] * ceil_div(b.inside[2], kBorderTile) *
                              ceil_div(b.channels_inside, kBorderTile);
        if (vectors && b.stride[2] == 1 && narrow(tiles)) {
            const bool vector = b.before[2] == 0 && b.channel_stride % 4 == 0 && strides_divisible(b, 2, 4) &&
                                aligned(outside, 4 * sizeof(*outside));
            return launch(tiles_kernel<Convert>, tiles, kThreads, stream, static_cast<uint32_t>(tiles), b,
                          vector, convert, outside, inside);
        }
    }
    return launch(elements_kernel<Convert>, ceil_div(count, kThreads), kThreads, stream, count, g, convert,
                  outside, inside);
}

}  // namespace qudnn::kernels
