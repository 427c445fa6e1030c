"""The long run of the differential test of tracing: every case of the registry, many times, for one seed after another.

    python bench/tracing/differential.py --seeds 0:24 [--examples 20] [--out runs.jsonl] [CASE ...]

Of each seed, every case of tests/traced is drawn `--examples` times. A line is written for each seed when it is
through; a seed that has its line in `--out` is not run again, so that a run that was stopped goes on where it was. A
failure prints its case and seed, which make it again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / 'tests'))

from traced import CASES, check


def run(name: str, number: int, examples: int) -> tuple[int, str]:
    """How many times a case was run for a seed, and its first failure, or nothing."""
    count = 0

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.data())
    def examine(data: st.DataObject) -> None:
        nonlocal count
        check(CASES[name], data.draw)
        count += 1

    try:
        examine()
    except Exception as failure:
        return count, f'{type(failure).__name__}: {failure}'
    return count, ''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', default='0:24', help='the first, and the one behind the last')
    parser.add_argument('--examples', type=int, default=20, help='of each case for a seed')
    parser.add_argument('--out', type=Path, default=Path('tracing_differential.jsonl'))
    parser.add_argument('cases', nargs='*', help='some of the cases; all without')
    options = parser.parse_args()
    first, last = (int(number) for number in options.seeds.split(':'))
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    for number in sorted(set(range(first, last)) - {line['seed'] for line in done}):
        start, total, failures = time.process_time(), 0, {}
        for name in options.cases or CASES:
            count, failure = run(name, number, options.examples)
            total += count
            if failure:
                failures[name] = failure
                print(f'seed {number}, case {name!r}: {failure}', flush=True)
        line = {'seed': number, 'cases': total, 'failures': failures, 'cpu_s': round(time.process_time() - start, 1)}
        done.append(line)
        with options.out.open('a') as file:
            file.write(json.dumps(line) + '\n')
        print(f'seed {number}: {total} cases, {len(failures)} failures, {line["cpu_s"]} s CPU', flush=True)
    counted = [line for line in done if first <= line['seed'] < last]
    print(f'{sum(line["cases"] for line in counted)} cases, {sum(len(line["failures"]) for line in counted)} failures')


if __name__ == '__main__':
    main()
