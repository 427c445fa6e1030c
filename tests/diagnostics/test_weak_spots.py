"""Mistakes that tools like this one make silently: each is done right here, or refused."""

import numpy as np
import pytest

import da4ml_core as dc
from da4ml_core.cmvm import solve
from da4ml_core.errors import Da4mlError


def traced(function, shape=(4,), int_bits=3, frac_bits=2):
    tracer = dc.Tracer('spot')
    return dc.Program.of(tracer.finish(function(tracer.input(shape).quantize(True, int_bits, frac_bits))))


def samples(shape=(4,), seed=0):
    return np.random.default_rng(seed).integers(-32, 32, (50, *shape)) / 4


REFUSED = {
    'a function without its quantizer': lambda: traced(lambda x: np.sin(x) + 1),
    'a symbolic condition of Python': lambda: traced(lambda x: x if x[0] > 0 else -x),
    'weights that are NaN': lambda: solve([[1.0, np.nan]]),
    'weights that are infinite': lambda: solve([[1.0, np.inf]]),
    'complex weights': lambda: solve(np.array([[1j]])),
    'constants that are no fixed point numbers': lambda: traced(lambda x: x * np.nan),
    'fewer inputs than rows': lambda: solve([[1], [2]], inputs=[dc.Interval(0, 1)]),
    'a module called like a keyword': lambda: emitted('module'),
    'a module with a blank': lambda: emitted('my model-1'),
    'NaN as a sample': lambda: traced(lambda x: x).predict(np.full((1, 4), np.nan)),
    'a sample with too few features': lambda: traced(lambda x: x).predict(np.zeros((2, 3))),
    'numpy functions that are not traced': lambda: traced(lambda x: np.unique(x)),
}


def emitted(name):
    from da4ml_core.codegen import emit_verilog
    from da4ml_core.passes.schedule import schedule

    return emit_verilog(schedule(traced(lambda x: x), None), name)


@pytest.mark.parametrize('spot', REFUSED)
def test_refused(spot):
    with pytest.raises(Da4mlError):
        REFUSED[spot]()


@pytest.mark.parametrize(
    'kernel',
    [
        np.asfortranarray(np.arange(16.0).reshape(4, 4)),
        np.arange(64.0).reshape(8, 8)[::2, 1::2],
        np.array([[2.0**40 + 1], [1.0], [-3.0], [2.0**-30]]),
        np.random.default_rng(3).integers(-(2**24), 2**24, (4, 4)) + 0.5,
    ],
    ids=['columns first', 'strided', 'a wide dynamic range', 'weights of 25 bits'],
)
def test_every_kernel_is_the_matrix_that_was_given(kernel):
    program = traced(lambda x: x @ kernel)
    x = samples()
    exact = np.array([[int(v * 4) for v in row] for row in x], dtype=object) @ np.array(
        [[int(w * 2**30) for w in row] for row in kernel.tolist()], dtype=object
    )
    codes = program.predict(x, codes=True)
    for column, interval in enumerate(program.output_intervals):
        assert all(
            int(a) * 2 ** (interval.exp + 32) == b for a, b in zip(codes[:, column], exact[:, column], strict=True)
        )


@pytest.mark.parametrize(
    'function',
    [
        lambda x: np.matmul(x.reshape(2, 2), np.arange(24.0).reshape(3, 2, 4)),
        lambda x: x + 2.0**-40,
        lambda x: x * 0.1,
        lambda x: x - x,
        lambda x: abs(x[:2] - x[2:]),
    ],
    ids=['matmul of more than two axes', 'a constant far below the step', 'a float constant', 'x - x', 'abs'],
)
def test_as_numpy_does_it(function):
    x = samples()
    expected = np.array([function(row) for row in x])
    program = traced(function)
    if program.output_intervals[0].width_bits <= 50:
        assert np.array_equal(program.predict(x), expected)
    else:
        codes = program.predict(x, codes=True)
        scale = 2.0 ** program.output_intervals[0].exp
        assert np.allclose(np.asarray(codes, dtype=float) * scale, expected, rtol=0, atol=1e-15)


def test_deep_graphs_do_not_recurse():
    program = traced(lambda x: deep(x), shape=(2,))
    assert program.num_ops > 1500
    assert program.optimize().num_ops <= program.num_ops


def deep(x):
    y = x[:1]
    for _ in range(1500):
        y = (y + x[1:]).quantize(True, 3, 2)
    return y
