"""What tools of this kind get wrong in silence: done right here, or refused."""

import re
from fractions import Fraction

import numpy as np
import pytest
from small_programs import exact, matrix_is, same_as_numpy, samples, traced

import da4ml_core as dc
from da4ml_core import trace
from da4ml_core.cmvm import Solution, solve
from da4ml_core.codegen import emit_verilog
from da4ml_core.errors import (
    CodegenError,
    InterpError,
    InvalidMatrix,
    SelfCheckFailed,
    SymbolicBool,
    UnsupportedOperation,
)
from da4ml_core.passes.schedule import schedule

weak_spot = pytest.mark.weak_spot


def emitted(program, name='spot'):
    return emit_verilog(schedule(program, None), name)


@weak_spot('9.1.1', 'np.sin(x)+1')
def test_a_function_without_its_quantizer_is_refused():
    with pytest.raises(UnsupportedOperation, match='before it is quantized'):
        traced(lambda x: np.sin(x) + 1)


@weak_spot('9.1.2', 'wider than 32 bits')
def test_values_of_33_to_62_bits_negative_ones_too():
    program = traced(
        lambda x: np.concatenate([np.maximum(x, 0), np.where(x < 0, x, 1), x.quantize(True, 45, 0, 'RND')]),
        (1,), int_bits=50, frac_bits=4,
    )  # fmt: skip
    for n in (-(2**54), -(2**40) - 1, -1, 0, 2**53 + 3):
        x = Fraction(n, 16)
        rounded = (n + 8) // 16
        wrapped = (rounded + 2**45) % 2**46 - 2**45
        assert exact(program, [[x]]) == [[max(x, 0), x if x < 0 else 1, wrapped]]


@weak_spot('9.1.2', 'x*0.1')
@weak_spot('0.8.2', 'x*0.1')
@weak_spot('0.8.2', 'x*0.3, x*0.7, x*1.1')
@weak_spot('more.3', 'x*0.1')
@weak_spot('more.3', 'x*0.3')
@pytest.mark.parametrize('number', [0.1, 0.3, 0.7, 1.1])
def test_raw_floats_are_exact_factors(number):
    program = traced(lambda x: x * number, (1,))
    assert exact(program, [[1], [-1.25]]) == [[Fraction(number)], [Fraction(-1.25) * Fraction(number)]]


@weak_spot('9.1.2', '65-bit inputs')
def test_inputs_of_65_bits():
    program = traced(lambda x: x + 1, (1,), int_bits=32, frac_bits=32)
    x = -Fraction(2**64 - 1, 2**32)
    assert exact(program, [[x]]) == [[x + 1]]


@weak_spot('9.1.3', 'MSB of an unsigned key')
def test_the_top_bit_of_an_unsigned_key_of_3_bits():
    program = traced(lambda x: np.where(x >= 4, 5, np.where(x > 1, x, 7)), (1,), signed=False, frac_bits=0)
    x = np.arange(8)
    assert np.array_equal(program.predict(x[:, None])[:, 0], np.where(x >= 4, 5, np.where(x > 1, x, 7)))


@weak_spot('9.1.4', 'Fortran-ordered or strided')
@weak_spot('0.8.2', 'F-order/strided')
def test_kernels_in_any_memory_layout():
    assert matrix_is(np.asfortranarray(np.arange(16.0).reshape(4, 4)))
    assert matrix_is(np.arange(64.0).reshape(8, 8)[::2, 1::2])
    assert matrix_is(np.arange(16.0).reshape(4, 4)[::-1, ::-1])


@weak_spot('9.1.5', 'NaN, inf')
@weak_spot('0.8.2', 'NaN kernels')
@weak_spot('more.1', 'NaN weights')
@weak_spot('more.1', 'Complex weights')
@pytest.mark.parametrize('number', [np.nan, np.inf, 1j])
def test_kernels_that_are_no_real_numbers_are_refused(number):
    with pytest.raises(InvalidMatrix, match=r'complex|nan|inf'):
        solve(np.array([[1.0, number]]))


@weak_spot('9.1.5', 'dynamic range')
@weak_spot('0.8.2', 'dynamic range')
def test_a_column_with_a_dynamic_range_of_2_to_the_70():
    assert matrix_is([[2.0**40 + 1], [1.0], [-3.0], [2.0**-30]])


@weak_spot('9.1.5', 'float64 weights')
@weak_spot('more.1', '24 bits')
def test_weights_of_any_width():
    assert matrix_is([[1 / 3, 0.1], [np.pi, -np.e], [1 + 2.0**-52, 7.0]])
    assert matrix_is(np.random.default_rng(3).integers(-(2**24), 2**24, (8, 8)) + 0.5)


@weak_spot('more.6', 'un-quantized float32 kernel')
@pytest.mark.parametrize('seed', range(3))
def test_an_unquantized_float32_kernel(seed):
    assert matrix_is(np.random.default_rng(seed).normal(0, 0.3, (16, 16)).astype(np.float32)[:, :3])


@weak_spot('9.1.5', 'does not verify itself')
def test_the_solver_proves_its_graph():
    right, wrong = solve([[3, 5]]), solve([[3, 7]])
    Solution.proved(right.problem, right.graph, right.device, None, right.minimal_depth, {})
    with pytest.raises(SelfCheckFailed):
        Solution.proved(right.problem, wrong.graph, right.device, None, right.minimal_depth, {})


