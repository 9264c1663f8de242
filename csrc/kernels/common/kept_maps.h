// Tensor maps that earlier runs of a caller made, for its later ones: a map depends on addresses, which
// seldom change from run to run, and to encode one takes the host longer than all else of a launch but the
// launch.
#pragma once

#include <array>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace qudnn::kernels {

// A number that no other kernel and geometry has.
inline uint64_t number_of_kept_maps() {
    static std::atomic<uint64_t> last{0};
    return ++last;
}

// The maps of the last combinations of a kernel and its tensors. Any number of threads may use it, and none
// waits: who meets a writer finds nothing, and who would write where another one is keeps nothing.
class KeptMaps {
    struct Slot;

  public:
    static constexpr size_t kCombinations = 4, kTensors = 4, kMostBytes = 7 * 128, kAlignment = 128;
    using Tensors = std::array<const void*, kTensors>;

    // Kept maps, which nobody writes as long as it lives; or none.
    class Hold {
      public:
        Hold() = default;
        Hold(Hold&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
        Hold& operator=(Hold&& other) noexcept {
            std::swap(slot_, other.slot_);
            return *this;
        }
        ~Hold() {
            if (slot_ != nullptr) slot_->leave();
        }

        explicit operator bool() const { return slot_ != nullptr; }

        // Only where there are some.
        Tensors tensors() const {
            Tensors all;
            for (size_t i = 0; i < kTensors; ++i) all[i] = slot_->tensors[i].load(std::memory_order_relaxed);
            return all;
        }
        template <class Maps>
        const Maps& maps() const {
            return *std::launder(reinterpret_cast<const Maps*>(slot_->maps.data()));
        }

      private:
        friend KeptMaps;
        explicit Hold(Slot* slot) : slot_(slot) {}

        Slot* slot_ = nullptr;
    };

    KeptMaps() = default;
    KeptMaps(const KeptMaps&) = delete;
    ~KeptMaps() { delete slots_.load(); }

    // The kernel's maps of these tensors, or the last ones that it kept.
    Hold hold(uint64_t kernel, const Tensors& tensors) const {
        Slots* const slots = slots_.load(std::memory_order_acquire);
        if (slots == nullptr) return {};
        const size_t last = slots->last.load(std::memory_order_relaxed);
        Slot* of_kernel = nullptr;
        for (size_t i = 0; i < kCombinations; ++i) {
            Slot& slot = slots->all[(last + kCombinations - i) % kCombinations];
            if (slot.kernel.load(std::memory_order_relaxed) != kernel) continue;
            if (of_kernel == nullptr) of_kernel = &slot;
            if (slot.is_of(tensors)) {
                of_kernel = &slot;
                break;
            }
        }
        if (of_kernel == nullptr || !of_kernel->enter()) return {};
        Hold hold(of_kernel);
        // Another thread may have written it meanwhile.
        return of_kernel->kernel.load(std::memory_order_relaxed) == kernel ? std::move(hold) : Hold();
    }

    // `kernel`: number_of_kept_maps(), which stands for all that the maps depend on but the tensors.
    template <class Maps>
    void keep(uint64_t kernel, const Tensors& tensors, const Maps& maps) {
        static_assert(std::is_trivially_copyable_v<Maps> && sizeof(Maps) <= kMostBytes &&
                      alignof(Maps) <= kAlignment);
        Slots* slots = slots_.load(std::memory_order_acquire);
        if (slots == nullptr) {
            auto fresh = std::make_unique<Slots>();
            if (slots_.compare_exchange_strong(slots, fresh.get())) slots = fresh.release();
        }
        const size_t next = (slots->last.load(std::memory_order_relaxed) + 1) % kCombinations;
        Slot& slot = slots->all[next];
        if (!slot.lock()) return;
        slot.kernel.store(kernel, std::memory_order_relaxed);
        for (size_t i = 0; i < kTensors; ++i) slot.tensors[i].store(tensors[i], std::memory_order_relaxed);
        std::memcpy(slot.maps.data(), &maps, sizeof maps);
        slot.unlock();
        slots->last.store(next, std::memory_order_relaxed);
    }

  private:
    // Of readers and one writer, each of which gives up where it cannot enter. Aligned, so on cache lines of
    // its own.
    struct Slot {
        static constexpr int kWriter = INT_MIN / 2;
        std::atomic<int> inside{0};  // readers, and kWriter for a writer
        std::atomic<uint64_t> kernel{0};
        std::array<std::atomic<const void*>, kTensors> tensors{};
        alignas(kAlignment) std::array<unsigned char, kMostBytes> maps{};  // of no meaning to who is outside

        bool enter() {
            if (inside.fetch_add(1, std::memory_order_acquire) >= 0) return true;
            leave();
            return false;
        }
        void leave() { inside.fetch_sub(1, std::memory_order_release); }
        bool lock() {
            int none = 0;
            return inside.compare_exchange_strong(none, kWriter, std::memory_order_acquire);
        }
        void unlock() { inside.fetch_sub(kWriter, std::memory_order_release); }

        bool is_of(const Tensors& others) const {
            for (size_t i = 0; i < kTensors; ++i)
                if (tensors[i].load(std::memory_order_relaxed) != others[i]) return false;
            return true;
        }
    };

    struct Slots {
        std::atomic<size_t> last{0};  // of the slots the one that was written last
        std::array<Slot, kCombinations> all;
    };

    std::atomic<Slots*> slots_{nullptr};  // made when the first maps are kept
};

// A kernel's maps for one launch: kept ones of earlier launches, or its own.
template <class Maps>
class LaunchMaps {
  public:
    // Those of these tensors. encode(maps, known) makes the maps of each tensor that is not in its place in
    // `known`, whose maps are there, and returns whether it could. number: see KeptMaps::keep(). kept: null,
    // or where maps are looked for and left.
    template <class Encode>
    bool find(uint64_t number, const KeptMaps::Tensors& tensors, KeptMaps* kept, const Encode& encode) {
        KeptMaps::Tensors known{};
        if (kept != nullptr) {
            held_ = kept->hold(number, tensors);
            if (held_) known = held_.tensors();
            if (known == tensors) return true;
        }
        made_ = held_ ? held_.template maps<Maps>() : Maps{};
        held_ = {};
        if (!encode(made_, known)) return false;
        if (kept != nullptr) kept->keep(number, tensors, made_);
        return true;
    }

    const Maps& maps() const { return held_ ? held_.template maps<Maps>() : made_; }

  private:
    KeptMaps::Hold held_;
    Maps made_;  // of no meaning where maps are held
};

}  // namespace qudnn::kernels
