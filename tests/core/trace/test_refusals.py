"""What cannot be traced is refused with a typed error: the function, what to do instead, and the line of the user."""

import copy
import heapq
import math
import pickle
import types
from fractions import Fraction

import numpy as np
import pytest

from da4ml_core.errors import FormatError, SymbolicBool, TraceError, UnsupportedAttribute, UnsupportedOperation
from da4ml_core.trace import Tracer, take


def other():
    return Tracer('other').input((3,)).quantize(1, 1, 1)


def assigned(x, key, value):
    x[key] = value


REFUSALS = {
    'truth': [
        (lambda x: bool(x[0]), SymbolicBool, 'the truth of a symbolic value is not known', 'np.where'),
        (lambda x: 1 if x[0] > 0 else 2, SymbolicBool, 'the truth of a symbolic value', 'np.where'),
        (lambda x: x[0] > 0 and x[1] > 0, SymbolicBool, 'the truth of a symbolic value', 'np.where'),
        (lambda x: not x[0], SymbolicBool, 'the truth of a symbolic value', ''),
        (lambda x: 0 < x[0] < 1, SymbolicBool, 'the truth of a symbolic value', ''),
        (lambda x: max(x[0], x[1]), SymbolicBool, 'the truth of a symbolic value', ''),
        (lambda x: sorted(x), SymbolicBool, 'the truth of a symbolic value', ''),
        (lambda x: 3 in x, SymbolicBool, 'the truth of a symbolic value', ''),
        (lambda x: x.any() or 1, SymbolicBool, 'the truth of a symbolic value', ''),
    ],
    'lengths that depend on the data': [
        (lambda x: x[x > 0], UnsupportedOperation, 'how many elements a symbolic condition picks', 'np.where'),
        (lambda x: np.nonzero(x), UnsupportedOperation, 'numpy.nonzero', 'np.where'),
        (lambda x: np.flatnonzero(x), UnsupportedOperation, 'numpy.flatnonzero', 'np.where'),
        (lambda x: np.argwhere(x), UnsupportedOperation, 'numpy.argwhere', 'np.where'),
        (lambda x: np.where(x > 0), UnsupportedOperation, 'numpy.where', 'np.where(condition, x, y)'),
        (lambda x: np.unique(x), UnsupportedOperation, 'numpy.unique', 'np.sort'),
        (lambda x: np.compress(x > 0, x), UnsupportedOperation, 'must be known while tracing', ''),
        (lambda x: np.extract(x > 0, x), UnsupportedOperation, 'must be known while tracing', ''),
        (lambda x: np.repeat(x, np.floor(x)), UnsupportedOperation, 'no other argument that is symbolic', ''),
        (lambda x: np.bincount(np.floor(abs(x))), UnsupportedOperation, 'no length below 0', 'minlength'),
        (lambda x: np.histogram(x, 4), UnsupportedOperation, 'edges follow from the data', 'range'),
        (lambda x: list(x[0]), UnsupportedOperation, 'a symbolic scalar cannot be iterated over', ''),
        (lambda x: len(x[0]), UnsupportedOperation, 'a symbolic scalar has no length', ''),
        (lambda x: range(x[0]), UnsupportedOperation, 'a symbolic value has no number', 'np.floor'),
    ],
    'functions without a quantizer': [
        (
            lambda x: np.exp(x) + x[::-1],
            UnsupportedOperation,
            'has no exact fixed-point value before it is quantized',
            '',
        ),
        (lambda x: x + np.sin(x[::-1]), UnsupportedOperation, 'has no exact fixed-point value', '.quantize'),
        (lambda x: np.tanh(x) @ np.ones(3), UnsupportedOperation, 'has no exact fixed-point value', '.quantize'),
        (lambda x: np.maximum(np.log(x), x[0]), UnsupportedOperation, 'has no exact fixed-point value', '.quantize'),
        (lambda x: np.sum(np.sqrt(x)), UnsupportedOperation, 'has no exact fixed-point value', '.quantize'),
        (lambda x: np.where(x > 0, np.exp(x), x[0]), UnsupportedOperation, 'where of several values', '.quantize'),
        (lambda x: np.exp(x)[np.floor(x)], UnsupportedOperation, 'has no exact fixed-point value', '.quantize'),
        (lambda x: np.stack([np.exp(x), x]), UnsupportedOperation, 'has no exact fixed-point value', '.quantize'),
        (lambda x: len(np.exp(x[0])), UnsupportedOperation, 'a symbolic scalar has no length', ''),
        (lambda x: pickle.dumps(np.exp(x)), UnsupportedOperation, 'has no exact fixed-point value', '.quantize'),
        (lambda x: Tracer('t').finish(np.exp(x)), TraceError, 'has no exact fixed-point value', '.quantize'),
        (lambda x: assigned(x, 0, np.exp(x[0])), UnsupportedOperation, 'has no exact fixed-point value', ''),
        (lambda x: np.std(x[:2]) + x[0], UnsupportedOperation, 'has no exact fixed-point value', ''),
        (lambda x: bool(np.exp(x[0])), UnsupportedOperation, 'has no exact fixed-point value', ''),
        (lambda x: float(np.exp(x[0])), UnsupportedOperation, 'has no exact fixed-point value', ''),
    ],
    'numbers': [
        (lambda x: float(x[0]), UnsupportedOperation, 'a symbolic value has no number while tracing', 'symbolic'),
        (lambda x: int(x[0]), UnsupportedOperation, 'a symbolic value has no number while tracing', 'symbolic'),
        (lambda x: complex(x[0]), UnsupportedOperation, 'a symbolic value has no number', ''),
        (lambda x: round(x[0]), UnsupportedOperation, 'a symbolic value has no number', 'np.floor'),
        (lambda x: math.floor(x[0]), UnsupportedOperation, 'a symbolic value has no number', 'np.floor'),
        (lambda x: math.sqrt(x[0]), UnsupportedOperation, 'a symbolic value has no number', ''),
        (lambda x: math.exp(x[0]), UnsupportedOperation, 'a symbolic value has no number', 'np.exp(x).quantize'),
        (lambda x: f'{x[0]:.2f}', UnsupportedOperation, 'a symbolic value has no number', ''),
        (lambda x: f'{np.exp(x[0]):.2f}', UnsupportedOperation, 'has no exact fixed-point value', '.quantize'),
        (lambda x: np.r_[x[0], x[1]], UnsupportedOperation, 'has no numbers to convert', 'np.concatenate'),
        (lambda x: np.c_[x, x], UnsupportedOperation, 'has no numbers to convert', 'np.column_stack'),
        (lambda x: x[0].item(), UnsupportedOperation, 'a symbolic value has no number', ''),
        (lambda x: [1, 2, 3][x[0]], UnsupportedOperation, 'a symbolic value has no number', 'np.take'),
        (lambda x: np.arange(8)[x[0]], UnsupportedOperation, 'a symbolic', 'take'),
        (lambda x: np.asarray(x), UnsupportedOperation, 'has no numbers to convert', 'np.stack'),
        (lambda x: np.asarray(x, dtype=float), UnsupportedOperation, 'has no numbers to convert', 'np.stack'),
        (lambda x: np.array([x[0], x[1]]), UnsupportedOperation, 'has no numbers to convert', 'np.stack'),
        (lambda x: np.float64(x[0]), UnsupportedOperation, 'has no number', ''),
        (lambda x: x.astype(float), UnsupportedOperation, 'astype', '.quantize'),
        (lambda x: heapq.nlargest(2, x), SymbolicBool, 'the truth of a symbolic value', 'np.where'),
        (lambda x: pickle.dumps(x), UnsupportedOperation, 'cannot be pickled', 'finish the program'),
        (lambda x: x.dtype, UnsupportedAttribute, "no attribute 'dtype'", ''),
    ],
    'programs': [
        (lambda x: x + other(), TraceError, 'two different programs', ''),
        (lambda x: other() @ x, TraceError, 'two different programs', ''),
        (lambda x: np.concatenate([x, other()]), TraceError, 'two different programs', ''),
        (lambda x: np.where(other() > 0, x, 0), TraceError, 'two different programs', ''),
        (lambda x: assigned(x, 0, other()[0]), TraceError, 'two different programs', ''),
        (lambda x: x[other() > 0], UnsupportedOperation, 'a symbolic condition picks', ''),
        (lambda x: assigned(x, other() > 0, 1), TraceError, 'two different programs', ''),
        (lambda x: np.take(x, np.clip(np.floor(other()), 0, 2)), TraceError, 'two different programs', ''),
    ],
    'numpy': [
        (lambda x: np.gcd(x, x), UnsupportedOperation, 'numpy.gcd', 'da4ml_core.trace.table'),
        (lambda x: np.hypot(x, x[::-1]), UnsupportedOperation, 'numpy.hypot', 'np.sqrt'),
        (lambda x: np.arctan2(x, x[::-1]), UnsupportedOperation, 'numpy.arctan2', 'np.arctan'),
        (lambda x: np.percentile(x, 50), UnsupportedOperation, 'numpy.percentile', 'np.sort'),
        (lambda x: np.allclose(x, 1), UnsupportedOperation, 'numpy.allclose', 'abs(a - b)'),
        (lambda x: np.fft.fft(x), UnsupportedOperation, 'numpy.fft', 'DFT'),
        (lambda x: np.linalg.inv(x.reshape(1, 3)), UnsupportedOperation, 'numpy.inv', 'constant matrices'),
        (lambda x: np.linalg.norm(x, 3), UnsupportedOperation, 'the norm of order 3', ''),
        (lambda x: np.vectorize(lambda v: v)(x), UnsupportedOperation, 'has no numbers', ''),
        (lambda x: np.copyto(x, 0), UnsupportedOperation, 'numpy.copyto', 'assign'),
        (lambda x: np.put(x, 0, 1), UnsupportedOperation, 'numpy.put', 'assign'),
        (lambda x: np.add.at(x, [0], 1), UnsupportedOperation, 'numpy.add.at', 'np.bincount'),
        (lambda x: np.subtract.reduce(x), UnsupportedOperation, 'numpy.subtract.reduce', ''),
        (lambda x: np.add(x, 1, dtype=float), UnsupportedOperation, 'numpy.add', ''),
        (lambda x: np.sum(x, dtype=float), UnsupportedOperation, 'numpy.sum with dtype', '.quantize'),
        (lambda x: np.sum(x, out=np.zeros(())), UnsupportedOperation, 'numpy.sum with out', 'assign'),
        (lambda x: np.add(x, 1, out=np.zeros(3)), UnsupportedOperation, 'goes into one symbolic array', ''),
        (lambda x: np.add(x, 1, where=x > 0), UnsupportedOperation, 'numpy.add', ''),
        (lambda x: np.mean(x), UnsupportedOperation, 'the mean of 3 values has no exact', 'reciprocal'),
        (lambda x: np.var(x), UnsupportedOperation, 'the mean of 3 values has no exact', ''),
        (lambda x: np.round(x, 1), UnsupportedOperation, 'rounded to 1 decimals has no exact', 'RND_CONV'),
        (lambda x: np.average(x, weights=[1, 1, 1]), UnsupportedOperation, 'not an integer times a power', ''),
        (lambda x: np.max(x[:0]), UnsupportedOperation, 'empty axis', 'initial'),
        (lambda x: np.max(x, where=x > 0), UnsupportedOperation, 'empty axis', 'initial'),
        (lambda x: np.sort(x, kind='odd-even'), UnsupportedOperation, "no sorting network 'odd-even'", 'bitonic'),
        (lambda x: np.pad(x, 1, mode='linear_ramp'), UnsupportedOperation, 'numpy.pad is traced', 'np.concatenate'),
        (lambda x: np.histogram(x, [0, 1], density=True), UnsupportedOperation, 'without density', 'counts'),
        (lambda x: np.gradient(x, [0, 1, 4]), UnsupportedOperation, 'one distance for each axis', ''),
        (lambda x: np.linalg.outer(x[None], x), UnsupportedOperation, 'takes two vectors', ''),
        (lambda x: np.linalg.matrix_power(x[None], 2), UnsupportedOperation, 'the power 2 of a matrix of shape', ''),
        (lambda x: np.cumulative_sum(x[None]), UnsupportedOperation, 'an axis is needed', ''),
        (lambda x: np.sum(x, axis=1), UnsupportedOperation, 'axis 1 is out of bounds', ''),
        (lambda x: np.max(x, axis=(0, 0)), UnsupportedOperation, 'one axis twice', ''),
        (lambda x: np.searchsorted([3, 1, 2], x), UnsupportedOperation, 'takes a sorted vector', ''),
        (lambda x: np.einsum('ii,i->i', x.reshape(1, 3), np.ones(1)), UnsupportedOperation, 'einsum', ''),
        (lambda x: np.einsum('ij->i', x), UnsupportedOperation, 'does not fit an operand of 1 axes', ''),
        (lambda x: np.einsum('i->j', x), UnsupportedOperation, 'unknown or repeated label', ''),
        (lambda x: x @ np.ones((4, 2)), UnsupportedOperation, 'matmul sums over axes of (3,)', ''),
        (lambda x: x @ 2, UnsupportedOperation, 'matmul needs arrays', ''),
        (lambda x: np.dot(x, np.ones(1)), UnsupportedOperation, 'sums over axes of (3,)', ''),
        (lambda x: np.cross(x[:2], [1, 2]), UnsupportedOperation, '3 components', ''),
        (lambda x: -(x > 0), UnsupportedOperation, 'numpy.negative of truth values', 'by 1'),
        (lambda x: (x > 0) - (x > 1), UnsupportedOperation, 'numpy.subtract of truth values', 'by 1'),
        (lambda x: np.dot(x > 0, x > 1), UnsupportedOperation, 'numpy.dot of truth values', 'by 1'),
    ],
    'arithmetic': [
        (lambda x: x ** x[0], UnsupportedOperation, 'numpy.power of several values', 'a constant exponent'),
        (lambda x: x << x, UnsupportedOperation, 'the amount of a shift must be known while tracing', ''),
        (lambda x: x >> -1, UnsupportedOperation, 'a shift is traced by integers that are not negative', ''),
        (lambda x: x << 1.0, UnsupportedOperation, 'a shift is traced by integers that are not negative', ''),
        (lambda x: x / 3, UnsupportedOperation, 'is not an integer times a power of two', ''),
        (lambda x: x / 0, UnsupportedOperation, 'division by zero', ''),
        (lambda x: x % 0, UnsupportedOperation, 'division by zero', ''),
        (lambda x: x / x[0], UnsupportedOperation, 'numpy.divide of several values', 'reciprocal'),
        (lambda x: x // x[0], UnsupportedOperation, 'numpy.floor_divide of several values', 'reciprocal'),
        (lambda x: divmod(x, x), UnsupportedOperation, 'division by a symbolic value cannot be traced', 'reciprocal'),
        (lambda x: (x / x).quantize(1, 3, 3), UnsupportedOperation, 'the function is nan at 0.0', 'np.clip'),
        (lambda x: x * Fraction(1, 10), UnsupportedOperation, 'not an integer times a power', ''),
        (lambda x: x + np.nan, UnsupportedOperation, 'nan is not a finite number', ''),
        (lambda x: x * np.inf, UnsupportedOperation, 'inf is not a finite number', ''),
        (lambda x: x * np.ma.array([1, 2, 3]), UnsupportedOperation, 'type MaskedArray may mean more', 'np.asarray'),
        (lambda x: x + 1j, UnsupportedOperation, 'has no exact fixed-point value', ''),
        (lambda x: x + 'a', UnsupportedOperation, 'has no exact fixed-point value', ''),
    ],
    'indices and assignment': [
        (lambda x: x[np.floor(x)], UnsupportedOperation, 'may be outside an axis of 3', 'np.clip'),
        (lambda x: np.take(x, x), UnsupportedOperation, 'in steps of 0.125 may be outside', 'np.clip'),
        (lambda x: take([1, 2], np.floor(x)), UnsupportedOperation, 'may be outside an axis of 2', 'np.clip'),
        (lambda x: x.reshape(1, 3)[0, np.floor(x)], UnsupportedOperation, 'may be outside an axis of 3', 'np.clip'),
        (lambda x: x[0, x > 0], UnsupportedOperation, 'how many elements a symbolic condition picks', 'np.where'),
        (lambda x: x[np.clip(np.floor(x), 0, 2), 0], UnsupportedOperation, 'more indices than the 1 axes', ''),
        (lambda x: assigned(x, np.floor(x), 1), UnsupportedOperation, 'may be outside an axis of 3', 'np.clip'),
        (lambda x: assigned(x, (0, np.floor(x)), 1), UnsupportedOperation, 'where it stands alone', 'a view'),
        (lambda x: assigned(x, x > 0, [1, 2, 3]), UnsupportedOperation, 'does not choose where', 'np.where'),
        (lambda x: assigned(x > 0, 0, 3), UnsupportedOperation, 'array of truth values', ''),
        (lambda x: assigned(x[0], (), 3), UnsupportedOperation, 'a symbolic scalar', 'copy'),
        (lambda x: assigned(np.broadcast_to(x, (2, 3)), 0, 3), UnsupportedOperation, 'a broadcast view', 'copy'),
    ],
    'outputs': [
        (lambda x: Tracer('t').finish(x), TraceError, 'output 0 belongs to another program', ''),
        (lambda x: Tracer('t').finish([np.ones(2)]), TraceError, 'not a symbolic array', ''),
        (lambda x: Tracer('t').finish({'y': x}), TraceError, "output 0 is {'y': Symb", ''),
        (lambda x: Tracer('t').finish(x[:0]), TraceError, 'not a symbolic array with elements', ''),
        (lambda x: Tracer('t').finish(Tracer('t').input(2)), TraceError, 'belongs to another program', ''),
        (lambda x: Tracer('t').input((0,)), FormatError, 'a shape of positive integers, not (0,)', ''),
    ],
    'formats': [
        (lambda x: x.quantize(True, 0.5, 1), FormatError, 'int_bits must be integers', ''),
        (lambda x: x.quantize(True, [1, 2], 1), FormatError, 'does not broadcast to an array of shape (3,)', ''),
        (lambda x: x.quantize(True, 1, 1, 'ROUND'), FormatError, "unknown rounding mode 'ROUND'", 'RND_CONV'),
        (lambda x: x.quantize(True, 1, 1, 'RND', 'CLIP'), FormatError, "unknown overflow mode 'CLIP'", 'SAT'),
    ],
}


@pytest.mark.parametrize(
    ('expression', 'error', 'message', 'hint'),
    [pytest.param(*row, id=f'{kind}: {number}') for kind, rows in REFUSALS.items() for number, row in enumerate(rows)],
)
def test_refusals_name_what_and_where(expression, error, message, hint):
    x = Tracer('refused').input((3,)).quantize(True, 3, 3)
    with pytest.raises(error) as caught:
        expression(x)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.location is not None
    assert caught.value.location.path == __file__
    assert 'test_refusals.py' in str(caught.value)


def test_in_place_operations_refuse_what_does_not_fit():
    x = Tracer('refused').input((3,)).quantize(True, 3, 3)
    with pytest.raises(ValueError, match='broadcast'):
        x += np.ones((2, 3))


def test_an_unknown_function_names_the_nearest_and_lists_what_there_is():
    x = Tracer('refused').input((3,)).quantize(True, 3, 3)
    with pytest.raises(UnsupportedOperation) as caught:
        np.histogram2d(x, x)
    assert caught.value.hint == 'did you mean histogram?'
    assert 'searchsorted' in caught.value.notes[0]


def test_the_line_is_the_users_in_source_that_is_executed():
    """As in a notebook, whose cells have no file; and in a module that is called as a part of this package is."""
    source = 'def f(x):\n    y = x + 1\n    return [\n        bool(v)\n        for v in y\n    ]\nresult = f(x)\n'
    x = Tracer('refused').input((3,)).quantize(True, 3, 3)
    for name, module in (('<cell 1>', {}), ('<string>', {'__name__': '__main__'}), ('/numpy/trace.py', {})):
        with pytest.raises(SymbolicBool) as caught:
            exec(compile(source, name, 'exec'), {'x': x, **module})
        assert (caught.value.location.path, caught.value.location.line) == (name, 4)


def test_the_line_is_the_users_though_the_standard_library_calls():
    x = Tracer('refused').input((3,)).quantize(True, 3, 3)
    module = types.ModuleType('da4ml_core_extension')
    exec(
        compile('from statistics import fmean\ndef mean(x):\n    return fmean(x)', 'extension.py', 'exec'), vars(module)
    )
    with pytest.raises(UnsupportedOperation) as caught:
        module.mean(x)
    assert (caught.value.location.path, caught.value.location.line) == ('extension.py', 3)


def test_copies_are_of_the_same_program():
    tracer = Tracer('copied')
    x = tracer.input((3,)).quantize(True, 3, 3)
    shallow, deep, listed = copy.copy(x), copy.deepcopy(x), copy.deepcopy([x, np.exp(x)])
    x[0] = 0
    assert shallow[0].elements == deep[0].elements == listed[0][0].elements != x[0].elements
    exponential = listed[1].quantize(False, 4, 4, 'RND', 'SAT')
    tracer.finish([shallow + deep, exponential])
