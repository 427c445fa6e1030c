"""Which layers of Keras and HGQ2 are read, and by what; and why others cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from da4ml_core.frontends import (
    keras_attention,
    keras_layers,
    keras_merges,
    keras_networks,
    keras_recurrent,
    keras_shapes,
    keras_tables,
    keras_windows,
)
from da4ml_core.frontends.keras_operations import OPERATIONS
from da4ml_core.frontends.saved_layer import SavedLayer

if TYPE_CHECKING:
    from da4ml_core.trace import SymbolicArray

Handler = Callable[[SavedLayer, 'SymbolicArray'], 'SymbolicArray']

HANDLERS: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ('hgq', 'QDense'): keras_layers.q_dense,
        ('hgq', 'QBatchNormDense'): keras_layers.q_batch_norm_dense,
        ('hgq', 'QEinsumDense'): keras_layers.q_einsum_dense,
        ('hgq', 'QEinsumDenseBatchnorm'): keras_layers.q_einsum_dense_batchnorm,
        ('hgq', 'QBatchNormalization'): keras_layers.q_batch_normalization,
        ('hgq', 'Quantizer'): keras_layers.quantizer,
        ('hgq', 'QUnaryFunctionLUT'): keras_tables.q_unary_function_lut,
        ('hgq', 'QAffinedUnaryFunctionLUT'): keras_tables.q_affined_unary_function_lut,
        ('hgq', 'QSoftmax'): keras_tables.q_softmax,
        ('hgq', 'QDenseT'): keras_networks.q_dense_t,
        ('hgq', 'QEinsumDenseT'): keras_networks.q_einsum_dense_t,
        **{('hgq', f'QConvT{rank}D'): keras_networks.q_conv_t for rank in (1, 2)},
        ('hgq', 'QSum'): keras_merges.q_sum,
        ('hgq', 'QMeanPow2'): keras_merges.q_sum,
        **{('hgq', f'QConv{rank}D'): keras_windows.q_conv for rank in (1, 2, 3)},
        **{
            ('hgq', f'Q{kind}Pooling{rank}D'): keras_windows.q_pool
            for kind in ('Max', 'Average', 'GlobalMax', 'GlobalAverage')
            for rank in (1, 2, 3)
        },
        **{
            ('keras', f'{kind}Pooling{rank}D'): keras_windows.pool
            for kind in ('Max', 'Average', 'GlobalMax', 'GlobalAverage')
            for rank in (1, 2, 3)
        },
        **{
            ('keras', f'{kind}{rank}D'): handler
            for kind, handler in (
                ('Conv', keras_windows.conv),
                ('ZeroPadding', keras_windows.zero_padding),
                ('Cropping', keras_windows.cropping),
                ('UpSampling', keras_windows.upsampling),
            )
            for rank in (1, 2, 3)
        },
        ('keras', 'DepthwiseConv1D'): keras_windows.conv,
        ('keras', 'DepthwiseConv2D'): keras_windows.conv,
        ('keras', 'Dense'): keras_layers.dense,
        ('keras', 'EinsumDense'): keras_layers.einsum_dense,
        ('keras', 'Flatten'): keras_shapes.flatten,
        ('keras', 'Reshape'): keras_shapes.reshape,
        ('keras', 'Permute'): keras_shapes.permute,
        ('keras', 'RepeatVector'): keras_shapes.repeat_vector,
        ('keras', 'Activation'): keras_shapes.activation,
        ('keras', 'ReLU'): keras_shapes.relu_layer,
        ('keras', 'LeakyReLU'): keras_shapes.leaky_relu,
        ('keras', 'PReLU'): keras_shapes.p_relu,
        **{
            ('keras', name): keras_shapes.identity
            for name in (
                'Identity',
                'Dropout',
                'AlphaDropout',
                'GaussianDropout',
                'GaussianNoise',
                'SpatialDropout1D',
                'SpatialDropout2D',
                'SpatialDropout3D',
                'ActivityRegularization',
            )
        },
    }
)

_MERGES = {
    'Add': keras_merges.add,
    'Subtract': keras_merges.subtract,
    'Multiply': keras_merges.multiply,
    'Maximum': keras_merges.maximum,
    'Minimum': keras_merges.minimum,
    'Dot': keras_merges.dot,
}

MERGES: Mapping[tuple[str, str], keras_merges.Merge] = MappingProxyType(
    {
        **{('hgq', f'Q{name}'): keras_merges.quantized(merge) for name, merge in _MERGES.items()},
        ('hgq', 'QAveragePow2'): keras_merges.quantized(keras_merges.average_pow2),
        **{
            ('hgq', f'Q{kind}'): keras_attention.attention
            for kind in (
                'MultiHeadAttention',
                'MultiHeadAttentionT',
                'LinformerAttention',
                'LinformerAttentionT',
                'SALTAttention',
            )
        },
        ('hgq', 'QEinsum'): keras_merges.quantized(keras_merges.einsum),
        **{('keras', name): keras_merges.plain(merge) for name, merge in _MERGES.items()},
        ('keras', 'Average'): keras_merges.plain(keras_merges.average),
        ('keras', 'Concatenate'): keras_merges.plain(keras_merges.concatenate),
    }
)

# Layers that may have several outputs.
SEQUENCES: Mapping[tuple[str, str], Callable[[SavedLayer, Any], list[Any]]] = MappingProxyType(
    {('hgq', 'QSimpleRNN'): keras_recurrent.q_simple_rnn, ('hgq', 'QGRU'): keras_recurrent.q_gru}
)

MODEL_CLASSES = ('Functional', 'Sequential')

# Classes that users have models with, and why those cannot be exact.
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        'BatchNormalization': 'its float32 arithmetic has no exact fixed-point result; use QBatchNormalization',
        'LayerNormalization': 'it divides by a square root of its inputs',
        'Softmax': 'it divides by a sum of exponentials in float32',
        'Lambda': 'it holds Python code, which is never executed',
        'LSTM': 'it has sigmoids and tanh in float32; QGRU and QSimpleRNN have quantizers there',
        'GRU': 'it has sigmoids and tanh in float32; use QGRU',
        'SimpleRNN': 'it has a tanh in float32; use QSimpleRNN',
        'MultiHeadAttention': 'it has a softmax in float32; use QMultiHeadAttention',
        'GroupNormalization': 'it divides by a square root of its inputs',
        'UnitNormalization': 'it divides by a square root of its inputs',
        'Embedding': 'an index has no quantizer; index a constant array in a Python function instead',
        'TimeDistributed': 'the layer inside acts on the last axes as it is: leave the wrapper out',
        'QLIF': 'spiking layers keep a state from call to call',
        'QSimpleSNN': 'spiking layers keep a state from call to call',
    }
)


def is_known(layer: SavedLayer) -> bool:
    """Whether there is a reader of the layer's class."""
    key = layer.package, layer.class_name
    if key[0] == 'keras.ops':
        return layer.class_name in OPERATIONS
    return key in HANDLERS or key in MERGES or key in SEQUENCES or is_input(layer) or is_model(layer)


def is_input(layer: SavedLayer) -> bool:
    return (layer.package, layer.class_name) == ('keras', 'InputLayer')


def is_model(layer: SavedLayer) -> bool:
    """Whether the layer is a model within the model."""
    return layer.package == 'keras' and layer.class_name in MODEL_CLASSES


def known_names() -> list[str]:
    """The classes of all layers that are read."""
    return [name for _, name in (*HANDLERS, *MERGES, *SEQUENCES)]
