# distutils: language = c++
"""From joins and sums of terms to adders of two or three operands; values are numbered, and nothing unused is emitted.

A join that only one sum uses is no value of its own: its operands are terms of that sum. A tree is grown like
Huffman's: of the lowest terms, those whose sum has the lowest top bit are added first, because the low ends of the
carry chains of a sum do not depend on the order, but the tops do. Under a deadline they must also be affordable (see
`_extract`); the earliest always are.
"""

from libc.math cimport ldexp
from libc.stdint cimport int32_t, int64_t, uint64_t
from libcpp.algorithm cimport sort
from libcpp.unordered_map cimport unordered_map
from libcpp.vector cimport vector

import numpy as np

from da4ml_core.cmvm._patterns cimport scramble
from da4ml_core.cmvm._widths cimport top_of

cdef int32_t ABSENT = -1
cdef int32_t ZERO = -2
cdef int32_t NONE = -3


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
    Edge[3] of  # the third is NONE in a binary adder


cdef struct Choice:
    size_t[3] terms
    int count


cdef inline bint before(Edge x, Edge y) noexcept nogil:
    return x.node < y.node or (x.node == y.node and x.shift < y.shift)


cdef inline bint equal(Edge x, Edge y) noexcept nogil:
    return x.node == y.node and x.shift == y.shift and x.negated == y.negated


