"""The da4ml-flow compiler: exact fixed-point programs from quantized models, as shift-and-add hardware."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from da4ml_core.api import Program, load, load_model
    from da4ml_core.errors import Da4mlError
    from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding
    from da4ml_core.trace import SolverOptions, SymbolicArray, Tracer, relu

_HOMES = {
    'Program': 'api',
    'load': 'api',
    'load_model': 'api',
    'Da4mlError': 'errors',
    'FixedType': 'fixed',
    'Interval': 'fixed',
    'Overflow': 'fixed',
    'Rounding': 'fixed',
    'SolverOptions': 'trace',
    'SymbolicArray': 'trace',
    'Tracer': 'trace',
    'relu': 'trace',
}

__all__ = [
    'Da4mlError',
    'FixedType',
    'Interval',
    'Overflow',
    'Program',
    'Rounding',
    'SolverOptions',
    'SymbolicArray',
    'Tracer',
    'load',
    'load_model',
    'relu',
]


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used: the command line must start fast."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{home}'), name)
