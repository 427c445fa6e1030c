"""Convolutions and pooling against loops over their definitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from da4ml_core import trace
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.interp import predict
from da4ml_core.trace import SolverOptions, Tracer


def run(function, shape, seed):
    """The function on 20 samples of 4-bit integers, symbolically; and the samples."""
    tracer = Tracer('windows', solver=SolverOptions(effort='fast'))
    program = tracer.finish(function(tracer.input(shape).quantize(True, 3, 0)))
    x = np.random.default_rng(seed).integers(-8, 8, (20, *shape)).astype(float)
    return np.asarray(predict(program, x)), x


def before(extent, size, stride, dilation, padding):
    reach = (size - 1) * dilation + 1
    if padding == 'causal':
        return reach - 1, (extent - 1) // stride + 1
    if padding == 'same':
        count = -(-extent // stride)
        return max((count - 1) * stride + reach - extent, 0) // 2, count
    return 0, (extent - reach) // stride + 1


def convolved(x, kernel, strides, padding, dilation, groups):
    """The definition, one product at a time."""
    rank = kernel.ndim - 2
    geometry = [before(*g, padding) for g in zip(x.shape[1:-1], kernel.shape, strides, dilation, strict=False)]
    y = np.zeros((len(x), *(count for _, count in geometry), kernel.shape[-1]))
    each, made = x.shape[-1] // groups, kernel.shape[-1] // groups
    for out in np.ndindex(y.shape[1:-1]):
        for tap in np.ndindex(kernel.shape[:rank]):
            place = [
                o * s + t * d - b for o, s, t, d, (b, _) in zip(out, strides, tap, dilation, geometry, strict=True)
            ]
            if any(p < 0 or p >= n for p, n in zip(place, x.shape[1:-1], strict=True)):
                continue
            for group in range(groups):
                a = x[(slice(None), *place)][:, group * each : (group + 1) * each]
                columns = slice(group * made, (group + 1) * made)
                y[(slice(None), *out)][:, columns] += a @ kernel[tap][:, columns]
    return y


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_convolutions(data):
    rank = data.draw(st.sampled_from([1, 1, 2, 2, 3]))
    shape = tuple(data.draw(st.integers(3, 5 if rank < 3 else 3)) for _ in range(rank))
    size = tuple(data.draw(st.integers(1, 3 if rank < 3 else 2)) for _ in range(rank))
    strides = tuple(data.draw(st.integers(1, 3)) for _ in range(rank))
    dilation = tuple(data.draw(st.integers(1, 2 if s < 3 else 1)) for s in size)
    padding = data.draw(st.sampled_from(['valid', 'same', *(['causal'] if rank == 1 else [])]))
    groups = data.draw(st.integers(1, 2))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    kernel = rng.integers(-4, 5, (*size, data.draw(st.integers(1, 2)), groups * data.draw(st.integers(1, 2)))) / 4
    found, x = run(
        lambda a: trace.conv(a, kernel, strides, padding, dilation, groups), (*shape, kernel.shape[-2] * groups), 1
    )
    assert np.array_equal(found, convolved(x, kernel, strides, padding, dilation, groups))


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 2), st.sampled_from(['valid', 'same']))
def test_transposed_convolutions_are_the_adjoint(extent, size, stride, dilation, padding):
    kernel = np.random.default_rng(size).integers(-4, 5, (size, 2, 3)).astype(float)
    found, x = run(lambda a: trace.conv_transpose(a, kernel, stride, padding, dilation), (extent, 3), 2)
    reach = (size - 1) * dilation + 1
    whole = np.zeros((len(x), (extent - 1) * stride + max(reach, stride), 2))
    for position, tap in itertools.product(range(extent), range(size)):
        whole[:, position * stride + tap * dilation] += x[:, position] @ kernel[tap].T
    start = max(reach - stride, 0) // 2 if padding == 'same' else 0
    expected = whole[:, start : start + extent * stride] if padding == 'same' else whole
    assert np.array_equal(found, expected)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 2), st.integers(1, 3), st.integers(1, 3), st.sampled_from(['valid', 'same']))
def test_pooling(rank, size, stride, padding):
    shape = (4, 5)[:rank]
    counts = trace.window_counts(shape, size, stride, padding)
    for pool, expected in ((trace.max_pool, np.max), (trace.sum_pool, np.sum), (trace.avg_pool, np.mean)):
        if pool is trace.avg_pool and (counts & (counts - 1)).any():
            with pytest.raises(UnsupportedOperation, match='no exact fixed-point result'):
                run(lambda a, pool=pool: pool(a, size, stride, padding), (*shape, 2), 3)
            continue
        found, x = run(lambda a, pool=pool: pool(a, size, stride, padding), (*shape, 2), 3)
        wanted = np.empty_like(found)
        geometry = [before(n, size, stride, 1, padding) for n in shape]
        for out in np.ndindex(found.shape[1:-1]):
            window = tuple(
                slice(max(o * stride - b, 0), min(o * stride - b + size, n))
                for o, (b, _), n in zip(out, geometry, shape, strict=True)
            )
            wanted[(slice(None), *out)] = expected(x[(slice(None), *window)], axis=tuple(range(1, rank + 1)))
        assert np.array_equal(found, wanted)


def test_global_pooling_upsampling_and_zeros():
    found, x = run(lambda a: trace.global_max_pool(a, keepdims=True), (3, 4, 2), 4)
    assert np.array_equal(found, x.max(axis=(1, 2), keepdims=True))
    found, x = run(trace.global_avg_pool, (2, 4, 2), 4)
    assert np.array_equal(found, x.mean(axis=(1, 2)))
    found, x = run(lambda a: trace.upsample(a, (2, 3)), (2, 2, 2), 4)
    assert np.array_equal(found, x.repeat(2, axis=1).repeat(3, axis=2))
    found, x = run(lambda a: trace.zero_pad(a, (1, (0, 2))), (2, 2, 2), 4)
    assert np.array_equal(found, np.pad(x, ((0, 0), (1, 1), (0, 2), (0, 0))))


def test_every_kind_of_position_is_solved_once(monkeypatch):
    from da4ml_core.trace import linear

    solved = []
    solve = linear.solve
    monkeypatch.setattr(linear, 'solve', lambda *a, **k: solved.append(1) or solve(*a, **k))
    kernel = np.random.default_rng(5).integers(-8, 8, (3, 3, 2, 4))
    run(lambda a: trace.conv2d(a, kernel, padding='same'), (8, 8, 2), 5)
    assert len(solved) == 9  # the inside, four edges, four corners


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda a: trace.conv2d(a, np.ones((3, 1, 1))), 'a kernel of 3 axes'),
        (lambda a: trace.conv1d(a, np.ones((3, 5, 1))), 'a kernel of shape'),
        (lambda a: trace.conv1d(a, np.ones((5, 2, 1))), 'a window of 5 positions on an axis of 4'),
        (lambda a: trace.conv1d(a, np.ones((1, 2, 1)), padding='full'), "padding 'full'"),
        (lambda a: trace.conv1d(a, np.ones((1, 2, 1)), strides=(1, 1)), 'strides'),
        (lambda a: trace.conv(a, np.ones((1, 1, 2, 1))), 'a convolution over 2 axes'),
        (lambda a: trace.max_pool(a, 2, padding='causal'), "padding 'causal'"),
        (lambda a: trace.conv1d(a, np.full((1, 2, 1), np.nan)), 'constant'),
    ],
)
def test_what_does_not_fit_is_refused_with_the_line(make, message):
    with pytest.raises(UnsupportedOperation, match=message) as error:
        run(make, (4, 2), 0)
    assert 'test_convolution.py' in str(error.value)
