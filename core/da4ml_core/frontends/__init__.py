"""Readers of model files: each traces what the file describes into a program."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from da4ml_core.frontends.keras_file import load_keras
    from da4ml_core.frontends.qonnx_file import load_qonnx
    from da4ml_core.frontends.registry import READERS, load

_HOMES = {'READERS': 'registry', 'load': 'registry', 'load_keras': 'keras_file', 'load_qonnx': 'qonnx_file'}

__all__ = ['READERS', 'load', 'load_keras', 'load_qonnx']


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used: a cached build asks for no reader."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{home}'), name)
