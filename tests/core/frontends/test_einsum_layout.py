import pytest

from da4ml_core.errors import CorruptModel, UnsupportedLayer
from da4ml_core.frontends.einsum_layout import EinsumLayout, read_einsum
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_archive import WeightStore
from da4ml_core.frontends.saved_layer import SavedLayer


def layout(equation: str, output_shape, input_shape: tuple[int, ...]) -> EinsumLayout:
    config = {'name': 'e', 'equation': equation, 'output_shape': output_shape}
    view = JsonView({'class_name': 'QEinsumDense', 'config': config}, 'layer', 'm.keras')
    return read_einsum(SavedLayer(view, 'layers/e', WeightStore({}, {}, 'm.keras')), input_shape)


@pytest.mark.parametrize(
    ('equation', 'output_shape', 'input_shape', 'expected', 'kernel', 'outputs'),
    [
        ('bc,cC->bC', [64], (16,), 'c,cC->C', (16, 64), (64,)),
        ('bc,cC->bC', 64, (16,), 'c,cC->C', (16, 64), (64,)),
        ('btc, cC -> btC', [3, 8], (3, 5), 'tc,cC->tC', (5, 8), (3, 8)),
        ('btc,cC->btC', [None, 8], (3, 5), 'tc,cC->tC', (5, 8), (3, 8)),
        ('btc,tcC->btC', [3, 8], (3, 5), 'tc,tcC->tC', (3, 5, 8), (3, 8)),
        ('...c,cC->...C', [8], (3, 5), 'bc,cC->bC', (5, 8), (3, 8)),
        ('...c,cC->...C', [8], (5,), 'c,cC->C', (5, 8), (8,)),
        ('...c,cC->...C', 8, (2, 3, 5), 'bdc,cC->bdC', (5, 8), (2, 3, 8)),
        ('bt...,tT->bT...', [8], (3, 5), 'ta,tT->Ta', (3, 8), (8, 5)),
        ('bt...,tT->bT...', [8], (3,), 't,tT->T', (3, 8), (8,)),
    ],
)
def test_equations_without_the_batch(equation, output_shape, input_shape, expected, kernel, outputs) -> None:
    found = layout(equation, output_shape, input_shape)
    assert found.equation == expected
    assert found.kernel_shape == kernel
    assert found.shape_of(found.outputs) == outputs


def test_the_bias_broadcasts_from_its_first_axis_on() -> None:
    found = layout('btc,tcC->btC', [3, 8], (3, 5))
    assert (found.trailing_shape('C'), found.trailing_shape('tC'), found.trailing_shape('t')) == ((8,), (3, 8), (3, 1))
    assert layout('bt...,tT->bT...', [8], (3, 5)).trailing_shape('T') == (8, 1)


@pytest.mark.parametrize(
    'equation',
    ['bc,cC', 'bc->bC', 'bcc,cC->bC', 'b1,1C->bC', '...c,cC->C', 'bc,...C->bC', 'b..c,cC->bC', '', 'bc,bC->C'],
)
def test_equations_that_are_not_keras_forms(equation: str) -> None:
    with pytest.raises(UnsupportedLayer, match='equation'):
        layout(equation, [4], (3,))


@pytest.mark.parametrize(
    ('equation', 'output_shape', 'input_shape', 'message'),
    [
        ('btc,cC->btC', [3, 8], (5,), 'does not fit an input of 1 axes'),
        ('btc,cC->btC', [8], (3, 5), r'output_shape has 1 sizes for the 2 axes'),
        ('btc,cC->btC', [4, 8], (3, 5), "axis 't' of its equation is 3 long, not 4"),
        ('bc,cC->bC', [0], (3,), 'output_shape has the size 0'),
        ('bc,cC->bC', [None], (3,), "does not say how long axis 'C' is"),
        ('bc,cd->bc', [3], (3,), "does not say how long axis 'd' is"),
    ],
)
def test_sizes_that_contradict(equation, output_shape, input_shape, message: str) -> None:
    with pytest.raises(CorruptModel, match=message):
        layout(equation, output_shape, input_shape)
