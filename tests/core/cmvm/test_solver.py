"""The contract of `solve`, case by case; the general laws are in tests/property/test_cmvm.py."""

import math
import subprocess
import sys

import numpy as np
import pytest

from da4ml_core.cmvm import solve
from da4ml_core.cmvm.csd import digit_counts
from da4ml_core.cmvm.solver import _memo
from da4ml_core.device import device
from da4ml_core.errors import BudgetExceeded, InvalidMatrix, SolveError
from da4ml_core.fixed import Interval
from da4ml_core.ir import Opcode, Operand
from da4ml_core.ir.cost import depth
from da4ml_core.ir.verify import verify


def random_matrix(n, bits, seed=0):
    return np.random.default_rng(seed).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), size=(n, n))


def test_a_solution_reads_well():
    assert str(solve([[7, 0], [3, 0]], extra_depth=0)).splitlines() == [
        '2 x 2 matrix: 3 adders, 29 LUTs on xilinx-us+, depth 2',
        '  %2 = %1 - %0 : [-255, 255]',
        '  %3 = %0<<2 + %1 : [-640, 635]',
        '  %4 = %2 + %3<<1 : [-1280, 1270]',
        '  y0 = %4',
        '  y1 = 0',
    ]


def test_intervals_are_those_of_the_linear_form():
    solution = solve([[7]], [Interval(-3, 5, -2)])
    assert [adder.interval for adder in solution.adders] == [Interval(-21, 35, -2)]


def test_free_columns():
    solution = solve([[0, 5, 10, 5, -20, 1, 2], [0, 3, 6, 3, -12, 0, 0]])
    alone = solve([[5], [3]])
    assert solution.num_adders == alone.num_adders
    assert solution.outputs[0] is None
    assert solution.outputs[5:] == (Operand(0), Operand(0, 1))
    root = solution.outputs[1]
    assert solution.outputs[2:5] == (root._replace(shift=1), root, root._replace(shift=2, negated=True))
    ops = verify(solution.program).ops
    assert [op.opcode for op in ops if op.opcode is not Opcode.ADD] == [Opcode.INPUT] * 2 + [Opcode.CONST, Opcode.NEG]


def test_zero_rows_and_unused_inputs():
    matrix = np.array([[0, 0], [1, 3], [0, 0]])
    solution = solve(matrix, latencies=[9, 0, 0], extra_depth=0)
    assert (solution.matrix == matrix).all()
    assert solution.depth == 1


@pytest.mark.parametrize('matrix', [[[0]], [[0, 0], [0, 0]]])
def test_a_zero_matrix_has_constant_outputs(matrix):
    solution = solve(matrix, extra_depth=0)
    assert solution.outputs == (None,) * len(matrix[0])
    assert (solution.num_adders, solution.depth, solution.lut_cost) == (0, 0, 0)
    verify(solution.program)


def test_power_of_two_rows_are_wiring():
    matrix = random_matrix(6, 6)
    scaled = np.ldexp(matrix.astype(float), np.arange(6)[:, None])
    inputs = [Interval(-128, 127, -shift) for shift in range(6)]
    assert solve(scaled, inputs).lut_cost == solve(matrix).lut_cost


@pytest.mark.parametrize('operands', [2, 3])
@pytest.mark.parametrize('extra', [0, 1, 2, 5])
@pytest.mark.parametrize(('n', 'bits'), [(4, 8), (12, 5), (16, 8)])
def test_the_depth_limit_holds(n, bits, extra, operands):
    matrix = random_matrix(n, bits)
    least = max(math.ceil(math.log(digits, operands) - 1e-9) for digits in digit_counts(matrix).sum(axis=0))
    solution = solve(matrix, extra_depth=extra, max_operands=operands, effort='fast')
    assert solution.minimal_depth == least
    assert solution.depth <= least + extra == solution.limit
    assert depth(verify(solution.program)) == solution.depth


def test_late_inputs_are_added_last():
    solution = solve([[1], [1], [1], [1], [1]], latencies=[4, 0, 0, 0, 0], extra_depth=0)
    assert solution.depth == 5


def test_ternary_adders():
    solution = solve([[1], [1], [1], [1], [1]], max_operands=3)
    assert [len(adder.operands) for adder in solution.adders] == [3, 3]
    assert solution.depth == 2
    verify(solution.program)


def test_ternary_adders_save_a_quarter_of_the_luts():
    matrix = random_matrix(16, 8)
    binary, ternary = (solve(matrix, max_operands=operands, effort='fast') for operands in (2, 3))
    assert ternary.lut_cost < 0.75 * binary.lut_cost
    assert all(2 <= len(adder.operands) <= 3 for adder in ternary.adders)


@pytest.mark.parametrize('column', [[-1], [-1, -1], [-1, -1, -1], [-4, -1, -2, -8, -16], [-1, 0, -2], [-9], [-5, -1]])
def test_negative_sums_keep_the_minimal_depth(column):
    solution = solve([[weight] for weight in column], extra_depth=0)
    terms = sum(bin(weight).count('1') for weight in column) + 1
    assert depth(verify(solution.program)) == int(np.ceil(np.log2(terms))) == solution.minimal_depth


def test_a_column_and_its_negative_share_where_there_is_time():
    matrix = np.array([[3, -3], [5, -5]])
    assert solve(matrix).num_adders == solve(matrix[:, :1]).num_adders
    tight = solve(matrix, extra_depth=0)
    assert depth(verify(tight.program)) == tight.minimal_depth == 2


