from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da4ml_core.errors import CorruptModel, UnsupportedLayer
from da4ml_core.fixed import FixedType, Overflow, Rounding, quantize_code
from da4ml_core.frontends.hgq_quantizer import Quantizer, read_quantizer
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.trace import Tracer


def config(q_type: str = 'kif', overflow: str = 'SAT', rounding: str = 'RND', **options) -> JsonView:
    base = {'q_type': q_type, 'round_mode': rounding, 'overflow_mode': overflow, 'is_weight': False, 'trainable': True}
    return JsonView({'class_name': 'QuantizerConfig', 'config': base | options}, 'iq_conf', 'm.keras')


def read(view: JsonView, *variables, shape: tuple[int, ...] = (1, 2), constant: bool = True) -> Quantizer | None:
    arrays = [np.asarray(variable, dtype=np.float32) for variable in variables]
    return read_quantizer(view, arrays, shape, constant=constant, context="layer 'a'")


def quantizer(signed, int_bits, frac_bits, rounding='RND', overflow='SAT', **options) -> Quantizer:
    return Quantizer(
        np.asarray(signed, bool),
        np.asarray(int_bits),
        np.asarray(frac_bits),
        Rounding(rounding),
        Overflow(overflow),
        **options,
    )


@given(
    codes=st.lists(st.integers(-(2**12), 2**12), min_size=1, max_size=20),
    exp=st.integers(-8, 2),
    signed=st.booleans(),
    int_bits=st.integers(-3, 5),
    frac_bits=st.integers(-3, 6),
    rounding=st.sampled_from(list(Rounding)),
    overflow=st.sampled_from([Overflow.WRAP, Overflow.SAT, Overflow.SAT_SYM]),
)
def test_constants_are_the_exact_fixed_point_values(
    codes, exp, signed, int_bits, frac_bits, rounding, overflow
) -> None:
    """Where float32 holds everything, the framework's operations are those of the compiler's own exact types."""
    kind = FixedType(signed, int_bits, frac_bits)
    expected = [
        float(Fraction(quantize_code(code, exp, kind, rounding, overflow)) * Fraction(2) ** -frac_bits)
        for code in codes
    ]
    values = np.asarray(codes, dtype=np.float32) * np.float32(2.0**exp)
    got = quantizer(signed, int_bits, frac_bits, rounding, overflow).constants(values)
    assert got.dtype == np.float32
    assert got.tolist() == expected


def test_constants_round_as_float32_sums_do() -> None:
    """0.49999997 + 0.5 is 1 in float32: the framework's weight, though the nearest integer is 0."""
    value = np.nextafter(np.float32(0.5), np.float32(0))
    assert quantizer(True, 3, 0).constants(np.asarray([value])).tolist() == [1.0]


def test_bit_counts_of_their_own_for_each_element() -> None:
    got = quantizer([True, False, True], [1, 1, -4], [2, 0, 4]).constants(np.float32([1.3, 1.3, 1.3]))
    assert got.tolist() == [1.25, 1.0, 0.0]


def test_a_scale_and_an_affine_map_around_constants() -> None:
    scaled = quantizer(True, 2, 1, scaler=3.0)
    assert scaled.constants(np.float32([3.1, -7.4])).tolist() == [3.0, -7.5]
    mapped = quantizer(True, 1, 1, affine=(0.25, 0.5))
    assert mapped.constants(np.float32([0.9, -9.0])).tolist() == [0.75, 0.0]


def test_weights_that_wrap_are_only_rounded() -> None:
    view = config('kif', 'WRAP', is_weight=True)
    found = read(view, [[2.0]], [[0.0]], [[-9.0]], 0.1, shape=(1, 2))
    assert found is not None
    assert found.bits_only_round
    assert found.constants(np.float32([[100.3, -0.3]])).tolist() == [[100.25, -0.25]]


@pytest.mark.parametrize(
    ('q_type', 'rounding', 'trainable', 'only_round'),
    [
        ('kif', 'TRN', True, True),
        ('kbi', 'S_RND', True, True),
        ('kbi', 'TRN', True, False),
        ('kif', 'RND', False, False),
    ],
)
def test_which_weights_are_only_rounded(q_type: str, rounding: str, trainable: bool, only_round: bool) -> None:
    view = config(q_type, 'WRAP', rounding, is_weight=True, trainable=trainable)
    found = read(view, [[4.0]], [[1.0]], [[1.0]], 0.1)
    assert found is not None
    assert found.bits_only_round is only_round


def test_the_order_of_saved_variables() -> None:
    saturating = read(config('kif', 'SAT'), [[2.0]], [[3.0]], [[1.0]])
    wrapping = read(config('kif', 'WRAP'), [[3.0]], [[1.0]], [[2.0]], 0.1)
    bits = read(config('kbi', 'SAT_SYM'), [[5.0]], [[2.0]], [[1.0]])
    bits_wrapping = read(config('kbi', 'WRAP'), [[5.0]], [[1.0]], [[2.0]], 0.1)
    for found in (saturating, wrapping, bits, bits_wrapping):
        assert found is not None
        assert (found.signed.item(), found.int_bits.item(), found.frac_bits.item()) == (True, 2, 3)


