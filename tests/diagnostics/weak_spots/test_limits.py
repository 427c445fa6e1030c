"""Limits that tools of this kind have: absent here, or said before anything is computed."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from small_programs import exact, same_as_numpy, samples, traced

import da4ml_core as dc
from da4ml_core import trace
from da4ml_core.cmvm import solve
from da4ml_core.codegen import emit_hls
from da4ml_core.device import DEVICES
from da4ml_core.fixed import FixedType, Overflow, Rounding, quantize_code
from da4ml_core.ir import Opcode
from da4ml_core.passes.schedule import schedule
from da4ml_flow.cli.main import run

ROOT = Path(__file__).parents[3]
weak_spot = pytest.mark.weak_spot


@weak_spot('9.3', 'TRN/RND only')
def test_all_rounding_and_overflow_modes():
    for rounding in Rounding:
        for overflow in Overflow:
            program = traced(lambda x, modes=(rounding, overflow): x.quantize(True, 1, 0, *modes), (1,))
            for code in range(-32, 32):
                wanted = quantize_code(code, -2, FixedType(True, 1, 0), rounding, overflow)
                assert program.predict([[code / 4]]).tolist() == [[wanted]]


@weak_spot('9.3', 'int64 interpreter')
def test_values_beyond_64_bits():
    program = traced(lambda x: x * x * x, (1,), int_bits=40, frac_bits=0)
    assert exact(program, [[2**40 - 1], [-(2**40)]]) == [[Fraction(2**40 - 1) ** 3], [Fraction(-(2**40)) ** 3]]


@weak_spot('9.3', 'recursion limit')
@weak_spot('0.8.2', 'RecursionError')
@weak_spot('more.7', '1500 chained additions')
def test_1500_chained_operations():
    def chain(x):
        y = x[:1]
        for _ in range(1500):
            y = (y + x[1:]).quantize(True, 3, 2)
        return y

    program = traced(chain, (2,))
    assert program.num_ops > 1500
    assert program.optimize().num_ops <= program.num_ops


@weak_spot('9.3', 'no division')
@weak_spot('9.3', 'modulo')
@weak_spot('9.3', 'floor')
@weak_spot('9.3', 'sign')
@weak_spot('9.3', 'argmax')
def test_division_modulo_floor_sign_argmax():
    assert same_as_numpy(lambda x: x / 8)
    assert same_as_numpy(lambda x: x % 3)
    assert same_as_numpy(lambda x: x // 0.75)
    assert same_as_numpy(lambda x: np.floor(x) + np.sign(x))
    assert same_as_numpy(lambda x: np.argmax(x) + np.zeros(1))


@weak_spot('9.3', 'no II>1')
def test_an_initiation_interval_is_no_option_that_is_passed_over(tmp_path, capsys):
    path = tmp_path / 'build.yaml'
    path.write_text('name: p\nmodel: {source: m.keras}\nrtl: {initiation_interval: 2}\n')
    assert run(['config', 'check', str(path)]) == 2
    said = capsys.readouterr().err
    assert "unknown key 'initiation_interval'" in said
    assert 'build.yaml:3:7' in said


@weak_spot('9.3', 'HLSModel not for Pipelines')
@pytest.mark.parametrize(
    ('language', 'pragma'),
    [
        ('vitis', '#pragma HLS PIPELINE II=1'),
        ('ac', 'hls_component_ii(1)'),
        ('oneapi', 'initiation_interval(1)'),
    ],
)
def test_cpp_is_pipelined_by_its_tool(language, pragma):
    program = traced(lambda x: np.maximum(x @ [[3], [-5], [7], [1]], 0))
    assert pragma in '\n'.join(emit_hls(program, 'spot', language).files.values())


@weak_spot('9.3', 'wheels for 2 platforms')
def test_kernels_are_compiled_for_no_processor():
    flags = re.findall(r"'(-[^']+)'", (ROOT / 'setup.py').read_text())
    assert '-O3' in flags
    assert not [flag for flag in flags if flag.startswith('-m')]
    sources = [path.read_text() for path in (ROOT / 'core').rglob('*.pyx')]
    assert sources
    assert not [text for text in sources if re.search(r'extra_compile_args.* -m', text)]


@weak_spot('9.3', 'no cross-CMVM CSE')
def test_equal_work_in_two_matrices_and_in_the_graph_is_done_once():
    kernel = np.random.default_rng(2).integers(-8, 8, (4, 4))
    once = traced(lambda x: x @ kernel)
    assert traced(lambda x: np.concatenate([x @ kernel, 2 * (x @ kernel)])).num_adders == once.num_adders
    stacked = traced(lambda x: np.stack([x, x]) @ kernel)
    assert stacked.num_adders == once.num_adders


@weak_spot('9.3', 'no graph-level CSE')
@pytest.mark.parametrize(
    ('function', 'opcode', 'count'),
    [
        (lambda x: np.stack([x[0] * x[1], x[1] * x[0], -x[0] * x[1]]), Opcode.MUL, 1),
        (lambda x: np.stack([np.tanh(x[0]).quantize(1, 0, 4), np.tanh(x[0]).quantize(1, 0, 4)]), Opcode.LOOKUP, 1),
        (lambda x: np.stack([x[0] - x[1], 2 * (x[0] - x[1]), x[2] + (x[1] - x[0])]), Opcode.ADD, 2),
    ],
)
def test_equal_operations_are_one(function, opcode, count):
    assert [op.opcode for op in traced(function).optimize().ops].count(opcode) == count


@weak_spot('9.3', 'no range correlation')
def test_ranges_of_correlated_values():
    assert traced(lambda x: x - x).output_intervals[0][:2] == (0, 0)
    assert traced(abs).output_intervals[0].lo == 0
    assert traced(lambda x: (x[0] + x[1]) - x[1] - x[0] + x).output_intervals[0] == (-32, 31, -2)


@weak_spot('9.3', 'hard_dc')
@pytest.mark.parametrize('seed', range(4))
def test_a_limit_of_depth_is_kept(seed):
    rng = np.random.default_rng(seed)
    kernel = rng.integers(-128, 128, (8, 8))
    latencies = rng.integers(0, 4, 8).tolist()
    for extra in (0, 1, 2):
        solution = solve(kernel, latencies=latencies, extra_depth=extra)
        assert solution.depth <= solution.minimal_depth + extra


@weak_spot('more.6', 'Input latencies')
def test_what_comes_late_is_added_late():
    assert solve([[1], [1], [1]], latencies=[5, 0, 0], extra_depth=0).depth == 6

    def late(x):
        slow = np.concatenate([np.maximum(np.maximum(x[:1] * 3, x[1:2]) * 5, x[2:3]), x[1:]])
        return slow @ np.ones((4, 1))

    tracer = dc.Tracer('late', dc.SolverOptions(effort='fast', extra_depth=0))
    x = tracer.input((4,)).quantize(True, 3, 2)
    slow = late(x)
    program = dc.Program.of(tracer.finish(slow))
    alone = traced(lambda x: np.maximum(np.maximum(x[:1] * 3, x[1:2]) * 5, x[2:3]))
    assert program.depth == alone.depth + 1


@weak_spot('9.3', 'carry-chain delay')
@pytest.mark.parametrize('family', DEVICES)
def test_carry_chains_take_time(family):
    def delay(bits):
        program = traced(lambda x: x[0] + x[1], (2,), int_bits=bits, frac_bits=0)
        return schedule(program, stages=1, device=DEVICES[family]).delay_ns

    steps = [delay(64) - delay(32), delay(32) - delay(16)]
    assert steps[0] == pytest.approx(32 * DEVICES[family].carry_delay_ns_per_bit, abs=0.0011)
    assert steps[1] == pytest.approx(16 * DEVICES[family].carry_delay_ns_per_bit, abs=0.0011)


@weak_spot('9.3', 'vmul latency')
@weak_spot('9.2', 'retiming depends on AssertionError')
@pytest.mark.parametrize('limits', [{'max_levels': 1}, {'max_delay_ns': 0.5}, {'stages': 40}], ids=str)
def test_an_operation_longer_than_a_stage_has_one_to_itself(limits):
    program = traced(lambda x: x[0] * x[1] + x[0], (2,), int_bits=20)
    assert program.depth < 8  # rows are added in pairs, not one after another
    plan = schedule(program, **limits)
    product = next(index for index, op in enumerate(program.ops) if op.opcode is Opcode.MUL)
    assert [index for index, stage in enumerate(plan.stages) if stage == plan.stages[product]] == [product] or (
        'stages' in limits
    )


@weak_spot('9.3', 'cadd/relu/wrap')
@pytest.mark.parametrize(
    ('function', 'slower'),
    [
        (lambda x: x + 0.75, True),
        (lambda x: np.maximum(x, 0), True),
        (lambda x: x.quantize(True, 1, 1, 'RND', 'SAT'), True),
        (lambda x: x.quantize(True, 1, 1), False),  # bits are dropped: wiring
    ],
)
def test_constants_rectifiers_and_saturation_take_time(function, slower):
    wires = schedule(traced(lambda x: x), stages=1).delay_ns
    assert (schedule(traced(function), stages=1).delay_ns > wires) is slower


@weak_spot('more.7', 'max_comb_delay')
def test_the_delay_of_a_pipeline_is_that_of_a_stage():
    program = traced(lambda x: np.maximum(x @ np.arange(16.0).reshape(4, 4), 0) @ np.arange(4.0))
    whole, staged = schedule(program), schedule(program, stages=4)
    assert staged.delay_ns < whole.delay_ns
    limited = schedule(program, max_delay_ns=1.5)
    assert limited.delay_ns <= 1.5 < whole.delay_ns


@weak_spot('more.8', 'LayerNorm')
def test_softmax_and_layer_normalization_can_be_written():
    soft = traced(trace.softmax, (3,), int_bits=1).predict(samples((3,)) / 4 % 2)
    assert abs(soft.sum(axis=1) - 1).max() < 0.01

    def normalized(x):
        scale = (1 / np.sqrt(x.var() + 0.25)).quantize(False, 2, 8, 'RND')
        return (x - x.mean()) * scale

    x = np.floor(samples()) / 8
    wanted = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 0.25)
    assert abs(traced(normalized, int_bits=0, frac_bits=3).predict(x) - wanted).max() < 2**-7
