# distutils: language = c++
"""Greedy extraction of two-term patterns that occur more than once in a set of signed sums.

A sum is a list of terms ``±value << shift``. A pattern ``a ± (b << d)`` that occurs f times is worth f - 1 adders;
the most valuable one becomes a value of its own, its occurrences become one term each, until no pattern occurs twice
(Hartley 1996).

Why it is fast: a step can only lower the counts of old patterns and create patterns with the new value. So every
pattern enters the heap once, with its final count, and falls to its true place when it is popped; only patterns that
occur twice are stored at all.

Depth: a sum whose terms arrive at levels t can be added by level D if and only if sum(radix**t) <= radix**D, where
radix is the number of operands of an adder (Kraft's inequality). The slack of a sum is the difference of the two
sides; joining terms of unequal arrival spends some of it, and an occurrence that its sum cannot afford is not taken.
"""

from cython.operator cimport dereference
from libc.math cimport ldexp, pow
from libc.stdint cimport INT32_MAX, int8_t, int32_t, int64_t, uint64_t
from libcpp.algorithm cimport sort
from libcpp.pair cimport pair
from libcpp.queue cimport priority_queue
from libcpp.vector cimport vector

import numpy as np

from da4ml_core.cmvm._patterns cimport PatternTable, Slot, scramble
from da4ml_core.cmvm._widths cimport top_of

cdef int ID_BITS = 20
cdef int SHIFT_BIAS = 1 << 22
cdef int MAX_COUNTERS = 1 << 22


cdef struct Term:
    int32_t value
    int32_t shift
    int32_t row
    int32_t slot  # where row_terms[row] lists it
    int8_t sign  # 0: gone


cdef struct Value:
    int32_t level
    int32_t exp
    double lo
    double hi


ctypedef pair[double, pair[uint64_t, uint64_t]] Entry  # score, tie-break, pattern


