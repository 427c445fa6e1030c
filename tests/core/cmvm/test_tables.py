"""Tables for narrow inputs: cheaper than adders, exact, in time, and the same through programs, models and hardware."""

from dataclasses import replace

import numpy as np
import pytest

from da4ml_core.cmvm import solve
from da4ml_core.cmvm.matrix import check_problem
from da4ml_core.cmvm.packing import _functions, _sums, packings
from da4ml_core.cmvm.tables import Bit, BitTable
from da4ml_core.device import device
from da4ml_core.errors import SelfCheckFailed, SolveError
from da4ml_core.fixed import Interval
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir import Opcode
from da4ml_core.ir.cost import chain_luts, depth, lookup_functions
from da4ml_core.ir.table import Lookup, Table
from da4ml_core.ir.verify import verify
from da4ml_core.trace import SolverOptions, Tracer

BINARY = [Interval(0, 1)]
DEVICE = device('xilinx-us+')


def random_matrix(n_in, n_out, bits, seed=0):
    return np.random.default_rng(seed).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), size=(n_in, n_out))


def test_a_table_of_bits_reads_well():
    solution = solve([[3], [5], [-6]], BINARY * 3)
    assert str(solution).splitlines() == [
        '3 x 1 matrix: 1 tables, 0 adders, 2.5 LUTs on xilinx-us+, depth 1',
        '  %3 = table of %2[0], %1[0], %0[0] : [-6, 8]',
        '  y0 = %3',
    ]
    assert 'lookup' in solution.to_svg()
    assert 'lookup' in solution.to_dot()


@pytest.mark.parametrize('kind', [(0, 1), (-1, 0), (0, 3), (-2, 1), (-1, 1), (0, 2)])
def test_every_input_of_a_small_problem(kind):
    matrix = random_matrix(4, 5, 6, seed=3)
    solution = solve(matrix, [Interval(*kind, -1)] * 4)
    assert solution.tables
    program = verify(solution.program)
    for codes in np.ndindex(*[kind[1] - kind[0] + 1] * 4):
        x = np.array(codes) + kind[0]
        values = evaluate(program, x.tolist())
        scales = [2.0 ** (program.edge_interval(edge).exp + 1) for edge in program.outputs]
        assert (np.array(values) * scales == x @ matrix).all()


@pytest.mark.parametrize(('n', 'bits', 'input_bits', 'most'), [(16, 4, 1, 290), (16, 8, 1, 500), (16, 8, 2, 920)])
def test_tables_take_fewer_luts_than_adders(n, bits, input_bits, most):
    """The bounds are two thirds of what the same solver takes with ternary adders alone, or less."""
    matrix = random_matrix(n, n, bits)
    inputs = [Interval(0, 2**input_bits - 1)] * n
    packed = solve(matrix, inputs, effort='fast', max_operands=3)
    plain = solve(matrix, inputs, effort='fast', max_operands=3, tables=False)
    assert not plain.tables
    assert packed.lut_cost <= most < 0.75 * plain.lut_cost
    assert packed.depth <= plain.depth
    assert packed.lut_cost == chain_luts(packed.program, DEVICE)
    assert depth(packed.program) == packed.depth


def test_wide_inputs_stay_with_the_adders():
    matrix = random_matrix(12, 6, 5, seed=5)
    inputs = BINARY * 8 + [Interval(-128, 127)] * 4
    solution = solve(matrix, inputs, effort='fast')
    assert {bit.source for table in solution.tables for bit in table.bits} <= set(range(8))
    assert solution.lut_cost < solve(matrix, inputs, effort='fast', tables=False).lut_cost
    rng = np.random.default_rng(0)
    program = verify(solution.program)
    for _ in range(20):
        x = np.array([rng.integers(interval.lo, interval.hi + 1) for interval in inputs])
        scales = [1 << program.edge_interval(edge).exp for edge in program.outputs]
        assert (np.array(evaluate(program, x.tolist())) * scales == x @ matrix).all()


