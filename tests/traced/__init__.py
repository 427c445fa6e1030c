"""The differential test of tracing: a registry of expressions on which numpy and a traced program must agree."""

from traced import arrays, elementwise, indexing, products, quantized, reductions, series, windows
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
    'series',
    'windows',
]
