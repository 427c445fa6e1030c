# distutils: language = c++
"""Counts of two-term patterns in an open-addressing hash table."""

from libc.stdint cimport int32_t, uint64_t
from libcpp.vector cimport vector


cdef class PatternTable:
    """Counts of patterns by open addressing; a pattern below two occurrences is as good as absent."""

    def __cinit__(self):
        self.resize(1 << 12)

    cdef void resize(self, size_t size) noexcept nogil:
        self.keys.assign(size, 0)
        self.counts.assign(size, 0)
        self.caps.assign(size, 0)
        self.worths.assign(size, 0)
        self.mask = size - 1
        self.used = 0

    cdef size_t find(self, uint64_t key) noexcept nogil:
        cdef size_t at = scramble(key) & self.mask
        while self.keys[at] != 0 and self.keys[at] != key:
            at = (at + 1) & self.mask
        return at

    cdef size_t insert(self, uint64_t key, int32_t count, int32_t cap, float worth) noexcept nogil:
        if 2 * (self.used + 1) > self.keys.size():
            self.grow()
        cdef size_t at = self.find(key)
        self.keys[at] = key
        self.counts[at] = count
        self.caps[at] = cap
        self.worths[at] = worth
        self.used += 1
        return at

    cdef void drop(self, uint64_t key, int32_t count) noexcept nogil:
        """That many occurrences less, of a pattern that may be absent."""
        cdef size_t at = self.find(key)
        self.counts[at] -= count

    cdef void grow(self) noexcept nogil:
        cdef vector[uint64_t] keys
        cdef vector[int32_t] counts
        cdef vector[int32_t] caps
        cdef vector[float] worths
        cdef size_t at, live = 0
        keys.swap(self.keys)
        counts.swap(self.counts)
        caps.swap(self.caps)
        worths.swap(self.worths)
        for at in range(keys.size()):
            live += counts[at] >= 2
        cdef size_t size = 1 << 12
        while size < 4 * live:
            size *= 2
        self.resize(size)
        for at in range(keys.size()):
            if counts[at] >= 2:
                self.insert(keys[at], counts[at], caps[at], worths[at])
