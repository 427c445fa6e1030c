"""For kernels that weigh carry chains: where a two's-complement code ends."""

from libc.math cimport frexp


cdef inline int top_of(double lo, double hi, int exp) noexcept nogil:
    """The position just above the top bit of a two's-complement code for [lo, hi] in steps of 2**exp."""
    cdef int low = -100000, high = -100000
    if hi > 0:
        frexp(hi, &high)
    if lo < 0:
        if frexp(-lo, &low) == 0.5:  # -2**k needs no more bits than 2**k - 1
            low -= 1
        return max(low, high) + 1
    return max(high, exp)
