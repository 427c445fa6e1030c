"""How long adders take on an ECP5, by place and route: the coefficients that `device.py` has for that family.

Chains of ``levels`` adders of about ``bits`` bits, each from registers to registers; the least-squares fit is

    period = register + levels * level + carry * (bits of all the carry chains)
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from da4ml_core.codegen import emit_verilog
from da4ml_core.passes.schedule import schedule
from da4ml_core.trace import Tracer
from da4ml_flow.eda.backends.nextpnr import implement
from da4ml_flow.eda.core_file import write_core


def period_ns(levels: int, bits: int, seeds: tuple[int, ...], copies: int = 4) -> float:
    """Clock period that a design of such chains reaches: the median over the seeds."""
    tracer = Tracer(f'chain_{levels}_{bits}')
    x = tracer.input((copies, levels + 1), name='x').quantize(True, bits - 1, 0)
    sums = []
    for row in range(copies):
        total = x[row, 0]
        for column in range(1, levels + 1):
            total = total + x[row, column]
        sums.append(total)
    bundle = emit_verilog(schedule(tracer.finish(sums), levels), 'chain')
    with tempfile.TemporaryDirectory() as folder:
        rtl = Path(folder) / 'rtl'
        write_core(bundle, 'chain', rtl)
        return 1000 / implement(rtl, 'ecp5-25k', seeds, Path(folder) / 'pnr').median_fmax_mhz


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--levels', type=int, nargs='+', default=[1, 2, 3, 5])
    parser.add_argument('--bits', type=int, nargs='+', default=[6, 14, 30])
    parser.add_argument('--seeds', type=int, nargs='+', default=[1, 2, 3])
    options = parser.parse_args()
    rows, periods = [], []
    for levels in options.levels:
        for bits in options.bits:
            periods.append(period_ns(levels, bits, tuple(options.seeds)))
            rows.append((1, levels, sum(bits + level for level in range(1, levels + 1))))
            print(f'{levels} adders of {bits} bits: {periods[-1]:.2f} ns', flush=True)
    fit, *_ = np.linalg.lstsq(np.array(rows, dtype=float), np.array(periods), rcond=None)
    print('register {:.2f} ns, level {:.2f} ns, carry {:.4f} ns a bit'.format(*fit))


if __name__ == '__main__':
    main()
