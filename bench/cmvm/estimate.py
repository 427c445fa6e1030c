"""The LUT estimate against Yosys: solved matrices, emitted, synthesized as the flow does it, and compared.

`python bench/cmvm/estimate.py` prints, for binary and for ternary adders on `xcup` and `ecp5`, the correlation of the
estimate with the LUTs that Yosys reports, the factor between them, and the error that is left after that factor;
`--save` keeps every design as JSON. The kernels are combinational: LUTs of registers' making are no part of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from cases import Case

from da4ml_core.cmvm import Solution, solve
from da4ml_core.codegen import emit_verilog
from da4ml_core.device import device
from da4ml_core.ir.cost import chain_luts
from da4ml_core.passes.schedule import schedule
from da4ml_flow.eda.backends import yosys
from da4ml_flow.eda.core_file import write_core

DEVICES = {'xcup': 'xilinx-us+', 'ecp5': 'ecp5'}
DESIGNS = [
    Case(kind, n, bits, extra)
    for kind in ('uniform', 'sparse50', 'gauss', 'laplace')
    for n, bits, extra in (
        (4, 4, None),
        (4, 8, 0),
        (6, 6, None),
        (8, 3, 0),
        (8, 8, None),
        (10, 5, 1),
        (12, 4, None),
        (14, 8, 0),
    )
]


class Design(NamedTuple):
    """One kernel: what we estimate, and what the tool reports."""

    name: str
    operands: int
    family: str
    adders: int
    estimate: float
    luts: int
    carry: int


def synthesized(solution: Solution, family: str) -> Any:
    """Yosys' resources of the combinational kernel."""
    bundle = emit_verilog(schedule(solution.program, None), 'kernel')
    with TemporaryDirectory() as directory:
        rtl = Path(directory) / 'rtl'
        write_core(bundle, 'kernel', rtl)
        return yosys.synthesize(rtl, family, Path(directory) / 'synth').resources


def designs(operands: int, family: str, cases: Sequence[Case]) -> Iterator[Design]:
    for seed, case in enumerate(cases):
        solution = solve(case.matrix(seed), extra_depth=case.extra, effort='fast', max_operands=operands)
        estimate = chain_luts(solution.program, device(DEVICES[family]))
        found = synthesized(solution, family)
        yield Design(case.name, operands, family, solution.num_adders, estimate, found.luts, found.carry)


class Fit(NamedTuple):
    """How well ``luts`` is ``factor * estimate``; errors are of single designs after the factor, in percent."""

    designs: int
    correlation: float
    factor: float
    mean_error: float
    worst_error: float

    @classmethod
    def of(cls, found: Sequence[Design]) -> Fit:
        estimate = np.array([design.estimate for design in found])
        luts = np.array([design.luts for design in found], dtype=float)
        factor = float(np.exp(np.mean(np.log(luts / estimate))))
        errors = 100 * np.abs(factor * estimate / luts - 1)
        correlation = float(np.corrcoef(estimate, luts)[0, 1])
        return cls(len(found), correlation, factor, float(errors.mean()), float(errors.max()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--operands', nargs='+', type=int, choices=(2, 3), default=[2, 3])
    parser.add_argument('--families', nargs='+', choices=DEVICES, default=list(DEVICES))
    parser.add_argument('--designs', type=int, default=len(DESIGNS), help='only so many')
    parser.add_argument('--save', type=Path, help='every design, as JSON')
    options = parser.parse_args()
    every: list[Design] = []
    lines = [
        '| adders, family | designs | correlation | LUTs / estimate | mean error after it | worst |',
        '|---' * 6 + '|',
    ]
    for operands in options.operands:
        for family in options.families:
            found = []
            for design in designs(operands, family, DESIGNS[: options.designs]):
                print(*design, file=sys.stderr, flush=True)
                found.append(design)
            every += found
            fit = Fit.of(found)
            kind = 'binary' if operands == 2 else 'ternary'
            lines.append(
                f'| {kind}, `{family}` | {fit.designs} | {fit.correlation:.4f} | {fit.factor:.3f} '
                f'| {fit.mean_error:.1f} % | {fit.worst_error:.1f} % |'
            )
            if options.save:
                options.save.write_text(json.dumps([design._asdict() for design in every], indent=1) + '\n')
    print('\n'.join(lines))


if __name__ == '__main__':
    main()
