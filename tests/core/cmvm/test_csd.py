"""Canonical signed digits: the value, the canonical form, and the least weight of all signed-digit forms."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from da4ml_core.cmvm.csd import csd_digits, csd_terms, digit_counts, has_positive_digit

numbers = st.integers(-(2**90), 2**90)


@given(numbers)
def test_digits_are_canonical(number):
    digits = csd_digits(number)
    assert sum(sign << shift for shift, sign in digits) == number
    assert all(high - low >= 2 for (low, _), (high, _) in pairwise(digits))


@given(st.lists(numbers, max_size=3))
def test_positive_digits_are_found(some):
    assert has_positive_digit(some) == any(sign > 0 for number in some for _, sign in csd_digits(number))


def test_no_signed_form_has_fewer_digits():
    least = {0: 0}
    for weight in range(1, 5):
        for number in [n for n, w in least.items() if w == weight - 1]:
            for shift in range(9):
                for term in (1 << shift, -(1 << shift)):
                    least.setdefault(number + term, weight)
    for number in range(-128, 129):
        assert len(csd_digits(number)) == least[number]


@given(st.lists(st.integers(-(2**57), 2**57), min_size=1, max_size=6))
def test_matrix_forms_agree_with_single_numbers(row):
    matrix = np.array([row, row[::-1]])
    counts = [[len(csd_digits(number)) for number in line] for line in matrix.tolist()]
    assert digit_counts(matrix).tolist() == digit_counts(matrix.astype(object)).tolist() == counts
    terms = [part.tolist() for part in csd_terms(matrix)]
    assert terms == [part.tolist() for part in csd_terms(matrix.astype(object))]
    assert list(zip(*terms, strict=True)) == [
        (r, c, shift, sign)
        for r, line in enumerate(matrix.tolist())
        for c, number in enumerate(line)
        for shift, sign in csd_digits(number)
    ]
