// Bringing the image of stem_pool.cuh to shared memory: rows of 8-bit pixels of 4 channels, in the form of
// the mmas' operand.
//
// A chunk is 4 pixels, 16 bytes: half of what a filter's row sees of the image. Window m of the pool has two
// pixels of a row of the convolution, at 2 m and 2 m + 1, whose first chunks begin 4 m and 4 m + 2 pixels
// after the strip's first; their second ones are the first ones of window m + 1. Place (i, t, b) of a row, of
// 8 chunks for each i, holds the chunk of window 14 t + i for pixel b: the mmas' columns 8 i + 2 t + b, a
// lane's windows side by side. So a column's second chunk is at the same place of the next i.
#pragma once

#include <cuda_fp16.h>

#include "kernels/common/float_divisor.cuh"
#include "kernels/conv/stem_pool_rows.cuh"

namespace qudnn::kernels {

// --- Images: what a lane loads of 4 pixels, and their words. Pixels that are not there are the zero point.

// float32 or float16, [N, 3, H, W], to be quantized: saturate(rint(x / scale) + zero_point), NaN gives -128.
// kRounds: float32 that is rounded to float16 first.
template <typename T, bool kRounds = false>
struct RealImage {
    using Vector = std::conditional_t<sizeof(T) == 4, uint4, uint2>;
    struct Pixels {
        Vector channels[3];
    };
    static constexpr int kPlanes = 3, kPixelBytes = sizeof(T);

    const T* x;
    IntegerDivisor scale;
    float low, high;  // dividends of the least and the largest result
    uint32_t start;   // of a pixel's bytes

    RealImage(const T* x, float scale, int zero_point)
        : x(x),
          scale(scale),
          low(static_cast<float>(-128 - zero_point) * scale),
          high(static_cast<float>(127 - zero_point) * scale),
          // 128 more, so that no byte is negative, without what rounded_bits() adds to three of them.
          start(static_cast<uint32_t>(zero_point + 128) * 0x01010101u - kSumOrigin * 0x010101u) {}

    static bool takes(float scale) { return IntegerDivisor::takes(scale); }

    __device__ static Pixels load(const T* at, int64_t plane, bool there) {
        Pixels pixels{};
        if (there) {
#pragma unroll
            for (int c = 0; c < 3; ++c) pixels.channels[c] = *reinterpret_cast<const Vector*>(at + c * plane);
        }
        return pixels;
    }

    __device__ void quantize(const Pixels& pixels, uint32_t (&words)[4]) const {
        float values[3][4];
#pragma unroll
        for (int c = 0; c < 3; ++c) expand(pixels.channels[c], values[c]);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            uint32_t sum = start;  // and the channels, with their places' weights
#pragma unroll
            for (int c = 0; c < 3; ++c) sum += round(values[c][i]) << (8 * c);
            words[i] = sum ^ kByteBias;
        }
    }

  private:
    // kSumOrigin + the rounded quotient, clamped: beyond the bounds dividends are those of the bounds.
    __device__ uint32_t round(float x) const {
        return round_to_byte(scale.quotient(fminf(fmaxf(x, low), high)));  // NaN becomes the least
    }
    __device__ static void expand(const uint4& v, float (&to)[4]) {
        to[0] = __uint_as_float(v.x), to[1] = __uint_as_float(v.y);
        to[2] = __uint_as_float(v.z), to[3] = __uint_as_float(v.w);
        if constexpr (kRounds) widen(__floats2half2_rn(to[0], to[1]), __floats2half2_rn(to[2], to[3]), to);
    }
    __device__ static void expand(const uint2& v, float (&to)[4]) {
        widen(reinterpret_cast<const __half2&>(v.x), reinterpret_cast<const __half2&>(v.y), to);
    }
    __device__ static void widen(const __half2& a, const __half2& b, float (&to)[4]) {
        const float2 first = __half22float2(a), second = __half22float2(b);
        to[0] = first.x, to[1] = first.y, to[2] = second.x, to[3] = second.y;
    }
};

