"""Symbolic tracing: numpy expressions over fixed-point arrays become programs."""

from da4ml_core.trace.activations import leaky_relu, sigmoid, softmax
from da4ml_core.trace.array import SymbolicArray, relu
from da4ml_core.trace.convolution import conv, conv1d, conv2d, conv3d, conv_transpose
from da4ml_core.trace.deferred import Deferred
from da4ml_core.trace.linear import SolverOptions
from da4ml_core.trace.pooling import (
    avg_pool,
    global_avg_pool,
    global_max_pool,
    max_pool,
    sum_pool,
    upsample,
    window_counts,
    zero_pad,
)
from da4ml_core.trace.tables import table, take
from da4ml_core.trace.tracer import Tracer

__all__ = [
    'Deferred',
    'SolverOptions',
    'SymbolicArray',
    'Tracer',
    'avg_pool',
    'conv',
    'conv1d',
    'conv2d',
    'conv3d',
    'conv_transpose',
    'global_avg_pool',
    'global_max_pool',
    'leaky_relu',
    'max_pool',
    'relu',
    'sigmoid',
    'softmax',
    'sum_pool',
    'table',
    'take',
    'upsample',
    'window_counts',
    'zero_pad',
]