cdef class Builder:
    """The adders emitted so far and the edge of every value."""

    cdef vector[Node] nodes
    cdef vector[Adder] adders
    cdef vector[Edge] edges  # of values: inputs, then rows, then joins
    cdef vector[int32_t] due  # when each value must be ready at the latest
    cdef vector[bint] inlined  # joins that are no values of their own
    cdef vector[int32_t] joins
    cdef vector[int64_t] power
    cdef unordered_map[uint64_t, vector[int32_t]] numbering
    cdef int32_t inputs
    cdef int32_t rows
    cdef bint limited
    cdef int window
    cdef int max_operands
    cdef double bits

    cdef int top(self, Edge x) noexcept nogil:
        cdef Node node = self.nodes[x.node]
        if x.negated:
            return top_of(-node.hi, -node.lo, node.exp) + x.shift
        return top_of(node.lo, node.hi, node.exp) + x.shift

    cdef Node sum_node(self, Edge* operands, int count) noexcept nogil:
        """Level and plain interval of an adder of these operands."""
        cdef Node a, z
        cdef double scale
        cdef int i
        z.level = 0
        z.exp = 1 << 30
        z.lo = z.hi = 0
        for i in range(count):
            a = self.nodes[operands[i].node]
            scale = ldexp(1.0, operands[i].shift)
            z.level = max(z.level, a.level + 1)
            z.exp = min(z.exp, a.exp + operands[i].shift)
            z.lo += (-a.hi if operands[i].negated else a.lo) * scale
            z.hi += (-a.lo if operands[i].negated else a.hi) * scale
        return z

    cdef int chain_bits(self, Edge* operands, int count, Node z) noexcept nogil:
        """Bits of the carry chain; the rule is that of `da4ml_core.ir.cost.adder_chain_bits`."""
        cdef int first = 1 << 30, second = 1 << 30, negative = 1 << 30, low, i
        cdef Node a, b
        for i in range(count):
            low = self.nodes[operands[i].node].exp + operands[i].shift
            if operands[i].negated:
                negative = min(negative, low)
            elif low < first:
                second = first
                first = low
            else:
                second = min(second, low)
        if count == 2 and negative == 1 << 30:
            a = self.nodes[operands[0].node]
            b = self.nodes[operands[1].node]
            if a.lo >= 0 and top_of(a.lo, a.hi, a.exp) + operands[0].shift <= b.exp + operands[1].shift:
                return 0
            if b.lo >= 0 and top_of(b.lo, b.hi, b.exp) + operands[1].shift <= a.exp + operands[0].shift:
                return 0
        return max(0, top_of(z.lo, z.hi, z.exp) - min(second, negative))

    cdef Edge emit(self, Edge* operands, int count) noexcept nogil:
        """The edge of a sum: an adder, an adder that exists already, or wiring."""
        cdef Edge z, x
        cdef Node node
        cdef Adder adder
        cdef int32_t known
        cdef uint64_t key = 0
        cdef int i, j
        cdef bint same
        for i in range(count - 1, -1, -1):
            if operands[i].node == ZERO:
                count -= 1
                operands[i] = operands[count]
        if count == 0:
            z.node = ZERO
            z.shift = 0
            z.negated = False
            return z
        for i in range(count):
            for j in range(i + 1, count):
                if operands[i].node == operands[j].node and operands[i].shift == operands[j].shift:
                    operands[i].shift += 1
                    if operands[i].negated != operands[j].negated:
                        operands[i].node = ZERO
                    operands[j].node = ZERO
                    return self.emit(operands, count)
        if count == 1:
            return operands[0]
        for i in range(1, count):
            j = i
            while j > 0 and before(operands[j], operands[j - 1]):
                x = operands[j]
                operands[j] = operands[j - 1]
                operands[j - 1] = x
                j -= 1
        z.negated = True
        z.shift = operands[0].shift
        for i in range(count):
            z.negated = z.negated and operands[i].negated
            z.shift = min(z.shift, operands[i].shift)
        for i in range(count):
            operands[i].shift -= z.shift
            operands[i].negated = operands[i].negated and not z.negated
            key ^= (<uint64_t> operands[i].node << 24) ^ (<uint64_t> operands[i].shift << 1)
            key = scramble(key ^ operands[i].negated)
        for known in self.numbering[key]:
            same = (self.adders[known].of[2].node == NONE) == (count == 2)
            for i in range(count):
                same = same and equal(self.adders[known].of[i], operands[i])
            if same:
                z.node = self.inputs + known
                return z
        node = self.sum_node(operands, count)
        self.bits += self.chain_bits(operands, count, node)
        adder.of[2].node = NONE
        for i in range(count):
            adder.of[i] = operands[i]
        self.numbering[key].push_back(<int32_t> self.adders.size())
        self.adders.push_back(adder)
        self.nodes.push_back(node)
        z.node = <int32_t> self.nodes.size() - 1
        return z

    cdef inline int adders_for(self, int terms) noexcept nogil:
        return (terms - 1 + self.max_operands - 2) // (self.max_operands - 1)

    cdef void plan(self, const int32_t[::1] row_start, const int32_t[:, ::1] terms) noexcept nogil:
        """Decide which joins are values and which only terms of the sums that use them.

        A join with one user is never a value. One with more users is dissolved into them all where that needs fewer
        adders, because half of a ternary adder lies idle in each.
        """
        cdef vector[vector[int32_t]] users  # the sums that refer to a value
        cdef vector[int32_t] sizes  # terms of a sum
        cdef int32_t first = self.inputs + self.rows, value, row, i, at, owner, size, saved
        users.resize(self.edges.size())
        sizes.resize(self.edges.size(), 2)
        for row in range(self.rows):
            sizes[self.inputs + row] = row_start[row + 1] - row_start[row]
            for i in range(row_start[row], row_start[row + 1]):
                users[terms[i, 0]].push_back(self.inputs + row)
        for value in range(<int32_t> self.edges.size() - 1, first - 1, -1):
            if users[value].empty():
                continue
            owner = users[value][0] if users[value].size() == 1 else value
            self.inlined[value] = owner != value
            sizes[owner] += self.inlined[value]
            at = 5 * (value - first)
            users[self.joins[at]].push_back(owner)
            users[self.joins[at + 2]].push_back(owner)
        if self.max_operands == 2:
            return
        for value in range(<int32_t> self.edges.size() - 1, first - 1, -1):
            if self.inlined[value] or users[value].empty():
                continue
            i = 0
            while i < <int32_t> users[value].size():  # the users of a dissolved value are its terms' users
                owner = users[value][i]
                if owner >= first and self.inlined[owner]:
                    users[value][i] = users[owner].back()
                    users[value].insert(users[value].end(), users[owner].begin(), users[owner].end() - 1)
                else:
                    i += 1
            size = sizes[value] - 1
            saved = self.adders_for(size + 1)
            for owner in users[value]:
                saved += self.adders_for(sizes[owner]) - self.adders_for(sizes[owner] + size)
                sizes[owner] += size
            self.inlined[value] = saved > 0
            if saved <= 0:
                for owner in users[value]:
                    sizes[owner] -= size

    cdef void collect(self, vector[Edge]& terms, int32_t value, int32_t shift, bint negated) noexcept nogil:
        """Append the terms that ``±value << shift`` contributes to a sum."""
        cdef Edge x
        if self.edges[value].node == ABSENT:
            if self.inlined[value]:
                self.operands(terms, value, shift, negated)
                return
            self.make(value)
        x = self.edges[value]
        x.shift += shift
        x.negated = x.negated != negated
        self.place(terms, x)

    cdef void operands(self, vector[Edge]& terms, int32_t join, int32_t shift, bint negated) noexcept nogil:
        cdef int32_t at = 5 * (join - self.inputs - self.rows)
        cdef bint flipped = (self.joins[at + 4] & 2) != 0, difference = (self.joins[at + 4] & 1) != 0
        self.collect(terms, self.joins[at], shift + self.joins[at + 1], flipped != negated)
        self.collect(terms, self.joins[at + 2], shift + self.joins[at + 3], (flipped != difference) != negated)

    cdef void make(self, int32_t join) noexcept nogil:
        """Emit a join that is a value."""
        cdef vector[Edge] terms
        self.operands(terms, join, 0, False)
        self.edges[join] = self.tree(terms, self.due[join])

    cdef void place(self, vector[Edge]& terms, Edge x) noexcept nogil:
        """Insert by top bit."""
        cdef size_t at
        cdef int top
        if x.node == ZERO:
            return
        top = self.top(x)
        terms.push_back(x)
        at = terms.size() - 1
        while at > 0 and self.top(terms[at - 1]) > top:
            terms[at] = terms[at - 1]
            at -= 1
        terms[at] = x

    cdef inline int64_t weight(self, int32_t level, int32_t base) noexcept nogil:
        return self.power[max(0, level - base)] if self.limited else 0

    cdef Choice lowest(self, vector[Edge]& terms, int count, int64_t slack, int32_t base) noexcept nogil:
        """The affordable terms among the lowest whose sum has a low top and a short chain; count 0 if there are none.

        The weights of the two are those that gave the fewest bits on random matrices: see docs/cmvm.md.
        """
        cdef Choice choice
        cdef size_t width = min(terms.size(), <size_t> self.window), i, j, k, last
        cdef int64_t best = -1, score, price, top_weight = 2 if self.max_operands == 3 else 16
        cdef Edge[3] operands
        cdef Node node
        cdef int m
        choice.count = 0
        for i in range(width):
            operands[0] = terms[i]
            for j in range(i + 1, width):
                operands[1] = terms[j]
                last = width if count == 3 else j + 2
                for k in range(j + 1, last):
                    if count == 3:
                        operands[2] = terms[k]
                    node = self.sum_node(operands, count)
                    if self.limited:
                        price = self.weight(node.level, base)
                        for m in range(count):
                            price -= self.weight(self.nodes[operands[m].node].level, base)
                        if price > slack:
                            continue
                    score = top_weight * (top_of(node.lo, node.hi, node.exp) + 100000)
                    score += self.chain_bits(operands, count, node)
                    score = (score << 20) + node.level
                    if best < 0 or score < best:
                        best = score
                        choice.count = count
                        choice.terms[0] = i
                        choice.terms[1] = j
                        choice.terms[2] = k
        return choice

    cdef Choice earliest(self, vector[Edge]& terms) noexcept nogil:
        """The terms that Kraft's inequality always allows to add: the two earliest, or three if the last two tie."""
        cdef Choice choice
        cdef size_t i
        cdef int m, n
        choice.count = 0
        for i in range(terms.size()):
            m = choice.count
            while m > 0 and self.nodes[terms[choice.terms[m - 1]].node].level > self.nodes[terms[i].node].level:
                m -= 1
            if m < 3:
                choice.count = min(3, choice.count + 1)
                for n in range(choice.count - 1, m, -1):
                    choice.terms[n] = choice.terms[n - 1]
                choice.terms[m] = i
        if choice.count == 3 and (
            self.max_operands == 2
            or self.nodes[terms[choice.terms[2]].node].level > self.nodes[terms[choice.terms[1]].node].level
        ):
            choice.count = 2
        sort(&choice.terms[0], &choice.terms[0] + choice.count)
        return choice

    cdef Edge tree(self, vector[Edge]& terms, int32_t deadline) noexcept nogil:
        """Add up terms that are sorted by top bit."""
        cdef int64_t slack
        cdef int32_t base = max(0, deadline - <int32_t> self.power.size() + 2)
        cdef Choice choice
        cdef Edge[3] operands
        cdef Edge x
        cdef int m
        slack = self.weight(deadline, base)
        for x in terms:
            slack -= self.weight(self.nodes[x.node].level, base)
        while terms.size() > 1:
            choice.count = 0
            if self.max_operands == 3 and terms.size() % 2 == 1:
                choice = self.lowest(terms, 3, slack, base)
            if choice.count == 0:
                choice = self.lowest(terms, 2, slack, base)
            if choice.count == 0:
                choice = self.earliest(terms)
            for m in range(choice.count - 1, -1, -1):
                operands[m] = terms[choice.terms[m]]
                slack += self.weight(self.nodes[operands[m].node].level, base)
                terms.erase(terms.begin() + choice.terms[m])
            x = self.emit(operands, choice.count)
            if x.node != ZERO:
                slack -= self.weight(self.nodes[x.node].level, base)
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
    const int32_t[::1] order, const int32_t[::1] deadlines, bint limited, const int64_t[::1] power,
    int max_operands, int window,
):
    """Emit the rows in ``order`` (a row after those it refers to); returns ``(adders, roots, bits)``.

    The arguments have the form of `extract`'s, with levels and intervals of the inputs alone; ``power`` are powers of
    ``max_operands``. An adder has the columns node, shift, negated, three times (the third node is -3 in a binary one);
    nodes are the inputs, then the adders. A root has the columns node (-2: zero), shift, negated.
    """
    cdef Builder state = Builder()
    cdef Node node
    cdef Edge edge
    cdef int32_t i, row
    cdef vector[Edge] work
    state.inputs = <int32_t> levels.shape[0]
    state.rows = <int32_t> row_start.shape[0] - 1
    state.limited = limited
    state.window = window
    state.max_operands = max_operands
    edge.shift = 0
    edge.negated = False
    for i in range(state.inputs):
        node.level = levels[i]
        node.exp = exps[i]
        node.lo = lows[i]
        node.hi = highs[i]
        state.nodes.push_back(node)
        edge.node = i
        state.edges.push_back(edge)
        state.due.push_back(levels[i])
    edge.node = ABSENT
    state.edges.resize(state.inputs + state.rows + joins.shape[0], edge)
    state.inlined.resize(state.edges.size(), False)
    for row in range(state.rows):
        state.due.push_back(deadlines[row])
    for i in range(joins.shape[0]):
        for row in range(5):
            state.joins.push_back(joins[i, row])
        state.due.push_back(max(state.due[joins[i, 0]], state.due[joins[i, 2]]) + 1)
    for i in range(power.shape[0]):
        state.power.push_back(power[i])
    with nogil:
        state.plan(row_start, terms)
        for row in order:
            work.clear()
            for i in range(row_start[row], row_start[row + 1]):
                state.collect(work, terms[i, 0], terms[i, 1], terms[i, 2] < 0)
            state.edges[state.inputs + row] = state.tree(work, deadlines[row])
    return _result(state)


cdef tuple _result(Builder state):
    cdef size_t i
    cdef int k
    cdef int32_t[:, ::1] adders = np.zeros((state.adders.size(), 9), dtype=np.int32)
    cdef int32_t[:, ::1] roots = np.empty((state.rows, 3), dtype=np.int32)
    cdef Edge edge
    for i in range(state.adders.size()):
        for k in range(3):
            edge = state.adders[i].of[k]
            adders[i, 3 * k] = edge.node
            if edge.node != NONE:
                adders[i, 3 * k + 1] = edge.shift
                adders[i, 3 * k + 2] = edge.negated
    for i in range(<size_t> state.rows):
        edge = state.edges[state.inputs + i]
        roots[i, 0] = edge.node
        roots[i, 1] = edge.shift
        roots[i, 2] = edge.negated
    return np.asarray(adders), np.asarray(roots), state.bits
