"""Cases of convolutions and pooling against loops over their definitions, one sample of exact numbers at a time."""

from __future__ import annotations

import numpy as np

from da4ml_core import trace
from traced.case import Draw, case


def before(extent, size, stride, dilation, padding):
    """Zeros in front of an axis, and the count of its outputs."""
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
    geometry = [before(*g, padding) for g in zip(x.shape, kernel.shape, strides, dilation, strict=False)]
    y = np.zeros((*(count for _, count in geometry), kernel.shape[-1]))
    each, made = x.shape[-1] // groups, kernel.shape[-1] // groups
    for out in np.ndindex(y.shape[:-1]):
        for tap in np.ndindex(kernel.shape[:rank]):
            place = [
                o * s + t * d - b for o, s, t, d, (b, _) in zip(out, strides, tap, dilation, geometry, strict=True)
            ]
            if any(p < 0 or p >= n for p, n in zip(place, x.shape, strict=False)):
                continue
            for group in range(groups):
                columns = slice(group * made, (group + 1) * made)
                y[out][columns] += x[tuple(place)][group * each : (group + 1) * each] @ kernel[tap][:, columns]
    return y


@case(trace.conv, trace.conv1d, trace.conv2d, trace.conv3d)
def convolution(d: Draw):
    rank = d.pick((1, 1, 2, 2, 3))
    longest = {1: 5, 2: 4, 3: 3}[rank]
    groups = d.integer(1, 2)
    spatial = tuple(d.integer(2, longest) for _ in range(rank))
    size = tuple(d.integer(1, min(extent, 3 if rank < 3 else 2)) for extent in spatial)
    dilation = tuple(d.integer(1, 2 if (s - 1) * 2 < n else 1) for s, n in zip(size, spatial, strict=True))
    strides = tuple(d.integer(1, 3) for _ in range(rank))
    padding = d.pick(('valid', 'same', *(['causal'] if rank == 1 else [])))
    channels = d.integer(1, 2)
    kernel = d.constant((*size, channels, groups * d.integer(1, 2)))
    d.input((*spatial, groups * channels), width=4)
    named = {1: trace.conv1d, 2: trace.conv2d, 3: trace.conv3d}[rank] if d.flag() else trace.conv
    return (
        lambda x: named(x, kernel, strides=strides, padding=padding, dilation=dilation, groups=groups),
        lambda x: convolved(x, kernel, strides, padding, dilation, groups),
    )


@case(trace.conv_transpose)
def transposed_convolution(d: Draw):
    extent, size, stride = d.integer(2, 4), d.integer(1, 4), d.integer(1, 3)
    dilation, padding = d.integer(1, 2), d.pick(('valid', 'same'))
    kernel = d.constant((size, 2, 3))
    d.input((extent, 3), width=4)
    reach = (size - 1) * dilation + 1

    def adjoint(x):
        whole = np.zeros(((extent - 1) * stride + max(reach, stride), 2))
        for position in range(extent):
            for tap in range(size):
                whole[position * stride + tap * dilation] += kernel[tap] @ x[position]
        start = max(reach - stride, 0) // 2
        return whole[start : start + extent * stride] if padding == 'same' else whole

    return lambda x: trace.conv_transpose(x, kernel, stride, padding, dilation), adjoint


@case(trace.max_pool, trace.sum_pool, trace.avg_pool, trace.window_counts)
def pooling(d: Draw):
    rank = d.integer(1, 2)
    spatial = tuple(d.integer(2, 4) for _ in range(rank))
    size, stride = d.integer(1, min(spatial)), d.integer(1, 3)
    padding = d.pick(('valid', 'same'))
    d.input((*spatial, d.integer(1, 2)), width=4)
    geometry = [before(n, size, stride, 1, padding) for n in spatial]

    def windows(x, reduce):
        y = np.empty((*(count for _, count in geometry), x.shape[-1]))
        for out in np.ndindex(y.shape[:-1]):
            window = tuple(
                slice(max(o * stride - b, 0), min(o * stride - b + size, n))
                for o, (b, _), n in zip(out, geometry, spatial, strict=True)
            )
            y[out] = reduce(x[window], axis=tuple(range(rank)))
        return y

    counts = trace.window_counts(spatial, size, stride, padding)
    pools = {trace.max_pool: np.max, trace.sum_pool: np.sum}
    if not (counts & (counts - 1)).any():
        pools[trace.avg_pool] = np.mean
    pool = d.pick(tuple(pools))
    return (
        lambda x: (pool(x, size, stride, padding), counts),
        lambda x: (windows(x, pools[pool]), windows(np.ones((*spatial, 1)), np.sum)[..., 0].astype(int)),
    )


@case(trace.global_max_pool, trace.global_avg_pool, trace.upsample, trace.zero_pad)
def whole_windows(d: Draw):
    d.input((2 ** d.integer(0, 1), 2 ** d.integer(0, 2), d.integer(1, 2)))
    axes, times, widths = (0, 1), d.integer(1, 2), (d.integer(0, 2), (d.integer(0, 2), 1))
    keepdims = d.flag()
    return (
        lambda x: (
            trace.global_max_pool(x, keepdims),
            trace.global_avg_pool(x, keepdims),
            trace.upsample(x, (1, times)),
            trace.zero_pad(x, widths),
        ),
        lambda x: (
            x.max(axis=axes, keepdims=keepdims),
            x.mean(axis=axes, keepdims=keepdims),
            x.repeat(times, axis=1),
            np.pad(x, ((widths[0],) * 2, widths[1], (0, 0))),
        ),
    )