def test_limits_and_arrival_times_hold():
    matrix = random_matrix(20, 4, 4, seed=1)
    latencies = [0, 0, 0, 5] * 5
    for extra in (0, 1, 2):
        solution = solve(matrix, BINARY * 20, latencies, extra_depth=extra, effort='fast')
        assert solution.depth <= solution.minimal_depth + extra
    assert all(solution.levels[20 + k] >= 1 for k in range(len(solution.tables)))


def test_columns_of_equal_and_scaled_weights_share_their_tables():
    column = random_matrix(10, 1, 6, seed=2)
    one = solve(column, BINARY * 10, effort='fast')
    many = solve(np.hstack([column, 4 * column, column]), BINARY * 10, effort='fast')
    assert len(many.tables) == len(one.tables) > 0
    assert many.lut_cost == one.lut_cost


def test_more_effort_is_not_worse_and_the_same_twice():
    matrix = random_matrix(12, 4, 5, seed=7)
    costs = [solve(matrix, BINARY * 12, effort=effort, max_operands=3).lut_cost for effort in ('fast', 'balanced')]
    assert costs[1] <= costs[0]


def test_no_tables_for_wide_inputs_or_enormous_weights():
    assert not solve(random_matrix(6, 6, 4), [Interval(0, 7)] * 6, effort='fast').tables
    assert not solve([[3 << 70, 1], [5, 7]], BINARY * 2, effort='fast').tables
    with pytest.raises(SolveError, match='tables is 1, not True or False'):
        solve([[1]], tables=1)


def test_a_wrong_packing_is_found():
    problem = check_problem(random_matrix(7, 3, 4, seed=4), BINARY * 7)
    packing = next(packings(problem, DEVICE, 2, 'fast', by_arrival=False))
    packing.check(problem)
    first = packing.tables[0]
    bent = first._replace(table=Table((*first.table.entries[:-1], first.table.entries[-1] + 1), first.table.exp))
    with pytest.raises(SelfCheckFailed, match='is not linear'):
        replace(packing, tables=(bent, *packing.tables[1:])).check(problem)
    moved = first._replace(table=Table(tuple(entry + 1 for entry in first.table.entries), first.table.exp))
    with pytest.raises(SelfCheckFailed, match='is off by a constant'):
        replace(packing, tables=(moved, *packing.tables[1:])).check(problem)
    doubled = packing.weights.copy()
    doubled[7] *= 2
    with pytest.raises(SelfCheckFailed):
        replace(packing, weights=doubled).check(problem)
    other = BitTable((Bit(6, 0), *first.bits[1:]), first.table)
    with pytest.raises(SelfCheckFailed, match='is another one'):
        replace(packing, tables=(other, *packing.tables[1:])).check(problem)


def test_the_search_counts_functions_as_the_cost_does():
    rng = np.random.default_rng(0)
    for size in (1, 2, 3, 4, 5, 6) * 4:
        sums = _sums(rng.integers(-9, 9, size=size).tolist()) + int(rng.integers(-40, 40))
        lookup = Lookup(Table(tuple(sums.tolist())), 0)
        assert len(_functions(sums)) == len(lookup_functions(lookup, Interval(0, len(sums) - 1)))


def test_traced_products_look_up():
    matrix = random_matrix(10, 6, 5, seed=6)
    tracer = Tracer('binary', solver=SolverOptions(effort='fast', tables=True))
    x = tracer.input((10,)).quantize(False, 1, 0)
    program = tracer.finish([x @ matrix])
    assert any(op.opcode is Opcode.LOOKUP for op in program.ops)
    rng = np.random.default_rng(1)
    for _ in range(30):
        bits = rng.integers(0, 2, size=10)
        codes = evaluate(program, bits.tolist())
        scales = [2.0 ** program.edge_interval(edge).exp for edge in program.outputs]
        assert (np.array(codes) * scales == bits @ matrix).all()
