"""Validation of the solver's inputs: every defect is named with its index, every exact number is taken exactly."""

from fractions import Fraction

import numpy as np
import pytest

from da4ml_core.cmvm.matrix import check_problem, narrow, trailing_zeros
from da4ml_core.errors import InvalidMatrix
from da4ml_core.fixed import Interval

INVALID = [
    ([[1.0, float('nan')]], 'matrix[0, 1]: nan is not a finite number'),
    (np.array([[1.0], [np.inf]]), 'matrix[1, 0] is inf, not a finite number'),
    ([[1, 2j]], 'matrix[0, 1] is 2j, not a real number'),
    (np.ones((2, 2), dtype=complex), 'a matrix holds real numbers, not complex128'),
    ([[1, 2], [3]], 'row 1 of the matrix has 1 columns, row 0 has 2'),
    ([[1, 2], 3], 'row 1 of the matrix is 3, not a sequence of numbers'),
    ([], 'the matrix is empty: 0 inputs, 0 outputs'),
    ([[], []], 'the matrix is empty: 2 inputs, 0 outputs'),
    (np.zeros((0, 4)), 'the matrix is empty: 0 inputs, 4 outputs'),
    (np.zeros(4), 'a matrix has 2 axes (inputs, outputs), not shape (4,)'),
    (np.zeros((2, 2, 2)), 'a matrix has 2 axes (inputs, outputs), not shape (2, 2, 2)'),
    (7, 'a matrix has 2 axes (inputs, outputs), not int'),
    ('12', 'a matrix has 2 axes (inputs, outputs), not str'),
    ([[Fraction(1, 3)]], 'matrix[0, 0]: Fraction(1, 3) is not an integer times a power of two'),
    ([[None]], 'matrix[0, 0] is None, not a real number'),
    ([['1']], "matrix[0, 0] is '1', not a real number"),
    (np.array([['a']]), 'a matrix holds real numbers, not <U1'),
]


@pytest.mark.parametrize(('matrix', 'message'), INVALID, ids=[message for _, message in INVALID])
def test_invalid_matrix(matrix, message):
    with pytest.raises(InvalidMatrix) as caught:
        check_problem(matrix)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ('inputs', 'message'),
    [
        ([Interval(0, 1)], '1 input intervals for a matrix with 2 rows'),
        ([Interval(0, 1), Interval(3, 1)], 'inputs[1]: the interval [3, 1] is reversed'),
        ([Interval(0, 1), (0, 0.5)], 'inputs[1]: hi of an interval must be an integer, not 0.5'),
        ([(0,), (0, 1)], 'inputs[0]: (0,) is not an interval (lo, hi, exp)'),
        ([Interval(0, 1), 5], 'inputs[1]: 5 is not an interval'),
    ],
)
def test_invalid_inputs(inputs, message):
    with pytest.raises(InvalidMatrix) as caught:
        check_problem([[1], [2]], inputs)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ('latencies', 'message'),
    [
        ([0], '1 latencies for a matrix with 2 rows'),
        ([0, -1], 'latencies[1] is -1, not a number of adder levels >= 0'),
        ([0.5, 0], 'latencies[0] is 0.5, not a number of adder levels >= 0'),
        ([0, float('inf')], 'latencies[1] is inf, not a number of adder levels >= 0'),
        ([0, None], 'latencies[1] is None, not a number of adder levels >= 0'),
    ],
)
def test_invalid_latencies(latencies, message):
    with pytest.raises(InvalidMatrix) as caught:
        check_problem([[1], [2]], latencies=latencies)
    assert caught.value.message == message


@pytest.mark.parametrize(
    'matrix',
    [
        [[1, -2], [3, 0]],
        np.array([[1, -2], [3, 0]], dtype=np.int8),
        np.array([[1, -2], [3, 0]], dtype=np.float16),
        np.asfortranarray([[1, -2], [3, 0]]),
        np.array([[1, 9, -2], [9, 9, 9], [3, 9, 0]])[::2, ::2],
        np.array([[1, -2], [3, 0]], dtype=object),
        [[Fraction(1), -2.0], [np.int64(3), np.float32(0)]],
    ],
)
def test_equal_matrices_are_equal_problems(matrix):
    assert check_problem(matrix).key == check_problem(np.array([[1, -2], [3, 0]])).key


@pytest.mark.parametrize(
    'matrix',
    [
        [[0.375, -2.5], [0, 1024]],
        [[2**80 + 1, -3], [0, 2**-1]],
        [[5e-324, 1.7976931348623157e308]],
        [[-(2**63), 2**63 - 1]],
        [[0.1, 0.3]],
        [[0, 0]],
    ],
)
def test_numbers_are_exact(matrix):
    problem = check_problem(matrix)
    exact = [[Fraction(number) for number in row] for row in matrix]
    assert [[int(n) * Fraction(2) ** problem.exp for n in row] for row in problem.weights] == exact
    assert [[Fraction(number) for number in row] for row in problem.matrix.tolist()] == exact
    assert check_problem(np.array(matrix, dtype=object)).key == problem.key


def test_unsigned_64_bit_integers_do_not_wrap():
    matrix = np.array([[2**64 - 1, 1]], dtype=np.uint64)
    assert check_problem(matrix).matrix.tolist() == [[2**64 - 1, 1]]


def test_booleans_are_zeros_and_ones():
    assert check_problem(np.array([[True, False]])).matrix.tolist() == [[1, 0]]


def test_narrow_keeps_what_the_kernels_cannot_take():
    assert narrow(np.array([[2**58 - 1]], dtype=object)).dtype == np.int64
    assert narrow(np.array([[2**58]], dtype=object)).dtype == object
    assert narrow(np.array([[-(2**63)]])).dtype == object


def test_trailing_zeros():
    numbers = np.array([[4, 0, 6], [8, 0, -16]])
    assert trailing_zeros(numbers, 1) == [1, 3]
    assert trailing_zeros(numbers, 0) == [2, -1, 1]
    assert trailing_zeros(numbers.astype(object), 0) == [2, -1, 1]
