"""Cases of differences, integrals, running sums and powers along an axis."""

from __future__ import annotations

import numpy as np

from traced.case import Draw, case


@case(np.trapezoid if hasattr(np, 'trapezoid') else 'trapezoid')
def trapezoid(d: Draw):
    shape = d.input(d.shape(least=1))
    axis = d.axis(len(shape))
    form = d.integer(0, 2)
    if form == 0:
        dx = d.pick((1, 0.5, 0.25))
        return lambda y: np.trapezoid(y, dx=dx, axis=axis)
    places = np.cumsum(d.constant((shape[axis],) if form == 1 else shape))
    places = places.reshape((shape[axis],) if form == 1 else shape)
    return lambda y: np.trapezoid(y, places, axis=axis)


@case(np.gradient)
def gradient(d: Draw):
    shape = d.input(tuple(d.integer(2, 4) for _ in range(d.integer(1, 2))))
    steps = [2.0 ** d.integer(-2, 2) for _ in shape]
    axis = d.axis(len(shape))
    return d.pick(
        (
            lambda x: np.gradient(x),
            lambda x: np.gradient(x, steps[0]),
            lambda x: np.gradient(x, *steps),
            lambda x: np.gradient(x, steps[0], axis=axis),
        )
    )


@case(np.vander)
def vander(d: Draw):
    d.input((d.integer(1, 3),), width=3)
    count, increasing = d.pick((None, 0, 1, 3)), d.flag()
    return lambda x: np.vander(x, count, increasing)


if hasattr(np, 'cumulative_sum'):

    @case(np.cumulative_sum, np.cumulative_prod)
    def cumulative(d: Draw):
        shape = d.input(d.shape(least=1), width=3)
        axis = d.axis(len(shape)) if len(shape) > 1 or d.flag() else None
        function, include = d.pick((np.cumulative_sum, np.cumulative_prod)), d.flag()
        return lambda x: function(x, axis=axis, include_initial=include)


@case(np.diff, np.ediff1d)
def differences(d: Draw):
    shape = d.input(d.shape(least=1))
    axis, times = d.axis(len(shape)), d.integer(0, 3)
    ends = {name: d.constant() for name in ('prepend', 'append') if d.flag()}
    end = d.constant((2,)) if d.flag() else None
    return lambda x: (np.diff(x, times, axis, **ends), np.ediff1d(x, end), np.diff(x > 0, axis=axis))


@case(np.polyval)
def polyval(d: Draw):
    d.input(d.shape(most=2), width=4)
    coefficients = d.constant((d.integer(1, 4),))
    return lambda x: np.polyval(coefficients, x)
