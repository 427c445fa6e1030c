"""Random programs over every operation as simulated hardware, bit by bit beside the reference interpreter.

    python bench/rtl/fuzz.py --language verilog --record random_verilog.jsonl

Verilog is simulated by Verilator, VHDL by GHDL; values have up to 4 to 100 bits, designs are combinational or
pipelined, with and without registers at inputs and outputs; each has 64 samples, with every style of ternary
adders. A batch is one simulation. The record has a line for each batch that is done: a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / 'tests'))

from kernel_simulation import SAMPLES, mismatches, random_kernel

from da4ml_core.codegen import emit_verilog, emit_vhdl

EMITTERS = {'verilog': emit_verilog, 'vhdl': emit_vhdl}


def run_batch(language: str, batch: int, size: int) -> dict[str, object]:
    """One simulation of ``size`` programs; the batch is the seed."""
    rng = random.Random(1000 + batch)
    start = time.process_time()
    kernels = [random_kernel(rng, f'kernel_{place}', rng.randint(4, 40), EMITTERS[language]) for place in range(size)]
    with tempfile.TemporaryDirectory() as directory:
        wrong = mismatches(kernels, Path(directory))
    widths = [op.interval.width_bits for kernel in kernels for op in kernel.program.ops]
    return {
        'language': language,
        'batch': batch,
        'programs': size,
        'operations': len(widths),
        'widest_bits': max(widths),
        'pipelined': sum(kernel.bundle.clocked for kernel in kernels),
        'samples': size * SAMPLES,
        'wrong': wrong,
        'python_cpu_s': round(time.process_time() - start, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--language', choices=EMITTERS, required=True)
    parser.add_argument('--programs', type=int, default=1000)
    parser.add_argument('--batch', type=int, default=50, help='programs in one simulation')
    parser.add_argument('--record', type=Path, required=True, help='file of what is done, and continued')
    options = parser.parse_args()
    lines = options.record.read_text().splitlines() if options.record.exists() else []
    done = [entry for entry in map(json.loads, lines) if entry['language'] == options.language]
    known = {(entry['batch'], entry['programs']) for entry in done}
    for batch in range(-(-options.programs // options.batch)):
        if (batch, options.batch) not in known:
            done.append(run_batch(options.language, batch, options.batch))
            with options.record.open('a') as record:
                record.write(json.dumps(done[-1]) + '\n')
    total = {key: sum(entry[key] for entry in done) for key in ('programs', 'operations', 'pipelined', 'samples')}
    wrong = [line for entry in done for line in entry['wrong']]
    print(f'{options.language}: {total}, values of up to {max(entry["widest_bits"] for entry in done)} bits')
    print(f'{len(wrong)} wrong samples', *wrong[:20], sep='\n')
    return int(bool(wrong))


if __name__ == '__main__':
    sys.exit(main())