def test_trained_bit_counts_round_half_to_even() -> None:
    found = read(config(), [[0.5, 1.5]], [[2.5, -0.5]], [[1, 1]])
    assert found is not None
    assert (found.int_bits.tolist(), found.frac_bits.tolist()) == ([[0, 2]], [[2, 0]])


def test_stochastic_rounding_is_plain_at_inference() -> None:
    found = read(config(rounding='s_rnd_conv'), [[1]], [[1]], [[1]])
    assert found is not None
    assert found.rounding is Rounding.RND_CONV


def test_named_configurations_bring_their_options() -> None:
    view = config()
    view.value['class_name'] = 'HardSigmoidConfig'
    del view.value['config']['overflow_mode']
    found = read(view, [[1]], [[2]], [[1]])
    assert found is not None
    assert (found.overflow, found.affine) == (Overflow.SAT, (0.25, 0.5))


def test_the_dummy_quantizer_is_none() -> None:
    assert read(config('dummy')) is None


def test_symbolic_data_gets_one_type_per_element() -> None:
    found = read(config('kif', 'WRAP', 'TRN'), [[2, 1]], [[1, 0]], [[1, -5]], 0.1, constant=False)
    assert found is not None
    tracer = Tracer('t')
    x = tracer.input((2,)).quantize(True, 4, 4)
    assert [str(i) for i in found.apply(x).intervals()] == ['[-8, 7]*2^-2', '[0, 0]']


def test_a_scale_of_data_moves_the_point() -> None:
    view = config('kif', 'SAT', scaler=0.5, affine=[-0.5, 0.375])
    found = read(view, [[1, 1]], [[2, 2]], [[1, 1]], constant=False)
    assert found is not None
    y = found.apply(Tracer('t').input((2,)))
    # 2^1 with 2^-2 steps, halved by the scale to 2^0 and 2^-3; times -1/2: 2^-1 and 2^-4; plus 6/16
    assert [str(interval) for interval in y.intervals()] == ['[-1, 14]*2^-4'] * 2


@pytest.mark.parametrize(
    ('view', 'message'),
    [
        (config('float'), "q_type 'float' is not supported"),
        (config(overflow='WRAP_SM'), "overflow_mode 'WRAP_SM' is not supported"),
        (config(rounding='RND_ODD'), "round_mode 'RND_ODD' is not supported"),
        (config(bw_mapper={'class_name': 'Mine', 'config': {}}), 'bw_mapper is not supported'),
        (config(scaler=0.3), r'scaler 0\.3 is not supported'),
        (config(affine=[0.3, 0.0]), r'affine \(0\.3, 0\.0\) is not supported'),
        (config('kif', 'SAT', scaler=-2.0), r'scaler -2\.0 is not supported'),
    ],
)
def test_unsupported_options(view: JsonView, message: str) -> None:
    with pytest.raises(UnsupportedLayer, match=message) as caught:
        read(view, [[1]], [[1]], [[1]], constant=False)
    assert "layer 'a'" in str(caught.value)
    assert 'supported: ' in caught.value.hint


def test_data_that_a_weight_quantizer_would_only_round() -> None:
    with pytest.raises(UnsupportedLayer, match='is_weight'):
        read(config('kif', 'WRAP', is_weight=True), [[1]], [[1]], [[1]], 0.1, constant=False)


@pytest.mark.parametrize(
    ('variables', 'message'),
    [
        (([[1]], [[1]]), '2 saved variables, not 3'),
        (([[1, 1, 1]], [[1]], [[1]]), r"its 'i' has the shape \(1, 3\), which does not fit data of \(1, 2\)"),
        (([1], [[1]], [[1]]), r"its 'i' has the shape \(1,\)"),
        (([[np.nan]], [[1]], [[1]]), "its 'i' holds NaN"),
        (([[1]], [[np.inf]], [[1]]), "its 'f' holds NaN or infinity"),
        (([[1]], [[1]], [[2]]), "its 'k' holds values other than 0 and 1"),
        (([[300]], [[1]], [[1]]), 'a bit count beyond 126'),
    ],
)
def test_corrupt_variables(variables, message: str) -> None:
    with pytest.raises(CorruptModel, match=message):
        read(config(), *variables)


@pytest.mark.parametrize('options', [{'scaler': 0}, {'scaler': float('nan')}, {'affine': [1.0]}, {'round_mode': None}])
def test_corrupt_options(options) -> None:
    with pytest.raises(CorruptModel):
        read(config(**options), [[1]], [[1]], [[1]])