cdef class Extraction:
    """The state of one greedy run; made and read by `extract`."""

    cdef vector[Term] terms
    cdef vector[Value] values
    cdef vector[vector[int32_t]] row_terms
    cdef vector[vector[int32_t]] value_terms  # by row, then shift
    cdef vector[int64_t] slack
    cdef vector[int32_t] positives
    cdef vector[int64_t] power  # radix**(level - base), at least 1
    cdef int32_t base
    cdef PatternTable table
    cdef priority_queue[Entry] heap
    cdef vector[pair[int32_t, int32_t]] matches
    cdef vector[uint64_t] fresh
    cdef vector[uint64_t] gone
    cdef vector[int32_t] joins  # value, shift, value, shift, negated: 5 numbers a pattern
    cdef bint limited
    cdef int radix
    cdef double width_weight
    cdef double overhead
    cdef int policy
    cdef uint64_t seed

    def __cinit__(self):
        self.table = PatternTable()

    cdef inline uint64_t key_of(self, Term x, Term y) noexcept nogil:
        """The pattern of two terms of one row; 0 where it has no name."""
        cdef Term z
        if x.value > y.value or (x.value == y.value and x.shift > y.shift):
            z = x
            x = y
            y = z
        return self.name(x.value, y.value, <int64_t> y.shift - x.shift, x.sign != y.sign)

    cdef inline uint64_t name(self, int32_t a, int32_t b, int64_t d, bint difference) noexcept nogil:
        """``a ± (b << d)`` in 64 bits; 0 where that is too far."""
        if d <= -SHIFT_BIAS or d >= SHIFT_BIAS:
            return 0
        return ((<uint64_t> a) << 44) | ((<uint64_t> b) << 24) | (<uint64_t> (d + SHIFT_BIAS) << 1) | difference

    cdef Value join(self, uint64_t key) noexcept nogil:
        """Level and plain interval of a pattern's value."""
        cdef Value a = self.values[key >> 44], b = self.values[(key >> 24) & ((1 << ID_BITS) - 1)], z
        cdef int d = <int> ((key >> 1) & ((1 << 23) - 1)) - SHIFT_BIAS
        cdef double scale_a = ldexp(1.0, max(0, -d)), scale_b = ldexp(1.0, max(0, d))
        z.level = max(a.level, b.level) + 1
        z.exp = min(a.exp + max(0, -d), b.exp + max(0, d))
        if key & 1:
            z.lo = a.lo * scale_a - b.hi * scale_b
            z.hi = a.hi * scale_a - b.lo * scale_b
        else:
            z.lo = a.lo * scale_a + b.lo * scale_b
            z.hi = a.hi * scale_a + b.hi * scale_b
        return z

    cdef float worth(self, uint64_t key) noexcept nogil:
        """What one avoided addition of this pattern is worth: 1, or a power of its carry chain's bits."""
        cdef Value a = self.values[key >> 44], b = self.values[(key >> 24) & ((1 << ID_BITS) - 1)]
        cdef int d = <int> ((key >> 1) & ((1 << 23) - 1)) - SHIFT_BIAS
        cdef Value z = self.join(key)
        cdef int start = max(a.exp + max(0, -d), b.exp + max(0, d))
        cdef double bits = max(1, top_of(z.lo, z.hi, z.exp) - start)
        return <float> pow(bits, self.width_weight)

    cdef inline double gain(self, int32_t count) noexcept nogil:
        """Adders that a pattern saves: each occurrence takes one operand off a sum, and the pattern is an adder."""
        return count / <double> (self.radix - 1) - self.overhead

    cdef void push(self, uint64_t key, int32_t count, float worth) noexcept nogil:
        cdef Entry entry
        entry.first = self.gain(count) * worth
        if entry.first <= 0:
            return
        entry.second.second = key
        if self.policy == 0:
            entry.second.first = ~key
        elif self.policy == 1:
            entry.second.first = ((key >> 24) << 44) | (key >> 44)
        elif self.policy == 2:
            entry.second.first = ((key >> 24) << 44) | (scramble(key ^ self.seed) >> 20)
        else:
            entry.second.first = scramble(key ^ self.seed)
        self.heap.push(entry)

    cdef void requeue(self, uint64_t key) noexcept nogil:
        """Queue a pattern at its present count, if it still occurs twice."""
        cdef Slot* slot = self.table.find(key)
        cdef int32_t count = min(slot.count, slot.cap)
        if count >= 2:
            self.push(key, count, slot.worth)

    cdef void announce(self, uint64_t key, int32_t count) noexcept nogil:
        """Store and queue a pattern that occurs so often."""
        cdef float worth
        if count >= 2 and key != 0:
            worth = self.worth(key)
            self.table.insert(key, count, INT32_MAX, worth)
            self.push(key, count, worth)

    cdef void announce_fresh(self) noexcept nogil:
        """Announce every pattern that `fresh` lists."""
        cdef size_t i = 0, j
        sort(self.fresh.begin(), self.fresh.end())
        while i < self.fresh.size():
            j = i + 1
            while j < self.fresh.size() and self.fresh[j] == self.fresh[i]:
                j += 1
            self.announce(self.fresh[i], <int32_t> (j - i))
            i = j
        self.fresh.clear()

    cdef void count_all(self) noexcept nogil:
        """The patterns of the given terms, by smaller value: in an array where shifts are near, else by sorting."""
        cdef int32_t low = 0, high = 0, value, x, y
        cdef int64_t width, i, d, values = <int64_t> self.value_terms.size()
        cdef vector[int32_t] counts
        cdef Term a, b
        for a in self.terms:
            low = min(low, a.shift)
            high = max(high, a.shift)
        width = 2 * (2 * (<int64_t> high - low) + 1)
        cdef bint near = values * width < MAX_COUNTERS
        if near:
            counts.resize(values * width)
        for value in range(values):
            for x in self.value_terms[value]:
                a = self.terms[x]
                for y in self.row_terms[a.row]:
                    b = self.terms[y]
                    if b.value < value or (b.value == value and b.shift <= a.shift):
                        continue
                    if near:
                        counts[b.value * width + 2 * (b.shift - a.shift + high - low) + (a.sign != b.sign)] += 1
                    else:
                        self.fresh.push_back(self.key_of(a, b))
            self.announce_fresh()
            if near:
                for i in range(value * width, values * width):
                    if counts[i] >= 2:
                        d = (i % width) // 2 - high + low
                        self.announce(self.name(value, <int32_t> (i // width), d, i & 1), counts[i])
                    counts[i] = 0

    cdef void forget(self, int32_t x, int32_t skip) noexcept nogil:
        """One occurrence less of every pattern of term x with its row's other terms; x leaves the row."""
        cdef Term gone = self.terms[x]
        cdef int32_t y, last
        self.gone.clear()
        for y in self.row_terms[gone.row]:
            if y != x and y != skip:
                self.gone.push_back(self.key_of(gone, self.terms[y]))
        self.table.drop_all(self.gone)
        last = self.row_terms[gone.row].back()
        self.row_terms[gone.row][gone.slot] = last
        self.terms[last].slot = gone.slot
        self.row_terms[gone.row].pop_back()
        self.terms[x].sign = 0

    cdef int32_t add_term(self, int32_t value, int32_t shift, int32_t row, int8_t sign) noexcept nogil:
        cdef Term term
        term.value = value
        term.shift = shift
        term.row = row
        term.sign = sign
        term.slot = <int32_t> self.row_terms[row].size()
        self.terms.push_back(term)
        self.row_terms[row].push_back(<int32_t> self.terms.size() - 1)
        self.value_terms[value].push_back(<int32_t> self.terms.size() - 1)
        return <int32_t> self.terms.size() - 1

    cdef void compact(self, int32_t value) noexcept nogil:
        cdef size_t i, kept = 0
        cdef vector[int32_t]* listed = &self.value_terms[value]
        for i in range(listed.size()):
            if self.terms[dereference(listed)[i]].sign != 0:
                dereference(listed)[kept] = dereference(listed)[i]
                kept += 1
        listed.resize(kept)

    cdef int64_t price(self, uint64_t key) noexcept nogil:
        """Slack that one occurrence spends."""
        cdef int32_t a = self.values[key >> 44].level, b = self.values[(key >> 24) & ((1 << ID_BITS) - 1)].level
        return self.weight(max(a, b) + 1) - self.weight(a) - self.weight(b)

    cdef inline int64_t weight(self, int32_t level) noexcept nogil:
        """Levels below the base count as the base, which errs on the safe side."""
        return self.power[max(0, level - self.base)]

    cdef int match(self, uint64_t key) noexcept nogil:
        """Fill `matches` with disjoint affordable occurrences, by row and shift; returns the sign of operand a.

        A row keeps at least one positive term if it has one, because a sum of negative terms ends in a negation.
        For a difference, either operand can be the positive one: the better of the two is taken.
        """
        cdef int32_t a = <int32_t> (key >> 44), b = <int32_t> ((key >> 24) & ((1 << ID_BITS) - 1))
        cdef int d = <int> ((key >> 1) & ((1 << 23) - 1)) - SHIFT_BIAS
        cdef int8_t relation = -1 if key & 1 else 1
        cdef size_t i, j = 0, kept
        cdef Term x, y
        cdef int32_t row = -1
        cdef int64_t left = 0, cost = self.price(key) if self.limited else 0
        cdef int against_first = 0, against_second = 0
        self.matches.clear()
        self.compact(a)
        if b != a:
            self.compact(b)
        for i in range(self.value_terms[a].size()):
            x = self.terms[self.value_terms[a][i]]
            if x.sign == 0:  # taken as the second term of a match of a value with itself
                continue
            while j < self.value_terms[b].size():
                y = self.terms[self.value_terms[b][j]]
                if y.row > x.row or (y.row == x.row and y.shift >= x.shift + d):
                    break
                j += 1
            if j == self.value_terms[b].size():
                break
            if y.row != x.row or y.shift != x.shift + d or x.sign * y.sign != relation:
                continue
            if row != x.row:
                row = x.row
                left = self.slack[row]
            if self.limited and left < cost:
                continue
            left -= cost
            if relation < 0 and self.positives[row] == 1:
                against_first += x.sign < 0
                against_second += x.sign > 0
            if a == b:
                self.terms[self.value_terms[b][j]].sign = 0
            self.matches.push_back(pair[int32_t, int32_t](self.value_terms[a][i], self.value_terms[b][j]))
        if a == b:
            for i in range(self.matches.size()):
                self.terms[self.matches[i].second].sign = relation * self.terms[self.matches[i].first].sign
        cdef int8_t first = 1 if against_first <= against_second else -1
        if against_first and against_second:
            kept = 0
            for i in range(self.matches.size()):
                x = self.terms[self.matches[i].first]
                if self.positives[x.row] > 1 or x.sign == first:
                    self.matches[kept] = self.matches[i]
                    kept += 1
            self.matches.resize(kept)
        return first

    cdef void substitute(self, uint64_t key, int first) noexcept nogil:
        """Make the pattern a value and put it into its matches."""
        cdef int32_t a = <int32_t> (key >> 44), b = <int32_t> ((key >> 24) & ((1 << ID_BITS) - 1))
        cdef int d = <int> ((key >> 1) & ((1 << 23) - 1)) - SHIFT_BIAS
        cdef int32_t value = <int32_t> self.values.size(), begin = <int32_t> self.terms.size(), shift, row, x, y
        cdef int32_t taken = 0
        cdef int8_t sign
        cdef size_t i
        cdef int64_t cost = self.price(key) if self.limited else 0
        cdef Value made = self.join(key)
        cdef double low = made.lo
        if first < 0:
            made.lo = -made.hi
            made.hi = -low
        self.values.push_back(made)
        self.value_terms.resize(value + 1)
        self.joins.push_back(a)
        self.joins.push_back(max(0, -d))
        self.joins.push_back(b)
        self.joins.push_back(max(0, d))
        self.joins.push_back(((key & 1) != 0) + 2 * (first < 0))
        for i in range(self.matches.size()):
            x = self.matches[i].first
            y = self.matches[i].second
            row = self.terms[x].row
            sign = self.terms[x].sign
            if sign != first and 0 < self.positives[row] == (sign > 0) + (self.terms[y].sign > 0):
                continue  # earlier matches took the row's other positive terms
            taken += 1
            shift = self.terms[x].shift - max(0, -d)
            self.positives[row] -= (sign > 0) + (self.terms[y].sign > 0)
            self.forget(x, y)
            self.forget(y, y)
            self.slack[row] -= cost
            sign = sign * first
            self.positives[row] += sign > 0
            self.add_term(value, shift, row, sign)
        self.table.drop(key, taken)
        self.requeue(key)
        for x in range(begin, <int32_t> self.terms.size()):
            for y in self.row_terms[self.terms[x].row]:
                if y < begin or y > x:
                    self.fresh.push_back(self.key_of(self.terms[x], self.terms[y]))
        self.announce_fresh()

    cdef void run(self) noexcept nogil:
        cdef Entry entry
        cdef uint64_t key
        cdef Slot* slot
        cdef int32_t count
        cdef int first
        while not self.heap.empty() and <int> self.values.size() < (1 << ID_BITS):
            entry = self.heap.top()
            self.heap.pop()
            key = entry.second.second
            slot = self.table.find(key)
            if slot.key == 0:
                continue
            count = min(slot.count, slot.cap)
            if count < 2:
                continue
            if self.gain(count) * slot.worth < entry.first:
                self.requeue(key)
                continue
            first = self.match(key)
            if <int32_t> self.matches.size() < count:
                slot.cap = <int32_t> self.matches.size()
                self.requeue(key)
                continue
            self.substitute(key, first)


def extract(
    const int32_t[::1] row_start, const int32_t[:, ::1] terms, const int32_t[::1] levels, const int32_t[::1] exps,
    const double[::1] lows, const double[::1] highs, const int64_t[::1] slack, const int64_t[::1] power, int base,
    bint limited, int radix, double width_weight, double overhead, int policy, uint64_t seed,
):
    """Run the extraction; returns ``(joins, row_start, terms)``.

    ``terms`` has the columns value, shift, sign (±1), sorted by value and shift within a row;
    row r is ``row_start[r]:row_start[r+1]``.
    Value v has the arrival ``levels[v]``, the plain interval [lows[v], highs[v]] and the step ``2**exps[v]``.
    ``slack`` is that of each row in units of ``power`` (radix**(level - base)); both are ignored unless ``limited``.
    A join has the columns value, shift, value, shift, signs: bit 0 set for a difference, bit 1 for its negative.
    """
    cdef Extraction state = Extraction()
    cdef int32_t row, rows = <int32_t> row_start.shape[0] - 1, i
    cdef Value value
    for i in range(levels.shape[0]):
        value.level = levels[i]
        value.exp = exps[i]
        value.lo = lows[i]
        value.hi = highs[i]
        state.values.push_back(value)
    for i in range(power.shape[0]):
        state.power.push_back(power[i])
    state.base = base
    state.limited = limited
    state.radix = radix
    state.width_weight = width_weight
    state.overhead = overhead
    state.policy = policy
    state.seed = seed
    state.row_terms.resize(rows)
    state.value_terms.resize(state.values.size())
    for row in range(rows):
        state.slack.push_back(slack[row])
        state.positives.push_back(0)
        for i in range(row_start[row], row_start[row + 1]):
            state.add_term(terms[i, 0], terms[i, 1], row, <int8_t> terms[i, 2])
            state.positives[row] += terms[i, 2] > 0
    with nogil:
        state.count_all()
        state.run()
    return _result(state, rows)


cdef tuple _result(Extraction state, int32_t rows):
    cdef int32_t[::1] starts = np.zeros(rows + 1, dtype=np.int32)
    cdef int32_t row, term
    cdef size_t total = 0, i
    for row in range(rows):
        total += state.row_terms[row].size()
        starts[row + 1] = <int32_t> total
    cdef int32_t[:, ::1] left = np.empty((total, 3), dtype=np.int32)
    total = 0
    for row in range(rows):
        for term in state.row_terms[row]:
            left[total, 0] = state.terms[term].value
            left[total, 1] = state.terms[term].shift
            left[total, 2] = state.terms[term].sign
            total += 1
    cdef int32_t[::1] joins = np.empty(state.joins.size(), dtype=np.int32)
    for i in range(state.joins.size()):
        joins[i] = state.joins[i]
    return np.asarray(joins).reshape(-1, 5), np.asarray(starts), np.asarray(left)
