"""Proofs by SAT that primitives equal their definitions, in Verilog and VHDL; as a program, the list of all of them.

    make prove

Every parameterisation in `primitive_cases` is proved for all codes of its operands, and a bug sown in each primitive
must be found. VHDL is what GHDL synthesizes from it.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ghdl_tools import VHDL_IP_SOURCES, ghdl
from hdl_tools import IP_SOURCES, ROOT, yosys
from primitive_cases import Case, all_cases, some_cases
from primitive_simulation import X_BITS, connections, output_bits, verilog_harness, vhdl_harness
from table_proofs import SIZES, program_of_tables, tables_hold

PRIMITIVES = sorted(path.parents[1].name for path in IP_SOURCES)
# parameterisations in one proof: of many hundreds of entities at once GHDL forgets to write some
AT_ONCE = {'verilog': 500, 'vhdl': 250}
TABLE = 'table'  # no primitive, but a module of the design that reads it
TERNARY_AT_ONCE = 20  # which are hard to prove together
TIMEOUT_S = 900
# the models of Xilinx' cells that Yosys ships; others among them have tri-states, of which it warns
VENDOR_CELLS = (
    'logger -nowarn tri-state',
    'read_verilog +/xilinx/cells_sim.v',
    'select -set others * LUT6_2 %d CARRY4 %d CARRY8 %d',
    'delete @others',
)
# what GHDL writes of components that it has no entity for
EMPTY_CELLS = re.compile(r'^module (?:LUT6_2|CARRY[48])\b.*?^endmodule$', re.MULTILINE | re.DOTALL)
# A right piece of each primitive, and a wrong one that only some parameters or codes show.
BUGS = {
    'verilog': {
        'bitwise': ('a | b', 'a ^ b'),
        'delay_line': ('{chain[WIDTH*(DEPTH-1)-1:0], d}', '{chain[WIDTH*(DEPTH-1)-1:0], ~d}'),
        'multiplier': ('(B_SIGNED != 0) & b[B_WIDTH-1]', 'b[B_WIDTH-1]'),
        'mux': ('s ? a : b', 's ? b : a'),
        'negate': ('(A_SIGNED != 0) & a[A_WIDTH-1]', 'a[A_WIDTH-1]'),
        'quantize': ('ROUNDING == 5 ? half & rest', 'ROUNDING == 5 ? half'),
        'relu': ('{~a[A_WIDTH-1]}', '{~a[A_WIDTH-2]}'),
        'shift_adder': ('a_full[TOP-1:B_SHIFT] - b_full', 'b_full - a_full[TOP-1:B_SHIFT]'),
        'ternary_adder': ('partial - c_full', 'partial + c_full'),
    },
    'vhdl': {
        'bitwise': ('a or b', 'a xor b'),
        'delay_line': ('chain(1) <= d;', 'chain(1) <= not d;'),
        'multiplier': ("when A_SIGNED = 1 else signed('0' & a)", 'when A_SIGNED < 2'),
        'mux': ("when s(0) = '1'", "when s(0) = '0'"),
        'negate': (
            'resize(signed(a), TOP), A_SHIFT) when A_SIGNED = 1',
            'resize(signed(a), TOP), A_SHIFT) when DROP < 99',
        ),
        'quantize': ('half and rest when ROUNDING = 5', 'half when ROUNDING = 5'),
        'relu': ('not a(A_WIDTH - 1)', 'not a(A_WIDTH - 2)'),
        'shift_adder': ('a_full(TOP - 1 downto B_SHIFT) - b_full', 'b_full - a_full(TOP - 1 downto B_SHIFT)'),
        'ternary_adder': ('partial - c_full', 'partial + c_full'),
    },
}


def with_bugs(language: str, directory: Path, primitives: Sequence[str] = PRIMITIVES) -> list[Path]:
    """The sources of all primitives, with its bug sown in each of those named."""
    suffix = {'verilog': 'v', 'vhdl': 'vhd'}[language]
    sources = []
    for primitive, (right, wrong) in BUGS[language].items():
        source = ROOT / f'ip/{primitive}/rtl/da4ml_{primitive}.{suffix}'
        if primitive in primitives:
            text = source.read_text()
            if right not in text:
                raise ValueError(f'{source} has no {right!r} to be replaced')
            source = directory / source.name
            source.write_text(text.replace(right, wrong))
        sources.append(source)
    return sources


def proved(cases: Sequence[Case], language: str, directory: Path, sources: Sequence[Path] | None = None) -> bool:
    """Whether all of the cases equal their definitions; raises RuntimeError if SAT gives up."""
    if language == 'vhdl':
        (directory / 'harness.vhd').write_text(vhdl_harness(cases))
        analyzed = (*(VHDL_IP_SOURCES if sources is None else sources), directory / 'harness.vhd')
        ghdl('-a', '-Wno-binding', *map(str, analyzed), directory=directory)
        gate = ghdl('synth', '--out=verilog', 'harness', directory=directory)
        (directory / 'gate.v').write_text(EMPTY_CELLS.sub('', gate))
        gate = 'gate.v'
    else:
        (directory / 'harness.v').write_text(verilog_harness(cases))
        gate = f'{" ".join(map(str, IP_SOURCES if sources is None else sources))} harness.v'
    (directory / 'definitions.v').write_text(definitions(cases))
    depth = max(case.latency_cycles for case in cases)
    window = f'-seq {depth + 1} -prove-skip {depth} ' if depth else ''
    script = []
    for side, read in (('golden', 'definitions.v'), ('gate', gate)):
        script += [*VENDOR_CELLS] if side == 'gate' else []
        script += [f'read_verilog {read}', 'hierarchy -top harness', 'proc', 'flatten', 'opt_clean']
        script += ['wreduce', 'opt -full', f'design -stash {side}']
    script += [
        'design -copy-from golden -as golden harness',
        'design -copy-from gate -as gate harness',
        'miter -equiv -flatten -make_assert golden gate miter',
        'opt -full',
        f'sat -prove-asserts {window}-timeout {TIMEOUT_S} miter',
    ]
    log = yosys('\n'.join(script), directory)
    if 'Interrupted SAT solver: TIMEOUT!' in log:
        raise RuntimeError(f'no proof of {len(cases)} cases of {cases[0].primitive} in {TIMEOUT_S} s')
    return 'SAT proof finished - no model found: SUCCESS!' in log


def definitions(cases: Sequence[Case]) -> str:
    """A module in which every case is plain arithmetic in bits enough, on operands from the low bits of x."""
    lines = [f'module harness(input clk, input [{X_BITS - 1}:0] x, output [{output_bits(cases) - 1}:0] y);']
    for place, (case, inputs, y_bits) in enumerate(connections(cases)):
        names = {}
        width = 4 + sum(case.operand_widths.values()) + case.output_bits
        width += sum(value for key, value in case.parameters.items() if key.endswith('SHIFT') or key == 'DROP')
        for name, (lo, hi) in inputs.items():
            names[name] = f'{name}{place}'
            signed = case.primitive == 'relu' or case.parameters.get(f'{name.upper()}_SIGNED')
            sign = f'{{{width - (hi - lo)}{{x[{hi - 1}]}}}}' if signed else f"{{{width - (hi - lo)}{{1'b0}}}}"
            lines.append(f'  wire signed [{width - 1}:0] {names[name]} = {{{sign}, x[{hi - 1}:{lo}]}};')
        *steps, result = _definition(case, names, place, width)
        lines += [f'  {step}' for step in steps]
        lines.append(f'  wire signed [{width - 1}:0] y{place} = {result};')
        lines.append(f'  assign y[{y_bits} +: {case.output_bits}] = y{place}[{case.output_bits - 1}:0];')
    return '\n'.join([*lines, 'endmodule', ''])


def _definition(case: Case, names: dict[str, str], place: int, width: int) -> Iterator[str]:
    """Declarations, if any are needed, and at last the expression of the result."""
    given = case.parameters
    if case.primitive == 'delay_line':
        last = names['d']
        for cycle in range(given['DEPTH']):
            yield f'reg signed [{width - 1}:0] r{place}_{cycle}; always @(posedge clk) r{place}_{cycle} <= {last};'
            last = f'r{place}_{cycle}'
        yield last
    elif case.primitive == 'mux':
        yield f'{names["s"]} != 0 ? {names["a"]} : {names["b"]}'
    elif case.primitive == 'bitwise':
        yield f'{names["a"]} {"&|^"[given["OPERATION"]]} {names["b"]}'
    elif case.primitive == 'relu':
        yield f'{names["a"]} < 0 ? 0 : {names["a"]}'
    elif case.primitive == 'multiplier':
        yield f'{names["a"]} * {names["b"]}'
    elif case.primitive == 'quantize':
        yield from _quantized(case, names['a'], place, width)
    else:
        signs = {'a': '-' if case.primitive == 'negate' else '+'}
        signs['b'] = '-' if given.get('SUBTRACT', given.get('SUBTRACT_B')) else '+'
        signs['c'] = '-' if given.get('SUBTRACT_C') else '+'
        terms = [f'{signs[port]} ({name} <<< {given[f"{port.upper()}_SHIFT"]})' for port, name in names.items()]
        yield f'({" ".join(terms)}) >>> {given["DROP"]}'


def _quantized(case: Case, a: str, place: int, width: int) -> Iterator[str]:
    given = case.parameters
    shift, bits, signed = given['SHIFT'], given['Y_WIDTH'], given['Y_SIGNED']
    declared = f'wire signed [{width - 1}:0]'
    half = 1 << shift >> 1
    # towards minus infinity, towards zero, nearest: ties up, towards zero, away from zero, down, to even
    up = (
        '0',
        f'{a} < 0 && rest{place} != 0',
        f'rest{place} >= half{place}',
        f'rest{place} > half{place} || (rest{place} == half{place} && {a} < 0)',
        f'rest{place} > half{place} || (rest{place} == half{place} && {a} >= 0)',
        f'rest{place} > half{place}',
        f'rest{place} > half{place} || (rest{place} == half{place} && down{place}[0])',
    )[given['ROUNDING']]
    yield f"{declared} half{place} = {width}'sd{half};"
    yield f'{declared} down{place} = {a} >>> {shift};'
    yield f'{declared} rest{place} = {a} - (down{place} <<< {shift});'
    yield f"{declared} n{place} = down{place} + (({up if shift else '0'}) ? {width}'sd1 : {width}'sd0);"
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if given['OVERFLOW'] == 2 and signed:
        low += 1
    if given['OVERFLOW'] == 0:
        yield f'n{place}'
        return
    below, above = (0, 0) if given['OVERFLOW'] == 3 else (low, high)
    mask = (1 << width) - 1
    low, high, below, above = (f"{width}'sh{number & mask:x}" for number in (low, high, below, above))
    yield f'n{place} < {low} ? {below} : n{place} > {high} ? {above} : n{place}'


def ranges(cases: Sequence[Case]) -> str:
    """The parameters of cases, from the least to the greatest of each."""
    values: dict[str, set[int]] = {}
    for case in cases:
        for key, value in case.parameters.items():
            values.setdefault(key, set()).add(value)
    spans = ((key, min(found), max(found)) for key, found in values.items())
    return ' '.join(f'{key}={low}' if low == high else f'{key}={low}..{high}' for key, low, high in spans)


def main() -> int:
    """Print a row a primitive and language; 1 if anything is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('primitives', nargs='*', default=[*PRIMITIVES, TABLE], help='all of them by default')
    parser.add_argument('--language', choices=BUGS, action='append', help='both by default')
    options = parser.parse_args()
    cases: dict[str, list[Case]] = {}
    for case in all_cases(random.Random(0)):
        cases.setdefault(case.primitive, []).append(case)
    print('| primitive | language | parameterisations | proved by SAT for all codes | s | sown bug | s |')
    print('|---|---|---|---|---|---|---|')
    failed = False
    for primitive in options.primitives:
        for language in options.language or BUGS:
            with tempfile.TemporaryDirectory() as scratch:
                failed |= not print_row(primitive, language, cases.get(primitive, []), Path(scratch))
    return int(failed)


