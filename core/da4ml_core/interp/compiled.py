"""The compiled form of a program: microcode whose arithmetic is calls of machine code, for long runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from da4ml_core.interp import _kernel
from da4ml_core.interp.assembler import Instruction, Kind
from da4ml_core.interp.c_build import build_library
from da4ml_core.interp.c_source import PRELUDE, Interface, Stretch, emit_function, interfaces, stretches
from da4ml_core.interp.microcode import Layout, Microcode, Step, Words

# of each instruction set of machine.hh: bytes of a vector, and what makes the compiler use it
TARGETS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (16, ()),
    (32, ('-mavx2',)),
    (64, ('-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl')),
)
LENGTH = 800  # instructions of a function: longer ones take compilers more than linear time
FUNCTIONS_OF_A_FILE = 4
BLOCK_SIZES = (512, 256, 128, 64)  # samples
CACHE_BYTES = 1 << 18  # of buffers between functions


def compile_code(code: Sequence[Instruction]) -> Microcode:
    """Microcode that loads, calls and stores; built once for this processor, then found in the user's cache.

    Raises NoCompiler, and InterpError for what the compiler refuses.
    """
    parts = [part for part in stretches(code, LENGTH) if any(part)]
    ends = interfaces(parts)
    layout = Layout(list(_steps(parts, ends)), in_place=False)
    words = Words(layout)
    sizes = (size for size in BLOCK_SIZES if size * layout.bytes_per_sample <= CACHE_BYTES)
    block = next(sizes, BLOCK_SIZES[-1])
    names = [f'stretch_{number}' for number in range(len(parts))]
    functions = [
        emit_function(name, part, interface, layout, words.tables, block)
        for name, part, interface in zip(names, parts, ends, strict=True)
    ]
    vector_bytes, flags = TARGETS[_kernel.BEST_INSTRUCTION_SET]
    head = f'#define VECTOR_BYTES {vector_bytes}\n{PRELUDE}\n'
    sources = [
        head + '\n'.join(functions[start : start + FUNCTIONS_OF_A_FILE])
        for start in range(0, len(functions), FUNCTIONS_OF_A_FILE)
    ]
    library, addresses = build_library(sources, flags, names)
    for part, address in zip(parts, addresses, strict=True):
        for instruction in part.loads:
            words.append(instruction)
        words.append(Instruction(Kind.CALL, 0, None, p=address))
        for instruction in part.stores:
            words.append(instruction)
    return Microcode(words.packed(), layout.bytes_per_sample, words.tables.content(), len(code), block, library)


def _steps(parts: Sequence[Stretch], ends: Sequence[Interface]) -> Iterator[Step]:
    """What each word will read and write."""
    for part, (reads, writes) in zip(parts, ends, strict=True):
        for load in part.loads:
            yield Step((), () if load.result is None else (load.result,))
        yield Step(reads, writes)
        for store in part.stores:
            yield Step(store.operands, ())
