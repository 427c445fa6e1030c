"""Readers of model files: each traces what the file describes into a program."""

from da4ml_core.frontends.keras_file import load_keras
from da4ml_core.frontends.qonnx_file import load_qonnx
from da4ml_core.frontends.registry import READERS, load

__all__ = ['READERS', 'load', 'load_keras', 'load_qonnx']
