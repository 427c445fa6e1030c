"""Model file to optimized program in a fresh process: CPU seconds, imports and solver included; optionally alkaid's.

    python bench/tracing/run.py MODEL ... [--efforts fast,balanced] [--repeats 3] [--peers PYTHON]

`load` is the import of the compiler and `load_model`, which traces and solves; `passes` what `Program.optimize` adds,
which finds little left to do. CPU time of all threads, by the system's account of the process; the least of
the repeats, for all that a busy machine does is to add. PYTHON has alkaid, Keras, a backend and hgq2.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

OURS = """
import json, resource, sys
import da4ml_core as dc
program = dc.load_model(sys.argv[1], solver=dc.SolverOptions(effort=sys.argv[2]))
used = resource.getrusage(resource.RUSAGE_SELF)
optimized = program.optimize()
later = resource.getrusage(resource.RUSAGE_SELF)
passes = later.ru_utime + later.ru_stime - used.ru_utime - used.ru_stime
facts = {'passes': passes, 'ops': optimized.num_ops, 'luts': optimized.lut_estimate, 'depth': optimized.depth}
print(json.dumps({'load': used.ru_utime + used.ru_stime, **facts}))
"""
ALKAID = """
import json, os, resource, sys
os.environ.setdefault('KERAS_BACKEND', 'torch')
import hgq, keras
from alkaid.converter import trace_model
from alkaid.trace import trace
model = keras.models.load_model(sys.argv[1], compile=False)
program = trace(*trace_model(model))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({'load': used.ru_utime + used.ru_stime, 'ops': len(program.ops)}))
"""


def measure(python: str, script: str, *arguments: str) -> dict:
    """What the script prints as its last line."""
    result = subprocess.run([python, '-c', script, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(result.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='+')
    parser.add_argument('--efforts', type=lambda text: text.split(','), default=['fast', 'balanced'])
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--peers', metavar='PYTHON')
    arguments = parser.parse_args()
    os.environ.setdefault('OMP_NUM_THREADS', '1')  # of what peers import
    print(f'{"":28} {"":9} {"load s":>7} {"passes s":>8} {"ops":>6} {"LUTs":>9} {"levels":>6}')
    for model in arguments.models:
        runs = [(effort, sys.executable, OURS) for effort in arguments.efforts]
        if arguments.peers:
            runs.append(('alkaid', arguments.peers, ALKAID))
        for name, python, script in runs:
            best = min(
                (measure(python, script, model, name) for _ in range(arguments.repeats)), key=lambda each: each['load']
            )
            passes = f'{best["passes"]:8.2f} ' if script is OURS else f'{"":9}'
            cost = f' {best["luts"]:9.1f} {best["depth"]:6}' if script is OURS else ''
            print(f'{Path(model).stem:28} {name:9} {best["load"]:7.2f} {passes}{best["ops"]:6}{cost}', flush=True)


if __name__ == '__main__':
    main()
