"""The differential test of tracing: a registry of cases, each an expression that numpy and a traced program must agree on."""

from traced import arrays, elementwise, indexing, products, quantized, reductions, windows
from traced.case import CASES, Case, check, covered

__all__ = [
    'CASES',
    'Case',
    'arrays',
    'check',
    'covered',
    'elementwise',
    'indexing',
    'products',
    'quantized',
    'reductions',
    'windows',
]
