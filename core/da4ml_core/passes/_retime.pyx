# distutils: language = c++
# distutils: extra_compile_args = -std=c++17
# distutils: depends = core/da4ml_core/passes/retime.hh core/da4ml_core/passes/closure.hh
"""Register placement with the fewest bits, exactly; see `retime.hh`."""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libcpp cimport bool as boolean
from libcpp.vector cimport vector


cdef extern from 'retime.hh' namespace 'da4ml' nogil:
    cdef cppclass Value 'da4ml::Retiming::Value':
        int64_t width, delay
        int32_t stage
        boolean fixed, is_output
        vector[int32_t] operands

    cdef cppclass Search 'da4ml::Retiming':
        vector[Value] values
        int64_t limit, rounds, pairs
        void connect()
        int32_t as_soon_as_possible()
        boolean ascend(int32_t) except +


cdef class Retiming:
    """Values in topological order: ``operands[start[i]:start[i + 1]]`` are those of value i.

    Only values of a width above 0 have hardware, and only such may be operands. Values that are ``fixed`` stay in
    ``stages``, the others begin as early as they can. Delays have one unit, whichever.
    """

    cdef Search search
    cdef int64_t longest

    def __cinit__(
        self, const int64_t[::1] widths, const int64_t[::1] delays, const int32_t[::1] start,
        const int32_t[::1] operands, const uint8_t[::1] fixed, const uint8_t[::1] is_output, const int32_t[::1] stages,
    ):
        cdef int32_t i, j
        self.search.values.resize(widths.shape[0])
        self.longest = 0
        for i in range(<int32_t> widths.shape[0]):
            self.search.values[i].width = widths[i]
            self.search.values[i].delay = delays[i]
            self.search.values[i].fixed = fixed[i]
            self.search.values[i].is_output = is_output[i]
            self.search.values[i].stage = stages[i]
            for j in range(start[i], start[i + 1]):
                self.search.values[i].operands.push_back(operands[j])
            if widths[i]:
                self.longest = max(self.longest, delays[i])
        self.search.connect()

    def earliest(self, int64_t limit):
        """Put every value as early as stages of at most ``limit`` allow; the number of stages.

        Raises ValueError if a single delay is above the limit.
        """
        cdef int32_t stages
        if self.longest > limit:
            raise ValueError(f'a delay of {self.longest} above the limit of {limit}')
        self.search.limit = limit
        with nogil:
            stages = self.search.as_soon_as_possible()
        return stages

    def ascend(self, int32_t last_stage):
        """Take one step, after `earliest`, towards the fewest register bits; False if these are reached."""
        cdef boolean moved
        with nogil:
            moved = self.search.ascend(last_stage)
        return moved

    @property
    def stages(self):
        """The stage of each value."""
        return [self.search.values[i].stage for i in range(self.search.values.size())]

    @property
    def counts(self):
        """Flows computed, and pairs of values kept apart."""
        return self.search.rounds, self.search.pairs
