# distutils: language = c++
# distutils: extra_compile_args = -std=c++17
# distutils: depends = core/da4ml_core/cmvm/local_search.hh core/da4ml_core/cmvm/sums.hh core/da4ml_core/cmvm/carry.hh
"""Local search on a graph of shared sums, from where the greedy extraction left it; see `local_search.hh`."""

from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint64_t
from libcpp cimport bool as boolean
from libcpp.vector cimport vector


cdef extern from 'local_search.hh' namespace 'da4ml' nogil:
    cdef cppclass Term:
        int32_t value, shift, sign

    cdef cppclass Sums:
        vector[int32_t] deadlines
        int64_t work, bits, adders
        boolean broken, limited
        int late
        void add_input(int, int, double, double)
        int32_t create(const int64_t*)
        int32_t create_of 'create'(const vector[Term]&)
        void set(int32_t, vector[Term])

    cdef cppclass Settings 'da4ml::LocalSearch::Settings':
        double adder_weight, hot, cold, noise

    cdef cppclass Search 'da4ml::LocalSearch':
        Search(int, int, int, uint64_t)
        Sums state
        Settings settings
        vector[vector[Term]] best
        double best_cost
        int64_t steps, accepted
        void begin()
        void advance(int64_t, int64_t)


cdef vector[Term] terms_between(const int32_t[:, ::1] terms, int32_t begin, int32_t end):
    cdef vector[Term] found
    cdef Term term
    cdef int32_t i
    for i in range(begin, end):
        term.value = terms[i, 0]
        term.shift = terms[i, 1]
        term.sign = terms[i, 2]
        found.push_back(term)
    return found


cdef class LocalSearch:
    """One chain of the search; `advance` may run in any thread.

    ``forms`` are the rows. Values are the inputs, the rows, and either the joins or the other sums, which refer to
    rows and earlier ones; all the rest has the form of the arguments of `_trees.build`.
    """

    cdef Search* search
    cdef int64_t total
    cdef size_t inputs, rows

    def __cinit__(
        self, const int32_t[::1] levels, const int32_t[::1] exps, const double[::1] lows, const double[::1] highs,
        const int64_t[:, ::1] forms, const int32_t[:, ::1] joins, const int32_t[::1] row_start,
        const int32_t[:, ::1] terms, deadlines, int radix, uint64_t seed, int64_t total,
        double adder_weight, double hot, double cold, double noise,
    ):
        cdef int32_t inputs = <int32_t> levels.shape[0], rows = <int32_t> forms.shape[0], i, j
        cdef vector[Term] terms_of
        cdef Term term
        self.total = total
        self.inputs = inputs
        self.rows = rows
        self.search = new Search(inputs, rows, radix, seed)
        self.search.settings.adder_weight = adder_weight
        self.search.settings.hot = hot
        self.search.settings.cold = cold
        self.search.settings.noise = noise
        self.search.state.limited = deadlines is not None
        for i in range(inputs):
            self.search.state.add_input(levels[i], exps[i], lows[i], highs[i])
        for i in range(rows):
            self.search.state.deadlines.push_back(INT32_MAX if deadlines is None else deadlines[i])
            self.search.state.create(&forms[i, 0])
        for i in range(joins.shape[0]):
            terms_of.clear()
            for j in range(2):
                term.value = joins[i, 2 * j]
                term.shift = joins[i, 2 * j + 1]
                term.sign = -1 if joins[i, 4] & 2 else 1
                if j == 1 and joins[i, 4] & 1:
                    term.sign = -term.sign
                terms_of.push_back(term)
            self.search.state.create_of(terms_of)
            self.search.state.set(inputs + rows + i, terms_of)
        for i in range(rows, <int32_t> row_start.shape[0] - 1):
            terms_of = terms_between(terms, row_start[i], row_start[i + 1])
            self.search.state.create_of(terms_of)
            self.search.state.set(inputs + i, terms_of)
        for i in range(rows):
            self.search.state.set(inputs + i, terms_between(terms, row_start[i], row_start[i + 1]))
        self.search.begin()

    def __dealloc__(self):
        del self.search

    @property
    def sound(self):
        """Whether the search can start: sums have positive terms, numbers fit, and nothing is late."""
        return not self.search.state.broken and self.search.state.late == 0

    @property
    def cost(self):
        """Estimated bits of the best graph."""
        return self.search.best_cost

    @property
    def counts(self):
        """Steps and accepted steps."""
        return self.search.steps, self.search.accepted

    def advance(self, int64_t until):
        """Search until so much work is done in all."""
        with nogil:
            self.search.advance(until, self.total)

    def graph(self):
        """The sums of the best graph: ``{value: [(value, shift, sign), ...]}``."""
        cdef size_t value
        cdef Term term
        found = {}
        for value in range(self.inputs, self.search.best.size()):
            if value < self.inputs + self.rows or not self.search.best[value].empty():
                found[value] = [(term.value, term.shift, term.sign) for term in self.search.best[value]]
        return found
