"""The batch interpreter: a program made microcode once, or machine code, run over blocks of samples on all cores."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import InterpError
from da4ml_core.interp import _kernel
from da4ml_core.interp.assembler import Instruction, TooWide
from da4ml_core.interp.lowering import lower, makes_floats, takes_reals
from da4ml_core.interp.microcode import Microcode, assemble
from da4ml_core.interp.ports import INT64, check_float_outputs, decode, encode_matrix, input_matrix
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir.program import Program

BLOCK_SIZES = (1024, 512, 256, 128, 64)  # samples
CACHE_BYTES = 1 << 19  # the buffers of a block should stay in the cache that a core has for itself
CHUNK_OPERATIONS = 1 << 25  # of one call of the machine, so that interrupts are seen and threads share the work evenly
LONG_RUN = 20_000_000  # samples for which the interpreter loses about the time that it takes to compile the program


class Executable:
    """A program ready to run: on the block machine, or on the reference interpreter if 64 bits are too few for it.

    Both give the same integers. The program itself is trusted: verify one of unknown origin first.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.num_ports = sum(1 for _ in program.input_ops())
        self._takes_reals = takes_reals(program)
        self._makes_floats = makes_floats(program)
        self._code: dict[tuple[bool, bool], list[Instruction] | None] = {}
        self._microcode: dict[tuple[bool, bool, bool], Microcode] = {}
        self._samples = 0
        self._compiles = True

    @property
    def exact_fallback(self) -> bool:
        """Whether the program runs on the reference interpreter, one sample at a time."""
        return self._lowered(reals=False, floats=False) is None

    def run_codes(self, codes: NDArray[Any], threads: int | None = None, compiled: bool | None = None) -> NDArray[Any]:
        """Output codes (n, num_outputs) from input codes (n, number of input ops, in program order).

        Both are int64, or Python integers where a type is wider. ``threads`` None uses all cores for a big batch, and
        ``compiled`` None the machine's C compiler, if any, once a program has run LONG_RUN samples; the result depends
        on neither. Raises InterpError for a wrong shape or type, for a code out of its range, and, if ``compiled`` is
        asked for, where 64 bits or the compiler do not do.
        """
        codes = np.asarray(codes)
        if codes.ndim != 2 or codes.shape[1] != self.num_ports:
            raise InterpError(f'the codes have shape {codes.shape}, but the program takes (n, {self.num_ports})')
        if codes.dtype.kind not in 'iuO' and codes.size:
            raise InterpError(f'codes are integers, not {codes.dtype}')
        microcode = self._variant(len(codes), compiled, reals=False, floats=False)
        if microcode is None or codes.dtype == object:
            return self._evaluated(codes)
        if codes.dtype == np.uint64 and codes.size and int(codes.max()) > INT64.hi:
            return self._evaluated(codes.astype(object))
        out = np.empty((len(codes), self.program.num_outputs), dtype=np.int64)
        doubtful = _execute(microcode, codes.astype(np.int64, copy=False), out, threads)
        if len(doubtful):
            self._evaluated(codes[doubtful[:1]], doubtful[0])  # says which code it is
        return out

    def run(
        self, x: Any, threads: int | None = None, codes: bool = False, compiled: bool | None = None
    ) -> NDArray[Any]:
        """Outputs (n, num_outputs) of external numbers: exact float64 numbers, or their integer codes.

        ``x`` is what ``input_matrix`` takes; ``threads`` and ``compiled`` are those of ``run_codes``. Raises
        InterpError for data that is not real numbers of the right shape, and for float64 results of a program whose
        types do not fit it.
        """
        if not codes:
            check_float_outputs(self.program)
        matrix = input_matrix(self.program, x)
        floats = self._makes_floats and not codes
        direct = self._takes_reals and matrix.dtype != object
        microcode = self._variant(len(matrix), compiled, reals=True, floats=floats) if direct else None
        if microcode is None:
            return self._finished(self.run_codes(encode_matrix(self.program, matrix), threads, compiled), codes)
        out = np.empty((len(matrix), self.program.num_outputs), dtype=np.float64 if floats else np.int64)
        doubtful = _execute(microcode, matrix, out, threads)
        if len(doubtful):  # numbers so large or small that only Python's integers round them exactly
            again = self.run_codes(encode_matrix(self.program, matrix[doubtful], doubtful), threads)
            out[doubtful] = decode(self.program, again) if floats else again
        return out if floats else self._finished(out, codes)

    def _finished(self, out: NDArray[Any], codes: bool) -> NDArray[Any]:
        return out if codes else decode(self.program, out)

    def _lowered(self, *, reals: bool, floats: bool) -> list[Instruction] | None:
        """The instructions for one kind of external data, made when first asked for; None if 64 bits are too few."""
        if (reals, floats) not in self._code:
            try:
                self._code[reals, floats] = lower(self.program, reals=reals, floats=floats)
            except TooWide:
                self._code[reals, floats] = None
        return self._code[reals, floats]

    def _variant(self, samples: int, compiled: bool | None, *, reals: bool, floats: bool) -> Microcode | None:
        """What runs so many samples: interpreted or compiled microcode; None if 64 bits are too few."""
        code = self._lowered(reals=reals, floats=floats)
        if code is None:
            if compiled and not reals:
                raise InterpError(
                    f'{self.program.name!r} has values of more than 64 bits, which are not compiled',
                    hint='leave the compiled form out: the reference interpreter runs it, sample by sample',
                )
            return None
        self._samples += samples
        if compiled or (compiled is None and self._samples >= LONG_RUN and self._compiles):
            try:
                return self._kept((reals, floats, True), code)
            except InterpError:
                if compiled:
                    raise
                self._compiles = False  # no compiler, or none that can: not asked again
        return self._kept((reals, floats, False), code)

    def _kept(self, kind: tuple[bool, bool, bool], code: list[Instruction]) -> Microcode:
        microcode = self._microcode.get(kind)
        if microcode is None and kind[2]:
            from da4ml_core.interp.compiled import compile_code  # a program is rarely compiled

            microcode = self._microcode[kind] = compile_code(code)
        elif microcode is None:
            microcode = self._microcode[kind] = assemble(code)
        return microcode

    def _evaluated(self, codes: NDArray[Any], first: int = 0) -> NDArray[Any]:
        """The reference interpreter, sample by sample."""
        fits = all(INT64.contains(interval._replace(exp=0)) for interval in self.program.output_intervals)
        out = np.zeros((len(codes), self.program.num_outputs), dtype=np.int64 if fits else object)
        for row, sample in enumerate(codes):
            try:
                out[row] = evaluate(self.program, sample.tolist())
            except InterpError as error:
                raise InterpError(f'sample {first + row}: {error.message}') from None
        return out


