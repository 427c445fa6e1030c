"""Proofs by SAT that the tables of a design hold their entries, in Verilog and VHDL."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

from ghdl_tools import ghdl
from hdl_tools import yosys
from random_programs import random_lookup

from da4ml_core.codegen import emit_rtl
from da4ml_core.codegen.reference import reference_verilog
from da4ml_core.fixed import FixedType
from da4ml_core.ir import InputPort, Op, Opcode, Operand, Program, Quantization
from da4ml_core.ir.affine import op_interval
from da4ml_core.ir.table import Lookup
from da4ml_core.ir.verify import verify
from da4ml_core.passes.schedule import schedule

SIZES = tuple((address, entry) for address in (1, 2, 3, 5, 6, 7, 8) for entry in (1, 4, 9, 31, 40))
SUFFIXES = {'verilog': 'v', 'vhdl': 'vhd'}
# the first entry of a table, and its lowest bit
ENTRIES = {
    'verilog': re.compile(r"(: entry = \d+'h[0-9a-f]*)([0-9a-f]);"),
    'vhdl': re.compile(r'(=> "[01]*)([01])"'),
}


def program_of_tables(rng: random.Random, sizes: Sequence[tuple[int, int]]) -> Program:
    """An input for each table, of the bits of its address, signed or not; sizes are bits of address and of entry."""
    ops: list[Op] = []
    for place, (address, entry) in enumerate(sizes):
        signed = rng.random() < 0.5
        kind = FixedType(signed, address - signed, 0)
        ops.append(Op(Opcode.INPUT, (), kind.interval, InputPort(place, Quantization(kind))))
        lookup: Lookup = random_lookup(rng, kind.interval, entry)
        reading = Op(Opcode.LOOKUP, (Operand(2 * place),), kind.interval, lookup)
        ops.append(reading._replace(interval=op_interval(reading, [kind.interval])))
    outputs = tuple(Operand(2 * place + 1) for place in range(len(sizes)))
    return verify(Program('tables', tuple(ops), outputs, ((len(sizes),),), ((len(sizes),),)))


def tables_hold(program: Program, language: str, directory: Path, with_bug: bool = False) -> bool:
    """Whether SAT proves every entry; with a bug, one bit of one table is another."""
    bundle = emit_rtl(schedule(program), 'kernel', language)
    texts = dict(bundle.files)
    if with_bug:
        name = next(name for name in texts if '_table' in name)
        flip = {'verilog': lambda digit: f'{int(digit, 16) ^ 1:x};', 'vhdl': lambda bit: f'{int(bit) ^ 1}"'}[language]
        texts[name], count = ENTRIES[language].subn(lambda found: found[1] + flip(found[2]), texts[name], count=1)
        if count != 1:
            raise ValueError(f'{name} has no entry to be changed')
    for name, text in texts.items():
        (directory / name).write_text(text)
    read = ' '.join(texts)
    if language == 'vhdl':
        ghdl('-a', *texts, directory=directory)
        (directory / 'gate.v').write_text(ghdl('synth', '--out=verilog', 'kernel', directory=directory))
        read = 'gate.v'
    (directory / 'golden.v').write_text(reference_verilog(program, 'kernel', bundle.inputs, bundle.outputs))
    script = []
    for side, sources in (('golden', 'golden.v'), ('gate', read)):
        script += ['design -reset', f'read_verilog {sources}', 'hierarchy -top kernel', 'proc', 'flatten', 'opt']
        script += ['memory', 'opt -full', f'design -stash {side}']
    script += [f'design -copy-from {side} -as {side} kernel' for side in ('golden', 'gate')]
    script += ['miter -equiv -flatten -make_assert golden gate miter', 'sat -prove-asserts miter']
    return 'SAT proof finished - no model found: SUCCESS!' in yosys('\n'.join(script), directory)
