"""Kernels of ours and of alkaid, side by side at the same latency: register bits, FFs, LUTs and clock frequency.

    python bench/pipeline/run.py MODEL.keras --alkaid 'PYTHON COMMAND' --stages 4

alkaid runs as it is installed, by its own command line, in an environment that has Keras too; its Verilog goes through
the same Yosys and nextpnr as ours, under one clock and one pair of ports. Both have registers at inputs and outputs.
Ours is what the project makes for each of the two devices by default: adders of three operands and stages balanced for
UltraScale+ where Yosys counts cells, adders of two and stages balanced for ECP5 where nextpnr reaches a frequency.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import tempfile
from math import nan
from pathlib import Path

import da4ml_core as dc
from da4ml_core.codegen import PortField, RtlBundle, emit_verilog
from da4ml_core.device import device
from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Quantization
from da4ml_core.passes.schedule import schedule
from da4ml_flow.eda.backends.nextpnr import implement
from da4ml_flow.eda.backends.yosys import synthesize
from da4ml_flow.eda.core_file import write_core
from da4ml_flow.eda.parsers.yosys_stat import Resources

AREA, SPEED = 'xilinx-us+', 'ecp5'  # the device whose cells are counted, and that whose clock is reached
COLUMNS = ('model', 'stages', 'by', 'cycles', 'register bits', 'FFs', 'LUTs', 'Fmax MHz')


def our_design(model: Path, stages: int, family: str) -> tuple[RtlBundle, int]:
    """The Verilog of a model in so many stages for a device, and its register bits."""
    program = dc.load_model(model, solver=dc.SolverOptions(extra_depth=2, device=family))
    plan = schedule(program, stages=stages, device=device(family))
    return emit_verilog(plan, 'kernel'), plan.register_bits


def alkaid_design(model: Path, stages: int, command: str, folder: Path) -> tuple[RtlBundle, int]:
    """The same of alkaid; what it writes stays in the folder."""
    out = folder / 'alkaid'
    arguments = ['convert', str(model), str(out), '--flavor', 'verilog', '--n-stages', str(stages), '-n', '64']
    subprocess.run([*shlex.split(command), *arguments], check=True, capture_output=True)
    sources = sorted([*(out / 'src').glob('logic*.v'), out / 'src/model.v', *(out / 'src/static').glob('*.v')])
    text = '\n'.join(path.read_text() for path in sources)
    widths = {name: int(high) + 1 for high, name in re.findall(r'\[(\d+):0\] (model_inp|model_out)\b', text)}
    ports = f'input wire clk, input wire [{widths["model_inp"] - 1}:0] x, output wire [{widths["model_out"] - 1}:0] y'
    top = f'module kernel ({ports});\n    model made (.clk(clk), .model_inp(x), .model_out(y));\nendmodule\n'
    x, y = ((PortField(0, 0, Quantization(FixedType(False, bits, 0))),) for bits in widths.values())
    bits = json.loads((out / 'metadata.json').read_text())['reg_bits']
    return RtlBundle('kernel', 'verilog', {'kernel.v': text + top}, (), x, y, True, stages + 1), bits


def cells(bundle: RtlBundle, folder: Path) -> Resources:
    """What Yosys makes of it for UltraScale+."""
    write_core(bundle, 'kernel', folder / 'area')
    return synthesize(folder / 'area', 'xcup', folder / 'synth').resources


def frequency(bundle: RtlBundle, folder: Path, seeds: tuple[int, ...]) -> float:
    """What nextpnr reaches on an ECP5 in MHz: the median over the seeds."""
    if not seeds:
        return nan
    write_core(bundle, 'kernel', folder / 'speed')
    return implement(folder / 'speed', 'ecp5-85k', seeds, folder / 'pnr').median_fmax_mhz


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', type=Path, nargs='+', help='.keras or .h5 files')
    parser.add_argument('--alkaid', help="command that runs alkaid's command line; without it only ours")
    parser.add_argument('--stages', type=int, nargs='+', default=[4])
    parser.add_argument('--seeds', type=int, nargs='*', default=[1, 2, 3], help='of nextpnr; none: no Fmax')
    options = parser.parse_args()
    print('| ' + ' | '.join(COLUMNS) + ' |\n' + '|---' * len(COLUMNS) + '|')
    for model in options.models:
        for stages in options.stages:
            for maker in ('ours', 'alkaid') if options.alkaid else ('ours',):
                with tempfile.TemporaryDirectory() as scratch:
                    folder = Path(scratch)
                    if maker == 'ours':
                        bundle, bits = our_design(model, stages, AREA)
                        fast, _ = our_design(model, stages, SPEED)
                    else:
                        bundle, bits = alkaid_design(model, stages, options.alkaid, folder)
                        fast = bundle
                    area = cells(bundle, folder)
                    fmax = frequency(fast, folder, tuple(options.seeds))
                cycles = bundle.latency_cycles
                row = (model.stem, stages, maker, cycles, bits, int(area.ffs), int(area.luts), f'{fmax:.1f}')
                print('| ' + ' | '.join(map(str, row)) + ' |', flush=True)


if __name__ == '__main__':
    main()