def _execute(microcode: Microcode, x: NDArray[Any], out: NDArray[Any], threads: int | None) -> NDArray[np.int64]:
    """Fill ``out``; the indices of the samples that the machine refused."""
    workers = _thread_count(threads)
    fitting = (size for size in BLOCK_SIZES if size * microcode.bytes_per_sample <= CACHE_BYTES)
    block = microcode.block or next(fitting, BLOCK_SIZES[-1])
    words = microcode.scaled(block)
    scratch = microcode.bytes_per_sample * block
    doubtful = np.zeros(len(x), dtype=np.uint8)
    chunk = max(1, CHUNK_OPERATIONS // (block * max(1, microcode.operations))) * block
    starts = range(0, len(x), chunk)

    def work(start: int) -> None:
        rows = slice(start, start + chunk)
        _kernel.run(
            words, microcode.tables, scratch, block, x[rows], out[rows], doubtful[rows], _kernel.BEST_INSTRUCTION_SET
        )

    if min(workers, len(starts)) <= 1:
        for start in starts:
            work(start)
    else:
        with ThreadPoolExecutor(min(workers, len(starts))) as pool:
            list(pool.map(work, starts))
    return np.flatnonzero(doubtful)


def _thread_count(threads: int | None) -> int:
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise InterpError(f'threads must be a positive integer or None, not {threads!r}')
    return int(threads)


def predict(
    program: Program, x: Any, threads: int | None = None, codes: bool = False, compiled: bool | None = None
) -> NDArray[Any] | list[NDArray[Any]]:
    """The outputs of a program for a batch, (n, *output_shape) float64, exactly; a list of them for several outputs.

    ``x`` is an array (n, *input_shape) or (n, elements) of floats or integers, or a sequence of such for several
    inputs. With ``codes`` the results are integers, in steps of ``2**exp`` of the output intervals. ``compiled`` asks
    for machine code from the system's C compiler, or never for it; None: once a program has run LONG_RUN samples.
    Raises InterpError for NaN, infinity, a wrong shape, and where float64 cannot hold an output's type.
    """
    matrix = executable(program).run(x, threads, codes, compiled)
    results = []
    start = 0
    for shape in program.output_shapes:
        stop = start + int(np.prod(shape))
        results.append(matrix[:, start:stop].reshape(len(matrix), *shape))
        start = stop
    return results[0] if len(results) == 1 else results


class _Same:
    """A program as a key that is compared by identity: hashing all of its ops would take longer than running them."""

    __slots__ = ('program',)

    def __init__(self, program: Program) -> None:
        self.program = program

    def __hash__(self) -> int:
        return id(self.program)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.program is self.program


@lru_cache(maxsize=4)
def _compiled(key: _Same) -> Executable:
    return Executable(key.program)


def executable(program: Program) -> Executable:
    """The executable of a program, kept for the last few programs asked for."""
    return _compiled(_Same(program))
