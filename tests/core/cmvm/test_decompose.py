"""Stage 1: the forest computes its rows, respects heights and deadlines, and is a minimum spanning tree."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da4ml_core.cmvm.csd import csd_digits, digit_counts
from da4ml_core.cmvm.decompose import KraftLevels, roots_only, row_distances, spanning_forest

matrices = (
    st.integers(1, 5)
    .flatmap(
        lambda n: st.lists(
            st.lists(st.integers(-100, 100), min_size=n, max_size=n), min_size=1, max_size=6, unique_by=tuple
        )
    )
    .map(np.array)
)


def rebuilt(forest, rows):
    made = {}
    for b in forest.order:
        p = forest.parents[b]
        base = forest.signs[b] * (made[p] << forest.shifts[b]) if p >= 0 else 0
        made[b] = forest.residuals[b] + base
    return np.array([made[b] for b in range(len(rows))])


@given(matrices, st.integers(1, 3))
def test_distances_are_those_of_the_definition(rows, shifts):
    found = row_distances(rows, shifts)
    for b, a in product(range(len(rows)), repeat=2):
        if a == b:
            continue
        options = [
            sum(len(csd_digits(int(x))) for x in rows[b] - sign * (rows[a] << k))
            for k in range(shifts)
            for sign in (1, -1)
        ]
        assert found.digits[b, a] == min(options)
        residual = rows[b] - found.signs[b, a] * (rows[a] << found.shifts[b, a])
        assert digit_counts(residual.reshape(1, -1)).sum() == min(options)
    wide = row_distances(rows.astype(object), shifts)
    assert (wide.digits == found.digits).all()


@given(matrices, st.integers(0, 4), st.integers(0, 3), st.integers(1, 3))
def test_a_forest_computes_its_rows_in_time(rows, height, spare, shifts):
    kraft = KraftLevels([0] * rows.shape[1], 2)
    weights = [kraft.weight(digits) for digits in digit_counts(rows)]
    deadlines = [kraft.earliest(max(weights)) + spare] * len(rows)
    forest = spanning_forest(rows, row_distances(rows, shifts), kraft, deadlines, height)
    assert (rebuilt(forest, rows) == rows).all()
    depth = {}
    for b in forest.order:
        p = forest.parents[b]
        depth[b] = depth[p] + 1 if p >= 0 else 0
        weight = kraft.weight(digit_counts(forest.residuals[b : b + 1])[0])
        weight += kraft.power(forest.deadlines[p]) if p >= 0 else 0
        assert weight <= kraft.power(forest.deadlines[b])
        assert forest.deadlines[b] <= deadlines[b]
    assert max(depth.values()) <= height


@given(matrices.filter(lambda rows: len(rows) <= 4))
def test_an_unbounded_forest_is_minimal(rows):
    distances = row_distances(rows)
    forest = spanning_forest(rows, distances, KraftLevels([0] * rows.shape[1], 2), None, len(rows))
    own = digit_counts(rows).sum(axis=1)

    def cost(parents):
        return sum(own[b] if p < 0 else distances.digits[b, p] + 1 for b, p in enumerate(parents))

    def is_forest(parents):
        for b in range(len(parents)):
            seen = set()
            while b >= 0 and b not in seen:
                seen.add(b)
                b = parents[b]
            if b >= 0:
                return False
        return True

    every = product(range(-1, len(rows)), repeat=len(rows))
    best = min(cost(parents) for parents in every if is_forest(parents))
    refused = any(  # an edge that would leave a sum of negative terms is not taken
        distances.signs[b, a] < 0 and (rows[b] + (rows[a] << distances.shifts[b, a]) <= 0).all()
        for b, a in product(range(len(rows)), repeat=2)
        if a != b
    )
    assert cost(forest.parents) == best or refused


def test_roots_only():
    rows = np.array([[1, 2], [3, 4]])
    assert roots_only(rows, None).parents == (-1, -1)
    assert roots_only(rows, [3, 4]).deadlines == (3, 4)


@pytest.mark.parametrize(
    ('levels', 'digits', 'earliest'),
    [([0, 0], [1, 1], 1), ([0, 0], [2, 1], 2), ([0, 3], [4, 1], 4), ([5, 5], [1, 0], 5)],
)
def test_kraft_levels(levels, digits, earliest):
    kraft = KraftLevels(levels, 2)
    weight = kraft.weight(digits)
    assert kraft.earliest(weight) == earliest
    assert weight <= kraft.power(earliest)


def test_the_latest_arrival_that_still_fits():
    kraft = KraftLevels([2], 2)
    assert [kraft.latest(spare) for spare in (0, 1, 2, 3, 4, 7, 8)] == [None, 2, 3, 3, 4, 4, 5]