// int8, [N, H, W, 4].
struct QuantizedImage {
    struct Pixels {
        uint4 words;
    };
    static constexpr int kPlanes = 1, kPixelBytes = 4;

    const int8_t* x;
    uint32_t fill;

    QuantizedImage(const int8_t* x, int zero_point) : x(x), fill(splat(zero_point)) {}

    __device__ Pixels load(const int8_t* at, int64_t, bool there) const {
        if (there) return {*reinterpret_cast<const uint4*>(at)};
        return {{fill, fill, fill, fill}};
    }
    __device__ void quantize(const Pixels& pixels, uint32_t (&words)[4]) const {
        words[0] = pixels.words.x, words[1] = pixels.words.y;
        words[2] = pixels.words.z, words[3] = pixels.words.w;
    }
};

// --- A warp's rows of the image: one of each group, one group after another, for a block's rows of windows.

constexpr int kLaneChunks = 31;   // of a warp's, twice for a row; the last lane only serves its neighbour
constexpr int kFetchedAhead = 2;  // groups, to the second level cache

template <typename Image>
class ImageRows {
    using Element = std::remove_const_t<std::remove_pointer_t<decltype(Image::x)>>;
    static constexpr int kElements = Image::kPlanes == 1 ? 4 : 1;  // of a pixel, in a plane
    static constexpr int kLinePixels = 128 / Image::kPixelBytes;
    static constexpr int kLines = (2 * kLaneChunks * 4 + kLinePixels - 1) / kLinePixels;

  public:
    using Pixels = typename Image::Pixels;

    __device__ ImageRows(const StemPool& g, const Image& image, int row, int end)
        : g_(g), image_(image), row_(row), end_(end) {
        begin();
    }

    __device__ bool done() const { return left_ == 0; }

    // Turns to the next group.
    __device__ void next() {
        h_ += kGroupRows, at_ += step();
        if (--left_ == 0 && row_ < end_)
            begin();
        else
            fetch(kFetchedAhead);
    }

    // The lane's chunk of one of the two parts of the row.
    __device__ Pixels load(int part) const {
        return image_.load(at_ + part * (kLaneChunks * 4 * kElements), plane(),
                           (there_ >> part & 1) != 0 && inside(h_));
    }

  private:
    __device__ int64_t plane() const { return static_cast<int64_t>(g_.h) * g_.w * kElements; }
    __device__ int64_t step() const { return static_cast<int64_t>(kGroupRows * kElements) * g_.w; }
    __device__ bool inside(int h) const { return static_cast<unsigned>(h) < static_cast<unsigned>(g_.h); }

    // Turns to the strip of row_.
    __device__ void begin() {
        const StripRows rows(g_, row_, end_);
        const int n = rows.strip / g_.strips, strip = rows.strip - n * g_.strips;
        const int lane = static_cast<int>(threadIdx.x) % 32;
        row_ += rows.count();
        left_ = rows.groups();
        h_ = rows.start() * kGroupRows - g_.pad_top + static_cast<int>(threadIdx.x) / 32;
        const int chunk = strip * kStripStep - g_.chunks_before;
        const int w = max(chunk * 4 + lane % kLines * kLinePixels, 0);
        there_ = lane < Image::kPlanes * kLines && w < g_.w ? 4 : 0;
#pragma unroll
        for (int part = 0; part < 2; ++part)
            if (static_cast<unsigned>(chunk + lane + part * kLaneChunks) < static_cast<unsigned>(g_.w / 4))
                there_ |= 1 << part;
        at_ =
            image_.x + (((n * int64_t{Image::kPlanes} * g_.h + h_) * g_.w) + (chunk + lane) * 4) * kElements;
        line_ = lane / kLines * static_cast<int>(plane()) + (w - (chunk + lane) * 4) * kElements;
#pragma unroll
        for (int ahead = 0; ahead <= kFetchedAhead; ++ahead) fetch(ahead);
    }

