# distutils: language = c++
"""From joins and sums of terms to binary adders: each sum becomes a tree, values are numbered, and nothing unused is emitted.

A tree is grown like Huffman's: of the lowest terms, the pair whose sum has the lowest top bit is added first, because
the low ends of the carry chains of a sum do not depend on the order, but the tops do. Under a deadline a pair must also be
affordable (see `_extract`); adding the two earliest terms always is.
"""

from cython.operator cimport dereference
from libc.math cimport ceil, floor, frexp, ldexp
from libc.stdint cimport int32_t, int64_t, uint64_t
from libcpp.unordered_map cimport unordered_map
from libcpp.vector cimport vector

import numpy as np

cdef int32_t ABSENT = -1
cdef int32_t ZERO = -2
cdef int FAR = 50  # levels below a deadline that slack can tell apart


cdef struct Node:
    int32_t level
    int32_t exp
    double lo
    double hi


cdef struct Edge:
    int32_t node
    int32_t shift
    bint negated


cdef struct Adder:
    Edge a
    Edge b


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


cdef class Builder:
    """The adders emitted so far and the edge of every value."""

    cdef vector[Node] nodes
    cdef vector[Adder] adders
    cdef vector[Edge] edges  # of values: inputs, then rows, then joins
    cdef vector[int32_t] joins
    cdef unordered_map[uint64_t, vector[int32_t]] numbering
    cdef int32_t inputs
    cdef int32_t rows
    cdef int window
    cdef double bits

    cdef int top(self, Edge x) noexcept nogil:
        cdef Node node = self.nodes[x.node]
        if x.negated:
            return top_of(-node.hi, -node.lo, node.exp) + x.shift
        return top_of(node.lo, node.hi, node.exp) + x.shift

    cdef Node sum_node(self, Edge x, Edge y) noexcept nogil:
        """Level and plain interval of an adder whose operands are these edges."""
        cdef Node a = self.nodes[x.node], b = self.nodes[y.node], z
        cdef double scale_a = ldexp(-1.0 if x.negated else 1.0, x.shift), scale_b = ldexp(-1.0 if y.negated else 1.0, y.shift)
        z.level = max(a.level, b.level) + 1
        z.exp = min(a.exp + x.shift, b.exp + y.shift)
        z.lo = min(a.lo * scale_a, a.hi * scale_a) + min(b.lo * scale_b, b.hi * scale_b)
        z.hi = max(a.lo * scale_a, a.hi * scale_a) + max(b.lo * scale_b, b.hi * scale_b)
        return z

    cdef int chain_bits(self, Edge x, Edge y, Node z) noexcept nogil:
        """Bits of the carry chain; the rule is that of `da4ml_core.ir.cost.adder_chain_bits`."""
        cdef Node a = self.nodes[x.node], b = self.nodes[y.node]
        cdef int low_a = a.exp + x.shift, low_b = b.exp + y.shift, start
        if x.negated:
            start = low_a
        elif y.negated:
            start = low_b
        else:
            start = max(low_a, low_b)
            if low_a <= low_b and a.lo >= 0 and top_of(a.lo, a.hi, a.exp) + x.shift <= low_b:
                return 0
            if low_b <= low_a and b.lo >= 0 and top_of(b.lo, b.hi, b.exp) + y.shift <= low_a:
                return 0
        return max(0, top_of(z.lo, z.hi, z.exp) - start)

    cdef Edge add(self, Edge x, Edge y) noexcept nogil:
        """The edge of x + y: an adder, an adder that exists already, or wiring."""
        cdef Edge z
        cdef Node node
        cdef Adder adder
        cdef int32_t base, known
        cdef uint64_t key
        if x.node == ZERO:
            return y
        if y.node == ZERO:
            return x
        if x.node == y.node and x.shift == y.shift:
            z = x
            z.shift += 1
            if x.negated != y.negated:
                z.node = ZERO
            return z
        if x.node > y.node or (x.node == y.node and x.shift > y.shift):
            z = x
            x = y
            y = z
        z.negated = x.negated and y.negated
        if z.negated:
            x.negated = False
            y.negated = False
        base = min(x.shift, y.shift)
        z.shift = base
        x.shift -= base
        y.shift -= base
        key = (<uint64_t> x.node << 40) ^ (<uint64_t> y.node << 16) ^ (<uint64_t> (x.shift + 2 * y.shift) << 2) ^ x.negated ^ (2 * y.negated)
        for known in self.numbering[key]:
            adder = self.adders[known]
            if (
                adder.a.node == x.node and adder.b.node == y.node and adder.a.shift == x.shift and adder.b.shift == y.shift
                and adder.a.negated == x.negated and adder.b.negated == y.negated
            ):
                z.node = self.inputs + known
                return z
        node = self.sum_node(x, y)
        self.bits += self.chain_bits(x, y, node)
        adder.a = x
        adder.b = y
        self.numbering[key].push_back(<int32_t> self.adders.size())
        self.adders.push_back(adder)
        self.nodes.push_back(node)
        z.node = <int32_t> self.nodes.size() - 1
        return z

    cdef Edge value(self, int32_t value, int32_t shift, bint negated) noexcept nogil:
        """The edge of ``±value << shift``, after emitting what it needs; rows come in an order that has theirs ready."""
        cdef Edge x, y
        cdef int32_t at
        if self.edges[value].node == ABSENT:
            at = 5 * (value - self.inputs - self.rows)
            x = self.value(self.joins[at], self.joins[at + 1], (self.joins[at + 4] & 2) != 0)
            y = self.value(self.joins[at + 2], self.joins[at + 3], ((self.joins[at + 4] & 1) != 0) != ((self.joins[at + 4] & 2) != 0))
            self.edges[value] = self.add(x, y)
        x = self.edges[value]
        x.shift += shift
        x.negated = x.negated != negated
        return x

    cdef void place(self, vector[Edge]& terms, Edge x) noexcept nogil:
        """Insert by top bit."""
        cdef size_t at
        if x.node == ZERO:
            return
        terms.push_back(x)
        at = terms.size() - 1
        cdef int top = self.top(x)
        while at > 0 and self.top(terms[at - 1]) > top:
            terms[at] = terms[at - 1]
            at -= 1
        terms[at] = x

    cdef Edge tree(self, vector[Edge]& terms, int32_t deadline) noexcept nogil:
        """Add up terms that are sorted by top bit; a negative deadline means none."""
        cdef size_t i, j, best_i, best_j, width
        cdef int64_t slack = 0, price, best, score
        cdef int32_t base = max(0, deadline - FAR), level_i, level_j
        cdef Node node
        cdef Edge x, y
        if deadline >= 0:
            slack = (<int64_t> 1) << (deadline - base)
            for x in terms:
                slack -= (<int64_t> 1) << max(0, self.nodes[x.node].level - base)
        while terms.size() > 1:
            best = -1
            best_i = best_j = 0
            width = min(terms.size(), <size_t> self.window)
            for i in range(width):
                for j in range(i + 1, width):
                    level_i = self.nodes[terms[i].node].level
                    level_j = self.nodes[terms[j].node].level
                    if deadline >= 0 and level_i != level_j:
                        price = ((<int64_t> 1) << (max(level_i, level_j) + 1 - base)) - (
                            (<int64_t> 1) << max(0, level_i - base)
                        ) - ((<int64_t> 1) << max(0, level_j - base)) if max(level_i, level_j) >= base else 0
                        if price > slack:
                            continue
                    node = self.sum_node(terms[i], terms[j])
                    score = (<int64_t> (top_of(node.lo, node.hi, node.exp) + 100000) << 40) + (
                        <int64_t> self.chain_bits(terms[i], terms[j], node) << 20
                    ) + node.level
                    if best < 0 or score < best:
                        best = score
                        best_i = i
                        best_j = j
            if best < 0:  # no pair of the lowest terms is affordable: the two earliest are
                best_i = 0
                for i in range(1, terms.size()):
                    if self.nodes[terms[i].node].level < self.nodes[terms[best_i].node].level:
                        best_i = i
                best_j = 1 if best_i == 0 else 0
                for i in range(terms.size()):
                    if i != best_i and self.nodes[terms[i].node].level < self.nodes[terms[best_j].node].level:
                        best_j = i
                if best_j < best_i:
                    i = best_i
                    best_i = best_j
                    best_j = i
            x = terms[best_i]
            y = terms[best_j]
            terms.erase(terms.begin() + best_j)
            terms.erase(terms.begin() + best_i)
            if deadline >= 0:
                slack += ((<int64_t> 1) << max(0, self.nodes[x.node].level - base)) + (
                    (<int64_t> 1) << max(0, self.nodes[y.node].level - base)
                )
            x = self.add(x, y)
            if deadline >= 0 and x.node != ZERO:
                slack -= (<int64_t> 1) << max(0, self.nodes[x.node].level - base)
            self.place(terms, x)
        if terms.empty():
            x.node = ZERO
            x.shift = 0
            x.negated = False
            return x
        return terms[0]


