"""LUTs of whole programs beside alkaid's, by both estimates and by Yosys, with the latency of each.

    python bench/area/run.py MODEL ... --alkaid COMMAND [--extra-depth 0 1 2] [--yosys]

`LUTs` and `ns` are our estimate and the longest path by our delays, of our program and of alkaid's, which we read as it
writes it, adders of three operands fused, and simplify; `cost` and `delay` are what alkaid says, in units of its own,
of its program and of ours, which it reads. Of the extra depths the smallest program is taken that is not later than
alkaid's by either measure. `Yosys` counts the LUTs for `xcup`, both in one stage. COMMAND runs alkaid's command line,
with Keras beside it.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import da4ml_core as dc
from da4ml_core.device import DEFAULT_DEVICE, device
from da4ml_core.ir import Program
from da4ml_core.passes.datapath import demanded_windows, value_intervals
from da4ml_core.passes.delay import op_delays_ps

sys.path.insert(0, str(Path(__file__).parents[1] / 'pipeline'))
from run import alkaid_design, cells, our_design

CONVERT = ('-unc', '0', '-lc', '2.1', '-c', '1.5', '--no-shreg', '-n', '64')


class Figures(NamedTuple):
    luts: float
    ns: float
    cost: float  # alkaid's, as is the delay
    delay: float


def longest_path_ns(program: Program) -> float:
    intervals = value_intervals(program)
    delays = op_delays_ps(program, intervals, demanded_windows(program, intervals), device(DEFAULT_DEVICE))
    ready: list[int] = []
    for op, delay in zip(program.ops, delays, strict=True):
        ready.append(delay + max((ready[edge.index] for edge in op.operands), default=0))
    return max((ready[edge.index] for edge in program.outputs), default=0) / 1000


def convert(command: str, source: Path, folder: Path) -> tuple[Path, float, float]:
    """What alkaid makes of a model or of a program of its format, and what it says of that: cost and latency."""
    out = folder / f'{source.name}.project'
    subprocess.run([*shlex.split(command), 'convert', str(source), str(out), *CONVERT], check=True, capture_output=True)
    facts = json.loads((out / 'metadata.json').read_text())
    return out / 'model' / 'comb.json.gz', facts['cost'], facts['max_comb_delay']


def figures(program: dc.Program, cost: float, delay: float) -> Figures:
    return Figures(program.lut_estimate, longest_path_ns(program), cost, delay)


def theirs(model: Path, command: str, folder: Path) -> Figures:
    made, *facts = convert(command, model, folder)
    program = dc.load(made.rename(folder / 'theirs.alir.json.gz'))
    return figures(program.optimize(ternary=True), *facts)


def ours(model: Path, extra_depth: int, effort: str, command: str, folder: Path) -> Figures:
    options = dc.SolverOptions(extra_depth=extra_depth, effort=effort)
    program = dc.load_model(model, solver=options).optimize()
    saved = folder / f'ours{extra_depth}.alir.json'
    program.save(saved)
    return figures(program, *convert(command, saved, folder)[1:])


def show(name: str, what: Figures, reference: Figures, yosys: str = '') -> None:
    print(
        f'| {name} | {what.luts:.0f} | {what.ns:.1f} | {what.cost:.0f} | {what.delay:.1f} '
        f'| {what.luts / reference.luts - 1:+.1%} | {what.luts / reference.cost - 1:+.1%} '
        f'| {what.cost / reference.cost - 1:+.1%} | {yosys} |',
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', type=Path, nargs='+')
    parser.add_argument('--alkaid', required=True, metavar='COMMAND')
    parser.add_argument('--extra-depth', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--effort', default='balanced')
    parser.add_argument('--yosys', action='store_true', help='synthesize both in one stage: minutes for large models')
    options = parser.parse_args()
    print('| program | LUTs | ns | cost | delay | LUTs to LUTs | LUTs to its cost | cost to cost | Yosys LUTs |')
    print('|---' * 9 + '|')
    for model in options.models:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            reference = theirs(model, options.alkaid, folder)
            found = [
                (ours(model, depth, options.effort, options.alkaid, folder), depth) for depth in options.extra_depth
            ]
            in_time = [each for each in found if each[0].ns <= reference.ns and each[0].delay <= reference.delay]
            best, depth = min(in_time or found, key=lambda each: each[0].luts if in_time else each[0].ns)
            counts = ['', '']
            if options.yosys:
                bundles = [alkaid_design(model, 1, options.alkaid, folder)[0], our_design(model, 1, DEFAULT_DEVICE)[0]]
                for number, bundle in enumerate(bundles):
                    counts[number] = str(int(cells(bundle, folder / str(number)).luts))
            late = '' if in_time else ', LATER'
            show(f'{model.stem}, alkaid', reference, reference, counts[0])
            show(f'{model.stem}, ours, extra depth {depth}{late}', best, reference, counts[1])


if __name__ == '__main__':
    main()
