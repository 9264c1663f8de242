// Tensor maps that earlier runs of a caller made, for its later ones: a map depends on addresses, which
// seldom change from run to run, and to encode one takes the host longer than all else of a launch but the
// launch.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <type_traits>

namespace qudnn::kernels {

// The maps of the last combinations of a kernel and its tensors. Any number of threads may use it, and none
// waits: who meets a writer finds nothing, and who would write where another does keeps nothing.
class KeptMaps {
  public:
    static constexpr size_t kCombinations = 4, kTensors = 4, kMostBytes = 7 * 128;
    using Tensors = std::array<const void*, kTensors>;

    KeptMaps() = default;
    KeptMaps(const KeptMaps&) = delete;
    ~KeptMaps() { delete slots_.load(); }

    // Copies the kernel's maps of these tensors into `maps`, or the last ones that it kept. Returns whose
    // they are; nothing where there are none, `maps` has no meaning then.
    template <class Maps>
    std::optional<Tensors> find(uint64_t kernel, const Tensors& tensors, Maps& maps) const {
        const Slots* const slots = slots_.load(std::memory_order_acquire);
        if (slots == nullptr) return std::nullopt;
        const size_t last = slots->last.load(std::memory_order_relaxed);
        const Slot* of_kernel = nullptr;
        for (size_t i = 0; i < kCombinations; ++i) {
            const Slot& slot = slots->all[(last + kCombinations - i) % kCombinations];
            if (slot.words[0].load(std::memory_order_relaxed) != kernel) continue;
            if (of_kernel == nullptr) of_kernel = &slot;
            if (slot.is_of(tensors)) {
                of_kernel = &slot;
                break;
            }
        }
        return of_kernel == nullptr ? std::nullopt : of_kernel->read(kernel, maps);
    }

    // `kernel`: a number other than 0 that stands for all that the maps depend on but the tensors.
    template <class Maps>
    void keep(uint64_t kernel, const Tensors& tensors, const Maps& maps) {
        Slots* slots = slots_.load(std::memory_order_acquire);
        if (slots == nullptr) {
            auto fresh = std::make_unique<Slots>();
            if (slots_.compare_exchange_strong(slots, fresh.get())) slots = fresh.release();
        }
        const size_t next = (slots->last.load(std::memory_order_relaxed) + 1) % kCombinations;
        if (slots->all[next].write(kernel, tensors, maps)) slots->last.store(next, std::memory_order_relaxed);
    }

  private:
    // A sequence lock: readers copy, then look whether a writer came in between. All of it is atomic, so that
    // a torn copy is no data race.
    struct Slot {
        static constexpr size_t kHead = 1 + kTensors;
        std::atomic<uint32_t> sequence{0};                                  // odd while it is written
        std::array<std::atomic<uint64_t>, kHead + kMostBytes / 8> words{};  // the kernel, its tensors, maps

        bool is_of(const Tensors& tensors) const {
            for (size_t i = 0; i < kTensors; ++i)
                if (words[1 + i].load(std::memory_order_relaxed) != number(tensors[i])) return false;
            return true;
        }

        template <class Maps>
        std::optional<Tensors> read(uint64_t kernel, Maps& maps) const {
            static_assert(std::is_trivially_copyable_v<Maps> && sizeof(Maps) % 8 == 0 &&
                          sizeof(Maps) <= kMostBytes);
            const uint32_t before = sequence.load(std::memory_order_acquire);
            const uint64_t owner = words[0].load(std::memory_order_relaxed);
            Tensors tensors;
            for (size_t i = 0; i < kTensors; ++i)
                tensors[i] = reinterpret_cast<const void*>(words[1 + i].load(std::memory_order_relaxed));
            auto* const target = reinterpret_cast<unsigned char*>(&maps);
            for (size_t i = 0; i < sizeof(Maps) / 8; ++i) {
                const uint64_t word = words[kHead + i].load(std::memory_order_relaxed);
                std::memcpy(target + 8 * i, &word, 8);
            }
            std::atomic_thread_fence(std::memory_order_acquire);
            const bool whole = before % 2 == 0 && sequence.load(std::memory_order_relaxed) == before;
            return whole && owner == kernel ? std::optional(tensors) : std::nullopt;
        }

        template <class Maps>
        bool write(uint64_t kernel, const Tensors& tensors, const Maps& maps) {
            uint32_t before = sequence.load(std::memory_order_relaxed);
            if (before % 2 == 1 ||
                !sequence.compare_exchange_strong(before, before + 1, std::memory_order_acquire))
                return false;
            std::atomic_thread_fence(std::memory_order_release);
            words[0].store(kernel, std::memory_order_relaxed);
            for (size_t i = 0; i < kTensors; ++i)
                words[1 + i].store(number(tensors[i]), std::memory_order_relaxed);
            const auto* const source = reinterpret_cast<const unsigned char*>(&maps);
            for (size_t i = 0; i < sizeof(Maps) / 8; ++i) {
                uint64_t word;
                std::memcpy(&word, source + 8 * i, 8);
                words[kHead + i].store(word, std::memory_order_relaxed);
            }
            sequence.store(before + 2, std::memory_order_release);
            return true;
        }

        static uint64_t number(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }
    };

    struct Slots {
        std::atomic<size_t> last{0};  // of the slots the one that was written last
        std::array<Slot, kCombinations> all;
    };

    std::atomic<Slots*> slots_{nullptr};  // made when the first maps are kept
};

}  // namespace qudnn::kernels
