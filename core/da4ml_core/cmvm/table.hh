// An open-addressing map from 64-bit keys to 32-bit numbers, from which keys can be taken out again.
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

class Table {
public:
    Table() : slots_(1 << 10), mask_((1 << 10) - 1) {}

    // The number of a key, or null.
    int32_t* find(uint64_t key) {
        const size_t at = locate(key);
        return slots_[at].used ? &slots_[at].number : nullptr;
    }

    // The number of a key, which becomes one of the table at 0 if it was none.
    int32_t& operator[](uint64_t key) {
        if (2 * (used_ + 1) > slots_.size()) grow();
        Slot& slot = slots_[locate(key)];
        if (!slot.used) {
            slot = {key, 0, true};
            ++used_;
        }
        return slot.number;
    }

    // Linear probing without tombstones: later slots move up into the gap (Knuth's algorithm 6.4R).
    void erase(uint64_t key) {
        size_t gap = locate(key);
        if (!slots_[gap].used) return;
        for (size_t at = (gap + 1) & mask_; slots_[at].used; at = (at + 1) & mask_) {
            const size_t home = mix(slots_[at].key) & mask_;
            if (((at - home) & mask_) >= ((at - gap) & mask_)) {
                slots_[gap] = slots_[at];
                gap = at;
            }
        }
        slots_[gap].used = false;
        --used_;
    }

private:
    struct Slot {
        uint64_t key = 0;
        int32_t number = 0;
        bool used = false;
    };

    size_t locate(uint64_t key) const {
        size_t at = mix(key) & mask_;
        while (slots_[at].used && slots_[at].key != key) at = (at + 1) & mask_;
        return at;
    }

    void grow() {
        std::vector<Slot> old(2 * slots_.size());
        old.swap(slots_);
        mask_ = slots_.size() - 1;
        for (const Slot& slot : old)
            if (slot.used) slots_[locate(slot.key)] = slot;
    }

    std::vector<Slot> slots_;
    size_t mask_;
    size_t used_ = 0;
};

}  // namespace da4ml
