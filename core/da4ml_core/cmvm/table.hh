// Open-addressing maps for the local search: how often patterns occur, and which value has a hash.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace da4ml {

inline uint64_t mix(uint64_t x) {  // the finalizer of splitmix64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

// Counts of keys of 48 bits other than 0; a key and its count are one word, because the misses of the cache are what costs.
class Counts {
public:
    static constexpr int BITS = 16;
    static constexpr uint64_t MOST = (1 << BITS) - 1;

    void prefetch(uint64_t key) const { __builtin_prefetch(&slots_[home(key)]); }

    int32_t operator[](uint64_t key) const { return static_cast<int32_t>(slots_[locate(key)] & MOST); }

    // The count after it is one more; `MOST` is one too many.
    int32_t increment(uint64_t key) {
        uint64_t* slot = &slots_[locate(key)];
        if (*slot == 0) {
            if (2 * (used_ + 1) > slots_.size()) {
                rebuild();
                slot = &slots_[locate(key)];
            }
            *slot = key << BITS;
            ++used_;
        }
        return static_cast<int32_t>(++*slot & MOST);
    }

    void decrement(uint64_t key) { --slots_[locate(key)]; }

private:
    size_t home(uint64_t key) const { return key * 0x9E3779B97F4A7C15ull >> shift_; }

    size_t locate(uint64_t key) const {
        size_t at = home(key);
        while (slots_[at] != 0 && slots_[at] >> BITS != key) at = (at + 1) & (slots_.size() - 1);
        return at;
    }

    // Forget keys that do not occur any more, and make room if they are few.
    void rebuild() {
        used_ = 0;
        for (const uint64_t slot : slots_) used_ += (slot & MOST) != 0;
        const bool full = 4 * used_ > slots_.size();
        std::vector<uint64_t> old(full ? 2 * slots_.size() : slots_.size());
        old.swap(slots_);
        shift_ -= full;
        for (const uint64_t slot : old)
            if (slot & MOST) slots_[locate(slot >> BITS)] = slot;
    }

    std::vector<uint64_t> slots_ = std::vector<uint64_t>(1 << 10);
    int shift_ = 64 - 10;
    size_t used_ = 0;
};

// Numbers other than 0 by hashes, from which they can be taken out again.
class Numbering {
public:
    // The number of a hash, 0 if there is none.
    int32_t operator[](uint64_t hash) const { return slots_[locate(hash)].number; }

    // Number a hash unless it has a number.
    void insert(uint64_t hash, int32_t number) {
        size_t at = locate(hash);
        if (slots_[at].number != 0) return;
        if (!slots_[at].used && 4 * ++used_ > slots_.size()) {
            rebuild();
            ++used_;
            at = locate(hash);
        }
        slots_[at] = {hash, number, true};
    }

    void erase(uint64_t hash, int32_t number) {
        Slot& slot = slots_[locate(hash)];
        if (slot.number == number) slot.number = 0;
    }

private:
    struct Slot {
        uint64_t hash = 0;
        int32_t number = 0;
        bool used = false;
    };

    size_t locate(uint64_t hash) const {
        size_t at = mix(hash) & (slots_.size() - 1);
        while (slots_[at].used && slots_[at].hash != hash) at = (at + 1) & (slots_.size() - 1);
        return at;
    }

    void rebuild() {
        used_ = 0;
        for (const Slot& slot : slots_) used_ += slot.number != 0;
        std::vector<Slot> old(8 * used_ > slots_.size() ? 2 * slots_.size() : slots_.size());
        old.swap(slots_);
        for (const Slot& slot : old)
            if (slot.number != 0) slots_[locate(slot.hash)] = slot;
    }

    std::vector<Slot> slots_ = std::vector<Slot>(1 << 10);
    size_t used_ = 0;
};

}  // namespace da4ml
