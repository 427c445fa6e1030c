"""Post-training quantization: float models become exact programs by calibration."""

from da4ml_core.frontends.post_training.calibrate import LayerReport
from da4ml_core.frontends.post_training.compile import (
    QuantizedModel,
    float_outputs,
    quantize_graph,
    quantize_model,
    read_float_model,
)
from da4ml_core.frontends.post_training.keras_json import weights_beside
from da4ml_core.frontends.post_training.settings import Quantization

__all__ = [
    'LayerReport',
    'Quantization',
    'QuantizedModel',
    'float_outputs',
    'quantize_graph',
    'quantize_model',
    'read_float_model',
    'weights_beside',
]
