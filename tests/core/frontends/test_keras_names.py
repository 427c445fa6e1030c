import numpy as np
import pytest

from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_archive import WeightStore
from da4ml_core.frontends.keras_names import layer_groups, snake_case


@pytest.mark.parametrize(
    ('name', 'group'),
    [
        ('QDense', 'q_dense'),
        ('QEinsumDenseBatchnorm', 'q_einsum_dense_batchnorm'),
        ('QBatchNormDense', 'q_batch_norm_dense'),
        ('ReLU', 're_lu'),
        ('InputLayer', 'input_layer'),
        ('QConv2D', 'q_conv2d'),
        ('Conv2DTranspose', 'conv2d_transpose'),
        ('LSTMCell', 'lstm_cell'),
        ('PReLU', 'p_re_lu'),
        ('Flatten', 'flatten'),
    ],
)
def test_snake_case(name: str, group: str) -> None:
    """The groups that Keras 3.15 itself makes of these class names."""
    assert snake_case(name) == group


def layers(*pairs: tuple[str, str]) -> list[JsonView]:
    return [JsonView({'class_name': kind, 'config': {'name': name}}, 'layer', 'm.keras') for kind, name in pairs]


def test_layers_of_one_class_are_numbered() -> None:
    weights = WeightStore({}, {}, 'm.keras')
    found = layer_groups(layers(('QDense', 'a'), ('Flatten', 'f'), ('QDense', 'b'), ('QDense', 'c')), 'layers', weights)
    assert found == ['layers/q_dense', 'layers/flatten', 'layers/q_dense_1', 'layers/q_dense_2']


def test_recorded_names_decide() -> None:
    arrays = {'layers/q_dense/vars/0': np.zeros(1)}
    names = {'layers/q_dense/vars': 'b', 'layers/q_dense_1/vars': 'a'}
    weights = WeightStore(arrays, names, 'm.keras')
    found = layer_groups(layers(('QDense', 'a'), ('QDense', 'b')), 'layers', weights)
    assert found == ['layers/q_dense_1', 'layers/q_dense']