def print_row(primitive: str, language: str, chosen: Sequence[Case], directory: Path) -> bool:
    """Prove a primitive in a language, and that its bug is found; whether both is so."""
    start = time.monotonic()
    if primitive == TABLE:
        program = program_of_tables(random.Random(0), SIZES)
        count, span = len(SIZES), f'address={SIZES[0][0]}..{SIZES[-1][0]} entry={SIZES[0][1]}..{SIZES[-1][1]}'
        holds = tables_hold(program, language, directory)
        middle = time.monotonic()
        caught = not tables_hold(program, language, directory, with_bug=True)
    else:
        count, span = len(chosen), ranges(chosen)
        step = TERNARY_AT_ONCE if primitive == 'ternary_adder' else AT_ONCE[language]
        holds = all(proved(chosen[first : first + step], language, directory) for first in range(0, count, step))
        middle = time.monotonic()
        sources = with_bugs(language, directory, [primitive])
        few = [case for case in some_cases(random.Random(1), 60) if case.primitive == primitive]
        caught = not proved(few, language, directory, sources)
    row = (
        *(primitive, language, count, f'{"yes" if holds else "**NO**"}: {span}', f'{middle - start:.0f}'),
        *('caught' if caught else '**missed**', f'{time.monotonic() - middle:.0f}'),
    )
    print(f'| {" | ".join(map(str, row))} |', flush=True)
    return holds and caught


if __name__ == '__main__':
    sys.exit(main())
