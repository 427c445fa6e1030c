"""Linear forms of adder graphs in 64-bit integers, and distances between columns in signed digits."""

from libc.stdint cimport int32_t, int64_t, uint64_t

import numpy as np

cdef extern from *:
    int popcount "__builtin_popcountll"(unsigned long long) noexcept nogil
    int trailing "__builtin_ctzll"(unsigned long long) noexcept nogil


cdef inline int digits(int64_t number) noexcept nogil:
    """Non-zero digits of the canonical signed-digit form; |number| < 2**61."""
    cdef uint64_t size = <uint64_t> (-number if number < 0 else number)
    return popcount(size ^ (3 * size))


def digit_counts(const int64_t[:, ::1] numbers):
    """Non-zero canonical signed digits of each number."""
    cdef int32_t[:, ::1] counts = np.empty((numbers.shape[0], numbers.shape[1]), dtype=np.int32)
    cdef Py_ssize_t i, j
    with nogil:
        for i in range(numbers.shape[0]):
            for j in range(numbers.shape[1]):
                counts[i, j] = digits(numbers[i, j])
    return np.asarray(counts)


def distances(const int64_t[:, ::1] columns, int shifts):
    """For all pairs (b, a): the fewest digits of ``columns[b] ∓ (columns[a] << k)`` over signs and ``0 <= k < shifts``.

    Returns ``(count, shift, sign)``, each (n, n); |number| << shifts must stay below 2**60.
    """
    cdef Py_ssize_t n = columns.shape[0], width = columns.shape[1], a, b, i
    cdef int32_t[:, ::1] count = np.full((n, n), 2**31 - 1, dtype=np.int32)
    cdef int32_t[:, ::1] shift = np.zeros((n, n), dtype=np.int32)
    cdef int32_t[:, ::1] sign = np.ones((n, n), dtype=np.int32)
    cdef int k, plus, minus
    with nogil:
        for b in range(n):
            for a in range(n):
                if a == b:
                    continue
                for k in range(shifts):
                    plus = minus = 0
                    for i in range(width):
                        plus += digits(columns[b, i] - (columns[a, i] << k))
                        minus += digits(columns[b, i] + (columns[a, i] << k))
                    if plus < count[b, a]:
                        count[b, a] = plus
                        shift[b, a] = k
                        sign[b, a] = 1
                    if minus < count[b, a]:
                        count[b, a] = minus
                        shift[b, a] = k
                        sign[b, a] = -1
    return np.asarray(count), np.asarray(shift), np.asarray(sign)


def evaluate(
    const int32_t[:, ::1] adders, const int64_t[:, ::1] roots, Py_ssize_t inputs,
    const int64_t[::1] lows, const int64_t[::1] highs, const int32_t[::1] exps, const int32_t[::1] bases,
):
    """Exact forms and ranges of a graph whose numbers all provably fit in 64 bits.

    An adder has the columns node, shift, negated, three times (the third node is negative in a binary adder); its
    form counts in the inputs' integers. Input i is the integers ``lows[i]..highs[i]`` times ``2**exps[i]``; node v
    counts in steps of ``2**bases[v]``, so that an operand a of v is shifted by ``shift + bases[a] - bases[v] >= 0``.
    Returns ``(lo, hi, zeros, outputs)``: the range of each node in its steps, the zero bits that all its values end
    in, and the forms of the nodes ``roots[:, 0]`` (their rows, in steps of the node's base).
    """
    cdef Py_ssize_t total = inputs + adders.shape[0], block = 32, start = 0, stop, v, i, r, a
    cdef int64_t[:, ::1] form = np.zeros((total, block), dtype=np.int64)
    cdef int64_t[::1] lo = np.zeros(total, dtype=np.int64)
    cdef int64_t[::1] hi = np.zeros(total, dtype=np.int64)
    cdef uint64_t[::1] seen = np.zeros(total, dtype=np.uint64)
    cdef int64_t[:, ::1] outputs = np.zeros((roots.shape[0], inputs), dtype=np.int64)
    cdef int32_t[::1] zeros = np.zeros(total, dtype=np.int32)
    cdef int64_t c, sign
    cdef int up, k
    with nogil:
        while start < inputs:
            stop = min(inputs, start + block)
            for v in range(inputs):
                for i in range(stop - start):
                    form[v, i] = 0
                if start <= v < stop:
                    form[v, v - start] = (<int64_t> 1) << (exps[v] - bases[v])
            for v in range(inputs, total):
                for i in range(stop - start):
                    form[v, i] = 0
                for k in range(3):
                    a = adders[v - inputs, 3 * k]
                    if a < 0:
                        continue
                    up = adders[v - inputs, 3 * k + 1] + bases[a] - bases[v]
                    sign = -1 if adders[v - inputs, 3 * k + 2] else 1
                    for i in range(stop - start):
                        form[v, i] += sign * (form[a, i] << up)
            for v in range(total):
                for i in range(stop - start):
                    c = form[v, i]
                    if c > 0:
                        lo[v] += c * lows[start + i]
                        hi[v] += c * highs[start + i]
                    else:
                        lo[v] += c * highs[start + i]
                        hi[v] += c * lows[start + i]
                    if lows[start + i] != 0 or highs[start + i] != 0:
                        seen[v] |= <uint64_t> c
            for r in range(roots.shape[0]):
                for i in range(stop - start):
                    outputs[r, start + i] = form[roots[r, 0], i]
            start = stop
        for v in range(total):
            zeros[v] = trailing(seen[v]) if seen[v] else 0
    return np.asarray(lo), np.asarray(hi), np.asarray(zeros), np.asarray(outputs)
