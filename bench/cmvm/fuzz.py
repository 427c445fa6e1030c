"""Many small random problems against the laws of the solver: `python bench/cmvm/fuzz.py`.

The laws are those of `tests/solver_laws.py`. Problem k is made by seed k, so that a failure can be had again; every
hundredth is also solved with `balanced`, which must not be worse. Exit status 1 if a law was broken.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / 'tests'))

from solver_laws import check, random_problem, require

BALANCED_EVERY = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--problems', type=int, default=100_000)
    parser.add_argument('--first', type=int, default=0, help='the first seed')
    parser.add_argument('--largest', type=int, default=5, help='rows and columns of a matrix')
    parser.add_argument('--seconds', type=float, default=float('inf'), help='stop after so long')
    options = parser.parse_args()
    os.nice(10)
    start, cpu = time.monotonic(), time.process_time()
    tried: Counter[str] = Counter()
    failures = adders = 0
    for seed in range(options.first, options.first + options.problems):
        if time.monotonic() - start > options.seconds:
            break
        problem = random_problem(random.Random(seed), options.largest)
        try:
            solution = check(problem, 'fast')
            if seed % BALANCED_EVERY == 0:
                better = check(problem, 'balanced')
                require(better.lut_cost <= solution.lut_cost, 'balanced is worse than fast')
                tried['balanced'] += 1
            adders += solution.num_adders
        except Exception as error:  # whatever it is, it is a failure, and the next problem is tried
            failures += 1
            print(f'seed {seed}: {type(error).__name__}: {error}\n  {problem}', flush=True)
        tried['fast'] += 1
        tried['depth limited'] += problem.extra is not None
        tried['ternary'] += problem.operands == 3
        tried['late inputs'] += problem.latencies is not None
        tried['weights over 58 bits'] += max(abs(n) for row in problem.matrix for n in row) >= 1 << 58
    facts = ', '.join(f'{name} {count}' for name, count in tried.items())
    print(f'{failures} failures; {facts}; {adders} adders; {time.process_time() - cpu:.0f} s CPU')
    return int(failures > 0)


if __name__ == '__main__':
    sys.exit(main())
