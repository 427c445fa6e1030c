# distutils: language = c++
# distutils: extra_compile_args = -std=c++17
"""The block machine of machine.hh on numpy arrays."""

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t, uint8_t


cdef extern from 'machine.hh' namespace 'da4ml' nogil:
    cdef enum Source:
        FLOAT64
        FLOAT32
        INT64

    cdef struct Instruction:
        pass

    cdef struct Batch:
        const char* tables
        const char* x
        ptrdiff_t row
        ptrdiff_t column
        Source source
        char* out
        ptrdiff_t outputs
        uint8_t* doubtful
        ptrdiff_t samples

    int best_instruction_set()
    void run_batch 'da4ml::run'(
        const Instruction* code,
        size_t length,
        size_t scratch_bytes,
        size_t block_size,
        const Batch& batch,
        int instruction_set,
    ) except +


ctypedef fused Element:
    double
    float
    int64_t

ctypedef fused Result:
    double
    int64_t

BEST_INSTRUCTION_SET = best_instruction_set()


def run(
    const uint8_t[::1] words,
    const uint8_t[::1] tables,
    size_t scratch_bytes,
    size_t block_size,
    const Element[:, :] x,
    Result[:, ::1] out,
    uint8_t[::1] doubtful,
    int instruction_set,
):
    """Run microcode, its addresses scaled by the block size, over all samples.

    The caller answers for the shapes.
    """
    cdef Batch batch
    if x.shape[0] == 0 or words.shape[0] == 0:
        return
    batch.tables = <const char*>&tables[0] if tables.shape[0] else NULL
    batch.x = <const char*>&x[0, 0] if x.shape[1] else NULL
    batch.row = x.strides[0]
    batch.column = x.strides[1]
    if Element is double:
        batch.source = FLOAT64
    elif Element is float:
        batch.source = FLOAT32
    else:
        batch.source = INT64
    batch.out = <char*>&out[0, 0] if out.shape[1] else NULL
    batch.outputs = out.shape[1]
    batch.doubtful = &doubtful[0]
    batch.samples = x.shape[0]
    with nogil:
        run_batch(
            <const Instruction*>&words[0],
            words.shape[0] // sizeof(Instruction),
            scratch_bytes,
            block_size,
            batch,
            instruction_set,
        )