def test_a_budget_below_the_minimum():
    with pytest.raises(BudgetExceeded, match='no adder graph of depth 1 computes the matrix') as caught:
        solve([[3, 1], [5, 1]], extra_depth=-1)
    assert caught.value.feasible == 2


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'effort': 'heroic'}, "unknown effort 'heroic'"),
        ({'effort': 0}, 'unknown effort 0'),
        ({'effort': float('nan')}, 'unknown effort nan'),
        ({'extra_depth': 1.5}, 'extra_depth is 1.5, not a number of adder levels or None'),
        ({'threads': 0}, 'threads is 0, not a positive integer or None'),
        ({'max_operands': 4}, 'max_operands is 4, not 2 or 3'),
        ({'device': 'abacus'}, "unknown device family 'abacus'"),
    ],
)
def test_unknown_options(options, message):
    with pytest.raises(SolveError) as caught:
        solve([[1]], **options)
    assert caught.value.message == message


def test_an_invalid_matrix_names_its_index():
    with pytest.raises(InvalidMatrix, match=r'matrix\[1, 0\] is nan, not a finite number'):
        solve(np.array([[1.0, 2.0], [np.nan, 1.0]]))


def test_wide_weights_and_inputs_are_exact():
    matrix = [[3**50, -(7**30)], [2**80 - 1, 5]]
    inputs = [Interval(-(2**70), 2**70 - 1, -35), Interval(0, 2**64 - 1, 900)]
    solution = solve(matrix, inputs)
    assert solution.matrix.tolist() == matrix
    for column, interval in enumerate(solution.program.output_intervals):
        low = sum(
            min(w * i.lo, w * i.hi) << (i.exp + 35) for w, i in zip((r[column] for r in matrix), inputs, strict=True)
        )
        assert interval.at(-35).lo == low
    verify(solution.program)


def test_inputs_far_apart_are_exact():
    solution = solve([[1, 3], [2**-900, 5]], [Interval(0, 1), Interval(-7, 9, -4000)], extra_depth=1)
    verify(solution.program)


def test_more_effort_is_never_worse():
    matrix = random_matrix(5, 6, seed=3)
    for extra in (None, 0):
        costs = [solve(matrix, extra_depth=extra, effort=effort).lut_cost for effort in ('fast', 'balanced', 'max')]
        assert costs == sorted(costs, reverse=True)


def test_the_result_does_not_depend_on_threads():
    matrix = random_matrix(4, 6, seed=4)
    graphs = []
    for threads in (1, 2, 5):
        _memo.clear()
        graphs.append(solve(matrix, effort='max', threads=threads).adders)
    assert graphs[0] == graphs[1] == graphs[2]


def test_a_solve_tells_its_progress_and_can_be_cancelled():
    seen = []
    solve(random_matrix(6, 6, seed=11), progress=seen.append)
    assert {step for step, _, _ in seen} == {'greedy', 'local search'}
    assert all(0 < done <= 1 for _, done, _ in seen)

    def cancel(progress):
        if progress.step == 'local search':
            raise KeyboardInterrupt

    for threads in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            solve(random_matrix(6, 6, seed=12), effort='max', threads=threads, progress=cancel)


def test_a_time_budget_is_kept_and_exact():
    solution = solve(random_matrix(16, 8), effort=0.05)
    assert solution.stats['cpu_s'] < 2
    assert solution.num_adders < 400


def test_identical_problems_are_solved_once():
    matrix = random_matrix(5, 5)
    assert solve(matrix) is solve(np.asfortranarray(matrix.astype(float)).tolist())
    assert solve(matrix) is not solve(matrix, extra_depth=1)


def test_the_program_keeps_its_laws_for_ranges_that_no_type_has():
    solution = solve([[3, 7], [5, -9]], [Interval(-3, 5), Interval(0, 4, -1)])
    verify(solution.program)
    assert solution.adders[-1].interval != solution.program.ops[-1].interval


DIGEST = """
import hashlib, numpy as np
from da4ml_core.cmvm import solve
m = np.random.default_rng(1).integers(-64, 64, size=(10, 12))
s = [solve(m, extra_depth=k, threads=t) for k in (None, 1) for t in (1, 2)]
print(hashlib.sha256(repr([(x.adders, x.outputs) for x in s]).encode()).hexdigest())
"""


def test_the_result_does_not_depend_on_the_hash_seed():
    digests = {
        subprocess.run(
            [sys.executable, '-c', DIGEST],
            env={'PYTHONHASHSEED': seed, 'PYTHONPATH': ':'.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ('0', '1', '4242')
    }
    assert len(digests) == 1


def test_arrival_times_in_ns_are_the_levels_that_they_take():
    matrix = [[3, 5], [7, -9], [1, 2]]
    level_ns = device('xilinx-us+').adder_delay_ns(13)  # 128 * 16 needs 12 bits and a sign
    late = solve(matrix, arrivals_ns=[0.0, 2.5 * level_ns, level_ns / 100], extra_depth=0)
    assert late == solve(matrix, latencies=[0, 3, 1], extra_depth=0)
    with pytest.raises(SolveError, match='twice'):
        solve(matrix, latencies=[0, 0, 0], arrivals_ns=[0, 0, 0])
    for wrong in ([0, 0, -0.1], [0, 0, float('nan')], [0, 0, 'soon'], [0, 0]):
        with pytest.raises(InvalidMatrix, match='arriv'):
            solve(matrix, arrivals_ns=wrong)
