"""Contractions of any number of arrays, with the meaning of numpy.einsum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from da4ml_core._srcloc import user_location
from da4ml_core.errors import UnsupportedOperation
from da4ml_core.trace.context import Context, Elements
from da4ml_core.trace.linear import ObjectArray, contract, contract_variables, exact_matrix, sum_axes
from da4ml_core.trace.operands import elements, shape_of
from da4ml_core.trace.quantize import constant_variables

LABELS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'


def einsum(context: Context, equation: Any, *operands: Any, optimize: Any = False) -> ObjectArray:
    """numpy.einsum of any number of operands, two at a time from the left; an extent of 1 broadcasts."""
    if not isinstance(equation, str):
        equation, operands = _spelled(equation, operands)
    terms, output = _explicit(equation.replace(' ', ''), [len(shape_of(operand)) for operand in operands])
    sources = [
        elements(context, operand) if isinstance(operand, Elements) else exact_matrix(operand) for operand in operands
    ]
    symbolic = [isinstance(operand, Elements) for operand in operands]
    for place, labels in enumerate(terms):
        if len(labels) != sources[place].ndim:
            raise _malformed(equation, f'the term {labels!r} does not fit an operand of {sources[place].ndim} axes')
        terms[place], sources[place] = _diagonal(equation, labels, sources[place])
    if set(output) - set(''.join(terms)) or len(set(output)) != len(output):
        raise _malformed(equation, f'the output {output!r} has an unknown or repeated label')
    _broadcast(equation, terms, sources)
    left, a, is_symbolic = terms[0], sources[0], symbolic[0]
    if len(terms) == 1:
        left, a = _summed(context, left, a, output)
    for place in range(1, len(terms)):
        right, b = terms[place], sources[place]
        later = output + ''.join(terms[place + 1 :])
        kept = output if place == len(terms) - 1 else ''.join(x for x in dict.fromkeys(left + right) if x in later)
        a = _contracted(context, left, a, is_symbolic, right, b, symbolic[place], kept)
        left, is_symbolic = kept, True
    return a.transpose([left.index(label) for label in output])


def _contracted(
    context: Context,
    left: str,
    a: ObjectArray,
    a_symbolic: bool,
    right: str,
    b: ObjectArray,
    b_symbolic: bool,
    output: str,
) -> ObjectArray:
    graph, solver = context.graph, context.solver
    if a_symbolic and not b_symbolic:
        return contract(graph, solver, f'{left},{right}->{output}', a, b)
    if b_symbolic and not a_symbolic:
        return contract(graph, solver, f'{right},{left}->{output}', b, a)
    a, b = (x if known else constant_variables(x) for x, known in ((a, a_symbolic), (b, b_symbolic)))
    return contract_variables(graph, solver, f'{left},{right}->{output}', a, b)


def _spelled(first: Any, rest: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """The equation of the other form of einsum: each operand with a list of numbers for its axes."""
    items = [first, *rest]
    output = items.pop() if len(items) % 2 else None

    def spell(numbers: Any) -> str:
        return ''.join('...' if number is Ellipsis else LABELS[number] for number in numbers)

    equation = ','.join(spell(numbers) for numbers in items[1::2])
    return equation if output is None else f'{equation}->{spell(output)}', tuple(items[::2])


def _explicit(equation: str, ndims: Sequence[int]) -> tuple[list[str], str]:
    """Terms and output of an einsum equation, its ellipsis and its implicit output written out."""
    inputs, arrow, output = equation.partition('->')
    terms = inputs.split(',')
    if len(terms) != len(ndims):
        raise _malformed(equation, f'it has {len(terms)} terms for {len(ndims)} operands')
    free = [label for label in LABELS if label not in equation]
    widths = [ndim - len(term) + 3 if '...' in term else 0 for term, ndim in zip(terms, ndims, strict=True)]
    stack = ''.join(free[: max(widths)])
    if not arrow:
        labels = ''.join(terms).replace('...', '')
        output = '...' + ''.join(sorted(label for label in set(labels) if labels.count(label) == 1))
    terms = [
        term.replace('...', stack[len(stack) - max(width, 0) :]) for term, width in zip(terms, widths, strict=True)
    ]
    if any(label not in LABELS for label in ''.join(terms)):
        raise _malformed(equation, 'a label is a letter')
    return terms, output.replace('...', stack)


def _diagonal(equation: str, labels: str, array: ObjectArray) -> tuple[str, ObjectArray]:
    """The elements at which the axes of a repeated label agree."""
    unique = ''.join(dict.fromkeys(labels))
    if unique == labels:
        return labels, array
    try:
        places = np.einsum(f'{labels}->{unique}', np.arange(array.size).reshape(array.shape))
    except ValueError as cause:
        raise _malformed(equation, str(cause)) from None
    return unique, array.reshape(-1)[places]


def _broadcast(equation: str, terms: list[str], arrays: list[ObjectArray]) -> None:
    """Take out the axes of extent 1 whose label is longer elsewhere; raises where the extents do not fit."""
    extents: dict[str, int] = {}
    for labels, array in zip(terms, arrays, strict=True):
        for label, extent in zip(labels, array.shape, strict=True):
            known = extents.get(label, 1)
            if 1 not in (known, extent) and known != extent:
                raise _malformed(equation, f'axis {label!r} is {known} in one operand and {extent} in another')
            extents[label] = extent if known == 1 else known
    for place, labels in enumerate(terms):
        kept = [axis for axis, label in enumerate(labels) if arrays[place].shape[axis] == extents[label]]
        arrays[place] = arrays[place].reshape([arrays[place].shape[axis] for axis in kept])
        terms[place] = ''.join(labels[axis] for axis in kept)


def _summed(context: Context, labels: str, array: ObjectArray, output: str) -> tuple[str, ObjectArray]:
    axes = [axis for axis, label in enumerate(labels) if label not in output]
    if not axes:
        return labels, array
    total = sum_axes(context.graph, context.solver, array, axes)
    return ''.join(label for label in labels if label in output), total


def _malformed(equation: str, reason: str) -> UnsupportedOperation:
    return UnsupportedOperation(f'einsum {equation!r} cannot be traced: {reason}', location=user_location())
