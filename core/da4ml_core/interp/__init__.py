"""Running programs: the reference interpreter, the batch interpreter and exact conversion of external numbers."""

from da4ml_core.interp.batch import Executable, predict
from da4ml_core.interp.ports import decode, encode
from da4ml_core.interp.reference import evaluate

__all__ = ['Executable', 'decode', 'encode', 'evaluate', 'predict']
