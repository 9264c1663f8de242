// Functions of int8 as tables in shared memory, one for each of a block's channels.
#pragma once

#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"

namespace qudnn::kernels {

// Eight vectors of kWords words side by side are a slice of a row; a vector's place among them is its
// column. A warp looks up four slices, lane 8 * i + column in row i of them, a byte of each word at a time
// and in each row another one of the four. So the lanes of a row and byte have eight banks to themselves:
// the entries of byte j of a column's words are in bank 8 * j + column, and lookups never collide. Word
// (64 * k + i) * 32 + bank holds the entries of bytes 4 i .. 4 i + 3, as unsigned ones, of word k's channel.
template <int kWords>
struct ChannelTables {
    static constexpr int kVectorWords = kWords, kColumns = 8, kChannels = kColumns * kWords * 4;
    static constexpr int kBanks = 32, kTableWords = 64;

    uint32_t words[kWords * kTableWords * kBanks];
};

// What each of kBlock threads loads into ChannelTables: the constructor starts the loads, store() waits for
// them.
template <typename Tables, int kBlock>
class ChannelTablesPart {
  public:
    // Of the slice's first `channels` channels, a multiple of 4, channel i having table i % period; tables:
    // aligned to 16 bytes.
    __device__ ChannelTablesPart(const int8_t* tables, int channels, const Divisor<uint32_t>& period) {
        const auto* vectors = reinterpret_cast<const uint4*>(tables);
#pragma unroll
        for (int i = 0; i < kSteps; ++i) {
            const Place place(i);
            // Banks 16 apart belong to channels 2 apart. What lies beyond the last one is never looked up.
            const int channel = min(place.channel, channels - 4 + place.channel % 4);
#pragma unroll
            for (int j = 0; j < 2; ++j) {
                auto table = static_cast<uint32_t>(channel + 2 * j);
                if (period.value < Tables::kChannels) table -= period.quotient(table) * period.value;
                loaded_[i][j] = vectors[table * kVectors + place.vector];
            }
        }
    }
    __device__ void store(Tables& tables) const {
        const int half = threadIdx.x % 2;
#pragma unroll
        for (int i = 0; i < kSteps; ++i) {
            const Place place(i);
            uint32_t* target =
                tables.words + (place.word * Tables::kTableWords + place.row) * Tables::kBanks + place.bank;
            // In opposite order within a pair of lanes; otherwise they would collide.
            store(target + 16 * half, half ? loaded_[i][1] : loaded_[i][0]);
            store(target + 16 - 16 * half, half ? loaded_[i][0] : loaded_[i][1]);
        }
    }

  private:
    static constexpr int kVectors = Tables::kTableWords / 4,
                         kSteps = Tables::kVectorWords * kVectors / 2 * 32 / kBlock;
    static_assert(kSteps * kBlock == Tables::kVectorWords * kVectors / 2 * 32);

    // A pair of lanes loads a sector of each of two tables, for banks `bank` and bank + 16.
    struct Place {
        int bank, word, channel, vector, row;

        __device__ explicit Place(int step) {
            const int lane = threadIdx.x % 32, sector = (step * kBlock + threadIdx.x) / 32;
            bank = lane / 2;
            word = sector / (kVectors / 2);
            channel = (bank % Tables::kColumns * Tables::kVectorWords + word) * 4 + bank / Tables::kColumns;
            vector = sector % (kVectors / 2) * 2 + lane % 2;
            row = (vector ^ kVectors / 2) * 4;  // tables start with the entry of -128
        }
    };

    __device__ static void store(uint32_t* target, const uint4& v) {
        constexpr int kBanks = Tables::kBanks;
        target[0] = v.x, target[kBanks] = v.y, target[2 * kBanks] = v.z, target[3 * kBanks] = v.w;
    }

    uint4 loaded_[kSteps][2];
};

// How a lane looks words up in ChannelTables.
class ChannelLookup {
  public:
    __device__ explicit ChannelLookup(uint32_t lane) {
        const uint32_t row = lane / 8;
        banks_ = 0x04040404u * (lane % 8) + 0x60402000u;
#pragma unroll
        for (uint32_t step = 0; step < 4; ++step) {
            const uint32_t byte = (row + step) % 4;
            offsets_[step] = 0xCC40u + 0x1111u * byte;  // two bytes and, twice, the clear sign of the second
        }
        order_ = 0x54105410u << row * 4 >> 16;
    }

    __device__ uint32_t look_up(const ChannelTables<1>& tables, uint32_t v) const {
        return look_up(tables.words, v);
    }
    __device__ uint4 look_up(const ChannelTables<4>& tables, const uint4& v) const {
        constexpr int kWord = ChannelTables<4>::kTableWords * ChannelTables<4>::kBanks;
        const uint32_t* words = tables.words;
        return {look_up(words, v.x), look_up(words + kWord, v.y), look_up(words + 2 * kWord, v.z),
                look_up(words + 3 * kWord, v.w)};
    }

  private:
    // The bytes of two words that four nibbles of `selectors` name, the first word's as 0 to 3; 8 more: its
    // sign bit, eight times, for which __byte_perm() has no name.
    __device__ static uint32_t select_bytes(uint32_t low, uint32_t high, uint32_t selectors) {
        uint32_t result;
        asm("prmt.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(low), "r"(high), "r"(selectors));
        return result;
    }

    __device__ uint32_t look_up(const uint32_t* tables, uint32_t word) const {
        const auto* bytes = reinterpret_cast<const uint8_t*>(tables);
        // A byte's entry is at 128 * (byte / 4) + 4 * bank + byte % 4: the low eight of these 13 bits for all
        // four bytes, and the others.
        const uint32_t low = (word & splat(3)) | banks_ | (word << 5 & splat(0x80));
        const uint32_t high = word >> 3 & splat(31);
        uint32_t entries[4];
#pragma unroll
        for (int step = 0; step < 4; ++step) entries[step] = bytes[select_bytes(low, high, offsets_[step])];
        return select_bytes(__byte_perm(entries[0], entries[1], 0x0040),
                            __byte_perm(entries[2], entries[3], 0x0040), order_);
    }

    uint32_t banks_;       // four times the bank of each byte
    uint32_t offsets_[4];  // selectors of the offset that is looked up in each step
    uint32_t order_;       // selectors of the steps' results
};

}  // namespace qudnn::kernels
