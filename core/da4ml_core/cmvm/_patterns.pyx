# distutils: language = c++
"""Counts of two-term patterns in an open-addressing hash table."""

from libc.stdint cimport int32_t, uint64_t
from libcpp.vector cimport vector


cdef class PatternTable:
    """Counts of patterns by open addressing; a pattern below two occurrences is as good as absent."""

    def __cinit__(self):
        self.resize(1 << 12)

    cdef void resize(self, size_t size) noexcept nogil:
        cdef Slot empty
        empty.key = 0
        empty.count = 0
        empty.cap = 0
        empty.worth = 0
        self.slots.assign(size, empty)
        self.mask = size - 1
        self.used = 0

    cdef Slot* find(self, uint64_t key) noexcept nogil:
        """The pattern's slot, or the empty one where it would be."""
        cdef size_t at = scramble(key) & self.mask
        while self.slots[at].key != 0 and self.slots[at].key != key:
            at = (at + 1) & self.mask
        return &self.slots[at]

    cdef void insert(self, uint64_t key, int32_t count, int32_t cap, float worth) noexcept nogil:
        cdef Slot* slot
        if 2 * (self.used + 1) > self.slots.size():
            self.grow()
        slot = self.find(key)
        slot.key = key
        slot.count = count
        slot.cap = cap
        slot.worth = worth
        self.used += 1

    cdef void drop(self, uint64_t key, int32_t count) noexcept nogil:
        """That many occurrences less, of a pattern that may be absent."""
        self.find(key).count -= count

    cdef void drop_all(self, const vector[uint64_t]& keys) noexcept nogil:
        """One occurrence less of each; the memory is asked for ahead, because the slots are all over it."""
        cdef size_t i
        for i in range(keys.size()):
            prefetch(&self.slots[scramble(keys[i]) & self.mask])
        for i in range(keys.size()):
            self.drop(keys[i], 1)

    cdef void grow(self) noexcept nogil:
        cdef vector[Slot] old
        cdef size_t at, live = 0, size = 1 << 12
        old.swap(self.slots)
        for at in range(old.size()):
            live += old[at].count >= 2
        while size < 4 * live:
            size *= 2
        self.resize(size)
        for at in range(old.size()):
            if old[at].count >= 2:
                self.insert(old[at].key, old[at].count, old[at].cap, old[at].worth)
