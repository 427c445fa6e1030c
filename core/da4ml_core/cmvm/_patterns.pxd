"""For kernels that count patterns: the hash table and its hash."""

from libc.stdint cimport int32_t, uint64_t
from libcpp.vector cimport vector


cdef inline uint64_t scramble(uint64_t x) noexcept nogil:
    """The finalizer of splitmix64."""
    x = (x ^ (x >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t> 0x94D049BB133111EB
    return x ^ (x >> 31)


cdef extern from *:
    void prefetch "__builtin_prefetch"(const void*) noexcept nogil


cdef struct Slot:
    uint64_t key  # 0: empty
    int32_t count
    int32_t cap  # occurrences that were found usable when last looked at
    float worth


cdef class PatternTable:
    cdef vector[Slot] slots
    cdef uint64_t mask
    cdef size_t used

    cdef void resize(self, size_t size) noexcept nogil
    cdef Slot* find(self, uint64_t key) noexcept nogil
    cdef void insert(self, uint64_t key, int32_t count, int32_t cap, float worth) noexcept nogil
    cdef void drop(self, uint64_t key, int32_t count) noexcept nogil
    cdef void drop_all(self, const vector[uint64_t]& keys) noexcept nogil
    cdef void grow(self) noexcept nogil
