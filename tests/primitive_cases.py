"""Parameters of primitives, and what each primitive is defined to compute."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import NamedTuple

from da4ml_core.fixed import FixedType, Overflow, Rounding, quantize_code

EXHAUSTIVE_BITS = 10  # operands of at most so many bits together are tried with all their codes


class Case(NamedTuple):
    """One parameterisation; operands are named a, b, c (d for the delay line)."""

    primitive: str
    parameters: dict[str, int]

    @property
    def operand_widths(self) -> dict[str, int]:
        if self.primitive == 'delay_line':
            return {'d': self.parameters['WIDTH']}
        if self.primitive == 'mux':
            return {'s': 1, 'a': self.parameters['WIDTH'], 'b': self.parameters['WIDTH']}
        if self.primitive == 'bitwise':
            return {'a': self.parameters['WIDTH'], 'b': self.parameters['WIDTH']}
        names = {'shift_adder': 'ab', 'ternary_adder': 'abc', 'multiplier': 'ab'}.get(self.primitive, 'a')
        return {name: self.parameters[f'{name.upper()}_WIDTH'] for name in names}

    @property
    def output_bits(self) -> int:
        return self.parameters['WIDTH' if self.primitive in ('bitwise', 'delay_line', 'mux') else 'Y_WIDTH']

    @property
    def latency_cycles(self) -> int:
        return self.parameters.get('DEPTH', 0)

    def instance(self, name: str, inputs: dict[str, str], output: str) -> str:
        """A Verilog instance."""
        parameters = ', '.join(f'.{key}({value})' for key, value in self.parameters.items())
        ports = [f'.{port}({net})' for port, net in inputs.items()]
        is_clocked = self.primitive == 'delay_line'
        ports += ['.clk(clk)', f'.q({output})'] if is_clocked else [f'.y({output})']
        return f'da4ml_{self.primitive} #({parameters}) {name} ({", ".join(ports)});'

    def vhdl_instance(self, name: str, inputs: dict[str, str], output: str) -> str:
        """The same in VHDL."""
        generics = ', '.join(f'{key} => {value}' for key, value in self.parameters.items())
        ports = [f'{port} => {net}' for port, net in inputs.items()]
        is_clocked = self.primitive == 'delay_line'
        ports += ['clk => clk', f'q => {output}'] if is_clocked else [f'y => {output}']
        entity = f'entity work.da4ml_{self.primitive}'
        return f'{name} : {entity} generic map ({generics}) port map ({", ".join(ports)});'

    def expected(self, operands: dict[str, int]) -> int:
        """The output as a number that is not negative, from operands of the same kind."""
        return self._result(operands) & ((1 << self.output_bits) - 1)

    def _result(self, operands: dict[str, int]) -> int:
        given = self.parameters
        if self.primitive == 'delay_line':
            return operands['d']
        if self.primitive == 'bitwise':
            return (int.__and__, int.__or__, int.__xor__)[given['OPERATION']](operands['a'], operands['b'])
        if self.primitive == 'mux':
            return operands['a' if operands['s'] else 'b']
        values = {
            name: code - (1 << width) * (self._is_signed(name) & code >> (width - 1))
            for (name, code), width in zip(operands.items(), self.operand_widths.values(), strict=True)
        }
        if self.primitive == 'relu':
            return max(values['a'], 0)
        if self.primitive == 'multiplier':
            return values['a'] * values['b']
        if self.primitive == 'quantize':
            bits, signed = given['Y_WIDTH'], bool(given['Y_SIGNED'])
            modes = tuple(Rounding)[given['ROUNDING']], tuple(Overflow)[given['OVERFLOW']]
            return quantize_code(values['a'], -given['SHIFT'], FixedType(signed, bits - signed, 0), *modes)
        subtract = {
            'a': self.primitive == 'negate',
            'b': given.get('SUBTRACT', given.get('SUBTRACT_B', 0)),
            'c': given.get('SUBTRACT_C', 0),
        }
        total = sum(
            (-1 if subtract[name] else 1) * (value << given[f'{name.upper()}_SHIFT']) for name, value in values.items()
        )
        return total >> given['DROP']

    def _is_signed(self, operand: str) -> int:
        return 1 if self.primitive == 'relu' else self.parameters[f'{operand.upper()}_SIGNED']


def all_cases(rng: random.Random) -> list[Case]:
    """Every kind of parameters that the compiler emits, at small widths, and some wide ones."""
    return [
        *_shift_adders(rng),
        *_ternary_adders(rng),
        *_negations(),
        *_quantizations(),
        *_rectifications(),
        *_multiplexers(),
        *_bit_functions(),
        *_products(),
        *_delays(),
    ]


def some_cases(rng: random.Random, count: int = 80) -> list[Case]:
    """At most ``count`` cases of each primitive."""
    by_primitive: dict[str, list[Case]] = {}
    for case in all_cases(rng):
        by_primitive.setdefault(case.primitive, []).append(case)
    return [case for cases in by_primitive.values() for case in rng.sample(cases, min(count, len(cases)))]


def _shift_adders(rng: random.Random) -> Iterator[Case]:
    widths = [*itertools.product(range(1, 6), repeat=2), (24, 17), (40, 40), (9, 63)]
    for (a_width, b_width), signs, shift, subtract in itertools.product(
        widths, itertools.product((0, 1), repeat=2), range(-3, 4), (0, 1)
    ):
        if shift >= 0 or subtract:
            terms = [(a_width, signs[0], max(0, -shift)), (b_width, signs[1], max(0, shift))]
            parameters = _aligned(rng, terms)
            yield Case('shift_adder', {**parameters, 'SUBTRACT': subtract})


def _ternary_adders(rng: random.Random) -> Iterator[Case]:
    for widths in [*itertools.product(range(1, 4), repeat=3), (20, 21, 30)]:
        for subtract_b, subtract_c in ((0, 0), (0, 1), (1, 1)):
            for _ in range(6):
                added = 3 - subtract_b - subtract_c
                shifts = [rng.randint(0, 4) for _ in range(3)]
                shifts[:added] = sorted(shifts[:added])
                terms = [(width, rng.randint(0, 1), up) for width, up in zip(widths, shifts, strict=True)]
                rest = {'SUBTRACT_B': subtract_b, 'SUBTRACT_C': subtract_c, 'STYLE': rng.choice((0, 4, 8))}
                yield Case('ternary_adder', {**_aligned(rng, terms), **rest})


def _aligned(rng: random.Random, terms: list[tuple[int, int, int]]) -> dict[str, int]:
    """Parameters of an adder whose result reaches as far up and down as a legal one may."""
    lift = rng.choice((0, 0, 1))
    top = max(width + up for width, _, up in terms) + lift + rng.randint(0, 3)
    drop = rng.choice((0, 0, rng.randint(0, min(4, top - 1))))
    parameters = {'DROP': drop, 'Y_WIDTH': top - drop}
    for name, (width, signed, up) in zip('ABC', terms, strict=False):
        parameters |= {f'{name}_WIDTH': width, f'{name}_SIGNED': signed, f'{name}_SHIFT': up + lift}
    return parameters


def _negations() -> Iterator[Case]:
    for width, signed, up, drop, out in itertools.product(
        (*range(1, 6), 33), (0, 1), (0, 2), (0, 1, 3), (1, 3, 5, 9, 40)
    ):
        if width + up <= drop + out:
            yield Case('negate', {'A_WIDTH': width, 'A_SIGNED': signed, 'A_SHIFT': up, 'DROP': drop, 'Y_WIDTH': out})


def _rectifications() -> Iterator[Case]:
    for width in (*range(2, 8), 40):
        for out in {*range(1, min(width, 8)), width - 1}:
            yield Case('relu', {'A_WIDTH': width, 'Y_WIDTH': out})


def _quantizations() -> Iterator[Case]:
    names = ('A_WIDTH', 'SHIFT', 'Y_WIDTH', 'A_SIGNED', 'Y_SIGNED', 'ROUNDING', 'OVERFLOW')
    small = itertools.product(range(1, 6), range(7), range(1, 6))
    wide = [(24, 9, 8), (33, 1, 32), (12, 0, 40), (20, 30, 6)]
    for sizes, signs, *modes in itertools.product(
        [*small, *wide], itertools.product((0, 1), repeat=2), range(7), range(4)
    ):
        yield Case('quantize', dict(zip(names, (*sizes, *signs, *modes), strict=True)))


def _multiplexers() -> Iterator[Case]:
    for width in (1, 2, 3, 4, 5, 13, 40):
        yield Case('mux', {'WIDTH': width})


def _bit_functions() -> Iterator[Case]:
    for width, operation in itertools.product((1, 2, 3, 5, 13, 40), range(3)):
        yield Case('bitwise', {'WIDTH': width, 'OPERATION': operation})


def _products() -> Iterator[Case]:
    for (a, b), signs in itertools.product(
        [*itertools.product(range(1, 6), repeat=2), (7, 9)], itertools.product((0, 1), repeat=2)
    ):
        for out in sorted({1, max(a, b), a + b - 1, a + b}):
            parameters = {'A_WIDTH': a, 'A_SIGNED': signs[0], 'B_WIDTH': b, 'B_SIGNED': signs[1], 'Y_WIDTH': out}
            yield Case('multiplier', parameters)


def _delays() -> Iterator[Case]:
    for width, depth, extract in itertools.product((1, 2, 9), (1, 2, 3, 7), (0, 1)):
        yield Case('delay_line', {'WIDTH': width, 'DEPTH': depth, 'SHREG_EXTRACT': extract})
