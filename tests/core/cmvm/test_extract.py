"""The extraction kernel against a plain statement of the same greedy algorithm."""

from itertools import combinations, pairwise

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from da4ml_core.cmvm import _extract
from da4ml_core.cmvm.csd import csd_terms

NEWEST = 1
RADIX = 2
OVERHEAD = 1.0


def pattern_of(x, y):
    """Canonical name of two terms (value, shift, sign): (a, b, shift of b against a, is a difference)."""
    x, y = sorted([x, y])
    return x[0], y[0], y[1] - x[1], x[2] != y[2]


def matches_of(rows, pattern):
    """Disjoint occurrences, in order of row and shift, and the sign of the first operand that keeps most of them."""
    a, b, d, difference = pattern
    found = []
    for r, row in enumerate(rows):
        used = set()
        for x in sorted(t for t in row if t[0] == a):
            y = next((t for t in row if t[0] == b and t[1] == x[1] + d), None)
            if x in used or y is None or y in used or (x[2] != y[2]) != difference:
                continue
            used |= {x, y}
            found.append((r, x, y))
    last = [(r, x, y) for r, x, y in found if difference and sum(t[2] > 0 for t in rows[r]) == 1]
    against_first = sum(x[2] < 0 for _, x, _ in last)
    against_second = len(last) - against_first
    first = 1 if against_first <= against_second else -1
    if against_first and against_second:
        found = [m for m in found if m not in last or m[1][2] == first]
    return found, first


def greedy(rows, inputs):
    """Make the most frequent pattern a value, newest operands first, until none occurs twice.

    A pattern counts for no more than when it came up: one that later becomes possible, because a row has got another
    positive term, is not looked for again.
    """
    rows = [set(row) for row in rows]
    most = {}
    values, joins = inputs, []
    while True:
        patterns = {pattern_of(x, y) for row in rows for x, y in combinations(row, 2)}
        times = {p: len(matches_of(rows, p)[0]) for p in patterns}
        most = times | most
        counted = [(min(times[p], most[p]), p[1], p[0], p[2], p[3], p) for p in patterns]
        frequency, *_, pattern = max(counted, default=(0, None))
        if frequency < 2:
            return joins, rows
        matches, first = matches_of(rows, pattern)
        a, b, d, difference = pattern
        joins.append([a, max(0, -d), b, max(0, d), difference + 2 * (first < 0)])
        for r, x, y in matches:
            positives = sum(t[2] > 0 for t in rows[r])
            lost = (x[2] > 0) + (y[2] > 0)
            if x[2] != first and 0 < positives == lost:
                continue  # the row would have no positive term left
            rows[r] -= {x, y}
            rows[r].add((values, x[1] - max(0, -d), x[2] * first))
        values += 1


def run_kernel(matrix):
    rows, n_in = matrix.shape
    row, value, shift, sign = csd_terms(matrix)
    starts = np.searchsorted(row, np.arange(rows + 1)).astype(np.int32)
    terms = np.ascontiguousarray(np.stack([value, shift, sign], axis=1), dtype=np.int32)
    zeros, ones = np.zeros(n_in, dtype=np.int32), np.ones(n_in)
    joins, starts, terms = _extract.extract(
        starts,
        terms,
        zeros,
        zeros,
        -ones,
        ones,
        np.zeros(rows, dtype=np.int64),
        np.ones(1, dtype=np.int64),
        0,
        False,
        RADIX,
        0.0,
        OVERHEAD,
        NEWEST,
        0,
    )
    left = [set(map(tuple, terms[a:b].tolist())) for a, b in pairwise(starts)]
    return joins.tolist(), left


matrices = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 10)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(-(2 ** shape[2]), 2 ** shape[2]), min_size=shape[0], max_size=shape[0]),
        min_size=shape[1],
        max_size=shape[1],
    )
)


@settings(max_examples=300, deadline=None)
@example([[-7], [35], [-457]])
@given(matrices)
def test_the_kernel_is_the_plain_greedy_algorithm(rows):
    matrix = np.array(rows)
    row, value, shift, sign = csd_terms(matrix)
    given = [set() for _ in rows]
    for r, v, k, s in zip(row.tolist(), value.tolist(), shift.tolist(), sign.tolist(), strict=True):
        given[r].add((v, k, s))
    joins, left = greedy(given, matrix.shape[1])
    kernel_joins, kernel_left = run_kernel(matrix)
    assert kernel_joins == [[int(n) for n in join] for join in joins]
    assert kernel_left == left


def test_a_larger_matrix():
    matrix = np.random.default_rng(5).integers(-128, 128, size=(12, 12))
    row, value, shift, sign = csd_terms(matrix)
    given = [set() for _ in matrix]
    for r, v, k, s in zip(row.tolist(), value.tolist(), shift.tolist(), sign.tolist(), strict=True):
        given[r].add((v, k, s))
    joins, left = greedy(given, matrix.shape[1])
    assert run_kernel(matrix) == ([[int(n) for n in join] for join in joins], left)
