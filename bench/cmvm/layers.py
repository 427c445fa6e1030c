"""The constant products of trained models: the very problems that tracing them gives to the solver."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import da4ml_core.trace.linear as linear
from da4ml_core import SolverOptions, load_model
from da4ml_core.cmvm import Solution
from da4ml_core.errors import Da4mlError
from da4ml_core.fixed import Interval
from da4ml_core.trace.graph import Graph

MODELS = (
    'hgq2/jsc_openml_acc77.1.keras',
    'hgq2/jsc_openml_da4ml_acc76.86.h5',
    'hgq2/linformer_8part.keras',
    'qonnx/jettagging_qkeras_w6a6.onnx',
)
INPUT_TYPES = {'jettagging_qkeras_w6a6.onnx': 'fixed<16,6>'}  # of models that do not quantize their inputs


class Layer(NamedTuple):
    """An integer matrix, the intervals of its inputs, and how often the model has this very product."""

    matrix: Any
    inputs: tuple[Interval, ...]
    count: int


def layers(path: Path) -> list[Layer]:
    """The products of a model that need adders, those of a refused model up to where it was refused.

    Equal ones are counted: those solved anew, and those that the tracer knows to be the same.
    """
    solutions: dict[Any, Solution] = {}
    uses: Counter[Any] = Counter()
    solve, inline = linear.solve, Graph.inline

    def record(*args: Any, **options: Any) -> Solution:
        solution = solve(*args, **options)
        solutions[solution.adders] = solution
        return solution

    def count(graph: Graph, inputs: Any, solution: Solution) -> Any:
        uses[solution.adders] += 1
        return inline(graph, inputs, solution)

    with patch.object(linear, 'solve', record), patch.object(Graph, 'inline', count):
        try:
            load_model(path, solver=SolverOptions(effort='fast'), **_options(path))
        except Da4mlError as error:
            print(f'{path.name} after {uses.total()} products: {error.message}', file=sys.stderr)
    return [
        Layer(solution.problem.weights, solution.inputs, uses[adders])
        for adders, solution in solutions.items()
        if adders
    ]


def _options(path: Path) -> dict[str, str]:
    kind = INPUT_TYPES.get(path.name)
    return {} if kind is None else {'input_type': kind}


def models(directory: Path, names: Iterable[str] = MODELS) -> list[Path]:
    """The models that are there."""
    return [directory / name for name in names if (directory / name).exists()]
