"""What each idea of the solver is worth: one recipe, then the same without one of its parts, on random matrices.

`python bench/cmvm/ablation.py` prints a table in Markdown: mean LUT bits over seeds, and adders in brackets, as
percentages above or below the reference.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cases import Case

from da4ml_core.cmvm.annealing import anneal
from da4ml_core.cmvm.decompose import KraftLevels
from da4ml_core.cmvm.effort import chain_work
from da4ml_core.cmvm.local_search import Annealing
from da4ml_core.cmvm.matrix import check_problem
from da4ml_core.cmvm.rows import distinct_rows, minimal_depth
from da4ml_core.cmvm.search import NEWEST, SEEDED, Candidate, Recipe, Search, recipes

CASES = [
    (Case('uniform', 16, 4, None), 2),
    (Case('uniform', 16, 8, None), 2),
    (Case('uniform', 16, 8, 0), 2),
    (Case('uniform', 32, 4, 2), 2),
    (Case('paper', 16, 8, None), 2),
    (Case('uniform', 16, 8, None), 3),
    (Case('uniform', 16, 8, 1), 3),
    (Case('uniform', 32, 4, None), 3),
]
SEEDS = 2
REFERENCE = Recipe(0, width_weight=1.0, policy=NEWEST)
VARIANTS = {
    'no sharing at all': REFERENCE._replace(share=False),
    'count the adders that a pattern saves, not their bits': REFERENCE._replace(width_weight=0.0),
    'ties by a hash instead of newest values first': REFERENCE._replace(policy=SEEDED),
    'no pattern of two occurrences in ternary sums': REFERENCE._replace(overhead=1.0),
    'trees choose among the 3 lowest terms instead of 12': REFERENCE._replace(window=3),
    'stage 1: forest of height 1': REFERENCE._replace(height=1),
    'stage 1: forest of any height': REFERENCE._replace(height=1000),
    'stage 1: forest of any height, parents shifted': REFERENCE._replace(height=1000, parent_shifts=3),
}
CHAINS: dict[str, dict[str, float]] = {
    'local search from the best of fast': {'turns': 0},
    'the same, cooler': {'turns': 0, 'hot': 2.0, 'cold': 0.3},
    'the same, no noise in the scores': {'turns': 0, 'noise': 0.0},
    'the same, bits alone': {'turns': 0, 'adder_weight': 0.0},
    'the same, an adder as 8 bits': {'turns': 0, 'adder_weight': 8.0},
    'the same, on the transposed problem 3 times in between': {'turns': 6},
    'the same, 6 times': {'turns': 12},
}


def searches(case: Case, radix: int) -> list[Search]:
    found = []
    for seed in range(SEEDS):
        problem = check_problem(case.matrix(seed))
        kraft = KraftLevels(problem.levels, radix)
        limit = None if case.extra is None else minimal_depth(problem, kraft) + case.extra
        found.append(Search(problem, distinct_rows(problem, kraft, limit), kraft))
    return found


def greedy(search: Search, effort: str) -> Candidate:
    """The best of all recipes of an effort level."""
    found = (search.run(recipe) for recipe in recipes(effort, len(search.rows.numbers), search.work))
    return min(found, key=lambda candidate: candidate.rank)


def local_search(search: Search, start: Candidate, **settings: float) -> Candidate:
    """One chain of `balanced` from a candidate."""
    work = chain_work(len(start.graph.adders), len(search.rows.numbers), brief=search.kraft.radix == 3)
    return anneal(search, start, Annealing.of(search.kraft.radix, work)._replace(**settings))


def ideas() -> dict[str, Callable[[Search], Candidate]]:
    """What is compared, by its label."""
    chain = {
        label: lambda search, own=settings: local_search(search, greedy(search, 'fast'), **own)
        for label, settings in CHAINS.items()
    }
    return {
        **{label: lambda search, own=recipe: search.run(own) for label, recipe in VARIANTS.items()},
        'the best recipe of fast': lambda search: greedy(search, 'fast'),
        'the best recipe of balanced': lambda search: greedy(search, 'balanced'),
        **chain,
    }


def name(case: Case, radix: int) -> str:
    limit = '' if case.extra is None else f', +{case.extra}'
    return f'{case.kind} {case.n}, {case.bits}b{limit}' + (', ternary' if radix == 3 else '')


def changes(own: float, adders: float, reference: tuple[float, float]) -> str:
    return f'{100 * (own / reference[0] - 1):+.1f} % ({100 * (adders / reference[1] - 1):+.1f} %)'


def main() -> None:
    columns = [searches(case, radix) for case, radix in CASES]
    references = [_mean([search.run(REFERENCE) for search in column]) for column in columns]
    print('| | ' + ' | '.join(name(case, radix) for case, radix in CASES) + ' |')
    print('|---|' + '---|' * len(CASES))
    print('| reference, LUT bits (adders) | ' + ' | '.join(f'{bits:.0f} ({n:.0f})' for bits, n in references) + ' |')
    for label, idea in ideas().items():
        cells = []
        for column, reference in zip(columns, references, strict=True):
            cells.append(changes(*_mean([idea(search) for search in column]), reference))
        print(f'| {label} | ' + ' | '.join(cells) + ' |', flush=True)


def _mean(found: list[Candidate]) -> tuple[float, float]:
    bits, adders = np.mean([(candidate.bits, len(candidate.graph.adders)) for candidate in found], axis=0)
    return float(bits), float(adders)


if __name__ == '__main__':
    main()