def build(
    const int32_t[::1] levels, const int32_t[::1] exps, const double[::1] lows, const double[::1] highs,
    const int32_t[:, ::1] joins, const int32_t[::1] row_start, const int32_t[:, ::1] terms,
    const int32_t[::1] order, const int32_t[::1] deadlines, int window,
):
    """Emit the rows in ``order`` (a row after those it refers to); returns ``(adders, roots, levels, bits)``.

    The arguments have the form of `extract`'s, with levels and intervals of the inputs alone. An adder has the columns node, shift,
    negated, twice; nodes are the inputs, then the adders. A root has the columns node (-2: zero), shift, negated. ``deadlines`` below zero are none.
    """
    cdef Builder state = Builder()
    cdef Node node
    cdef Edge edge
    cdef int32_t i, row
    cdef vector[Edge] work
    state.inputs = <int32_t> levels.shape[0]
    state.rows = <int32_t> row_start.shape[0] - 1
    state.window = window
    for i in range(state.inputs):
        node.level = levels[i]
        node.exp = exps[i]
        node.lo = lows[i]
        node.hi = highs[i]
        state.nodes.push_back(node)
        edge.node = i
        edge.shift = 0
        edge.negated = False
        state.edges.push_back(edge)
    edge.node = ABSENT
    state.edges.resize(state.inputs + state.rows + joins.shape[0], edge)
    for i in range(joins.shape[0]):
        for row in range(5):
            state.joins.push_back(joins[i, row])
    with nogil:
        for row in order:
            work.clear()
            for i in range(row_start[row], row_start[row + 1]):
                state.place(work, state.value(terms[i, 0], terms[i, 1], terms[i, 2] < 0))
            state.edges[state.inputs + row] = state.tree(work, deadlines[row])
    return _result(state)


cdef tuple _result(Builder state):
    cdef size_t i
    cdef int32_t[:, ::1] adders = np.empty((state.adders.size(), 6), dtype=np.int32)
    cdef int32_t[:, ::1] roots = np.empty((state.rows, 3), dtype=np.int32)
    cdef int32_t[::1] levels = np.empty(state.nodes.size(), dtype=np.int32)
    for i in range(state.adders.size()):
        adders[i, 0] = state.adders[i].a.node
        adders[i, 1] = state.adders[i].a.shift
        adders[i, 2] = state.adders[i].a.negated
        adders[i, 3] = state.adders[i].b.node
        adders[i, 4] = state.adders[i].b.shift
        adders[i, 5] = state.adders[i].b.negated
    for i in range(<size_t> state.rows):
        roots[i, 0] = state.edges[state.inputs + i].node
        roots[i, 1] = state.edges[state.inputs + i].shift
        roots[i, 2] = state.edges[state.inputs + i].negated
    for i in range(state.nodes.size()):
        levels[i] = state.nodes[i].level
    return np.asarray(adders), np.asarray(roots), np.asarray(levels), state.bits