    // Fetches a row, each lane a line of it.
    __device__ void fetch(int ahead) const {
        if ((there_ & 4) != 0 && ahead < left_ && inside(h_ + ahead * kGroupRows))
            fetch_line(at_ + line_ + ahead * step());
    }

    const StemPool& g_;
    const Image& image_;
    const Element* at_;  // the lane's chunk of the first part
    int line_;           // elements from there to the line that the lane fetches
    int there_;          // bits 0 and 1: the chunks, 2: the line
    int row_, end_;
    int left_, h_;
};

// Where a lane writes the chunks that begin in its 4 pixels, of one of the two parts of a row.
class ChunkPlaces {
  public:
    // A window's chunks begin 2 pixels apart, at `shift` and 2 more. Where that is a chunk more, the second
    // is that of the window before.
    __device__ ChunkPlaces(const StemPool& g, int part) {
        const int lane = static_cast<int>(threadIdx.x) % 32, window = part * kLaneChunks + lane;
        const bool over = g.shift >= 2, serves = lane == kLaneChunks;
        set(0, serves ? -1 : window - over, over);
        set(1, serves ? -1 : window, !over);
    }

    template <bool kOdd>
    __device__ __forceinline__ void write(const uint32_t (&words)[4], uint32_t* row) const {
        uint32_t v[7];
#pragma unroll
        for (int i = 0; i < 4; ++i) v[i] = words[i];
#pragma unroll
        for (int i = 0; i < 3; ++i) v[4 + i] = kOdd || i < 2 ? __shfl_down_sync(~0u, words[i], 1) : 0;
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            const uint4 chunk{v[kOdd + 2 * i], v[kOdd + 2 * i + 1], v[kOdd + 2 * i + 2], v[kOdd + 2 * i + 3]};
            uint32_t* place = row + place_[i];
            *reinterpret_cast<uint4*>(place) = chunk;
            // The lane before has it behind its last window.
            if ((again_ >> i & 1) != 0) *reinterpret_cast<uint4*>(place + kAgain) = chunk;
        }
    }

  private:
    static constexpr int kAgain = kLaneWindows * kPlaceWords - 8;
    static constexpr int kUnread = kLaneWindows * kPlaceWords + 32;  // words of a row

    __device__ void set(int i, int m, int b) {
        const bool used = m >= 0 && m < kStripWindows, last = m == kStripWindows;
        if (m > 0 && m < kStripWindows && m % kLaneWindows == 0) again_ |= 1 << i;
        place_[i] = used || last ? m % kLaneWindows * kPlaceWords + m / kLaneWindows * 8 + b * 4 : kUnread;
        // This window is behind the strip's last one only.
        if (last) place_[i] += kAgain;
    }

    int place_[2];
    int again_ = 0;  // bits
};

// Brings the image, one warp a row of each group.
template <bool kOdd, typename Image>
__device__ __forceinline__ void bring_image(const StemPool& g, const Image& image, PoolShared& shared,
                                            int row, int end) {
    const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
    const ChunkPlaces first_places(g, 0), second_places(g, 1);
    ImageRows<Image> rows(g, image, row, end);
    typename Image::Pixels first = rows.load(0);
    for (GroupPlace place; !rows.done(); place.next()) {
        const typename Image::Pixels second = rows.load(1);
        uint32_t* const target = shared.groups[place.slot] + warp * kRowWords;
        uint32_t words[4];
        wait_for(shared_address(&shared.empty[place.slot]), place.parity ^ 1);
        image.quantize(first, words);
        first_places.write<kOdd>(words, target);
        rows.next();
        if (!rows.done()) first = rows.load(0);
        image.quantize(second, words);
        second_places.write<kOdd>(words, target);
        publish_writes();
        __syncwarp();
        if (lane == 0) arrive(shared_address(&shared.full[place.slot]));
    }
}

}  // namespace qudnn::kernels