@weak_spot('9.1.6', 'qintervals/latencies shorter')
def test_fewer_input_intervals_or_latencies_than_inputs_are_refused():
    with pytest.raises(InvalidMatrix, match='1 input intervals for a matrix with 2 rows'):
        solve([[1], [2]], inputs=[dc.Interval(0, 1)])
    with pytest.raises(InvalidMatrix, match='latencies'):
        solve([[1], [2]], latencies=[1])


@weak_spot('9.1.6', 'Zero-row kernel')
@weak_spot('0.8.2', 'zero-row kernel')
def test_a_kernel_without_rows_is_refused():
    with pytest.raises(InvalidMatrix, match=r'shape|row|empty'):
        solve(np.zeros((0, 2)))


@weak_spot('9.1.7', 'ND matmul')
@weak_spot('0.8.2', 'ND matmul')
def test_matmul_of_any_number_of_axes_is_that_of_numpy():
    stack = np.arange(24.0).reshape(3, 2, 4)
    assert same_as_numpy(lambda x: np.matmul(x.reshape(2, 2), stack))
    assert same_as_numpy(lambda x: np.matmul(x.reshape(3, 1, 2, 2), stack), (12,))


@weak_spot('9.1.7', 'np.unique')
def test_unique_is_refused():
    with pytest.raises(UnsupportedOperation, match=r'numpy\.unique'):
        traced(np.unique)


@weak_spot('9.1.7', 'bool(symbolic)')
@weak_spot('0.8.2', 'bool(x)')
def test_python_cannot_decide_by_a_symbolic_value():
    with pytest.raises(SymbolicBool, match='truth'):
        traced(lambda x: x if x[0] > 0 else -x)


@weak_spot('9.1.7', 'LSB < 2^-32')
def test_constants_with_any_lsb():
    assert exact(traced(lambda x: x + 2.0**-40, (1,)), [[1]]) == [[1 + Fraction(1, 2**40)]]


@weak_spot('9.1.7', 'Lookup tables >31 bits')
def test_tables_of_more_than_31_bits():
    program = traced(lambda x: trace.table(x, lambda v: v * 2.0**40 + 0.25, True, 44, 2), (1,))
    assert exact(program, [[-8], [1.25]]) == [
        [Fraction(-8 * 2**40) + Fraction(1, 4)],
        [Fraction(5 * 2**38) + Fraction(1, 4)],
    ]


@weak_spot('9.1.8', 'NaN, inf')
@weak_spot('0.8.2', 'NaN input')
@weak_spot('more.2', 'NaN input')
@pytest.mark.parametrize('number', [np.nan, np.inf, -np.inf])
def test_inputs_that_are_no_numbers_are_refused(number):
    x = samples()
    x[7, 2] = number
    with pytest.raises(InterpError, match=r'nan|NaN|inf'):
        traced(lambda x: x).predict(x)


@weak_spot('9.1.8', '1e30')
def test_an_input_of_1e30():
    tracer = dc.Tracer('spot')
    x = tracer.input((2,))
    program = dc.Program.of(tracer.finish(x.quantize(True, 3, 0, 'TRN', 'SAT')))
    assert program.predict([[1e30, -1e30]]).tolist() == [[7, -8]]
    wrapping = traced(lambda x: x, (1,), frac_bits=0)
    assert wrapping.predict([[1e30 + 3 * 2.0**60]]).tolist() == [[(int(1e30 + 3 * 2.0**60) + 8) % 16 - 8]]


@weak_spot('9.1.9', '[-1:0]')
def test_outputs_without_bits():
    text = ''.join(emitted(traced(lambda x: np.stack([x[0] * 0, x[1]]))).files.values())
    assert not re.search(r'\[\s*-1\s*:', text)
    with pytest.raises(CodegenError, match='bit'):
        emitted(traced(lambda x: x * 0))


@weak_spot('9.1.9', 'module names')
@weak_spot('more.5', 'named `module`')
@pytest.mark.parametrize('name', ['module', 'my model-1'])
def test_names_that_the_language_does_not_take_are_refused(name):
    with pytest.raises(CodegenError, match=name):
        emitted(traced(lambda x: x), name)


@weak_spot('more.4', 'Reduce-all')
def test_all_of_values_with_a_fractional_step():
    assert same_as_numpy(lambda x: np.all(x) + np.zeros(1))
    assert same_as_numpy(lambda x: np.any(x[:1] * x[1]) + np.zeros(1))


@weak_spot('more.4', '62-bit product')
def test_a_product_of_62_bits_keeps_its_low_bits():
    program = traced(lambda x: x[0] * x[1], (2,), int_bits=30, frac_bits=0)
    assert exact(program, [[2**30 - 1, -(2**30) + 3]]) == [[Fraction(2**30 - 1) * (-(2**30) + 3)]]


@weak_spot('more.6', 'ranges widened')
def test_ranges_are_those_of_the_sum_and_no_powers_of_two():
    program = traced(lambda x: x @ np.full((9, 1), 1), (9,), signed=False, frac_bits=0)
    assert program.output_intervals[0] == (0, 63, 0)
    assert traced(lambda x: np.minimum(x, 8) @ np.full((9, 1), 1), (9,), False, 4, 0).output_intervals[0] == (0, 72, 0)
