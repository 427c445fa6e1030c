"""Symbolic tracing: numpy expressions over fixed-point arrays become programs."""

from da4ml_core.trace.array import SymbolicArray, relu
from da4ml_core.trace.linear import SolverOptions
from da4ml_core.trace.tracer import Tracer

__all__ = ['SolverOptions', 'SymbolicArray', 'Tracer', 'relu']
