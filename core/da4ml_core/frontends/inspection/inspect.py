"""Which inspection a model file gets: that of Keras, of ONNX, or of the program that its reader returns."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from da4ml_core.errors import FrontendError, Location
from da4ml_core.frontends import registry
from da4ml_core.frontends.exchange import load_saved
from da4ml_core.frontends.inspection.report import InspectedLayer, Inspection, Verdict
from da4ml_core.frontends.python_function import is_function_source

if TYPE_CHECKING:
    from da4ml_core.trace import SolverOptions

KERAS, ONNX = ('.keras', '.h5'), '.onnx'
PROGRAMS = ('.json', '.json.gz', '.dais')


def inspect_model(source: str | Path, weights: Path | None = None, input_type: str | None = None) -> Inspection:
    """Try every layer of a model; raises FrontendError or IRError only where the file as a whole cannot be read.

    ``weights`` are those of a Keras architecture in .json; ``input_type`` as in :func:`da4ml_core.load_model`.
    """
    from da4ml_core.frontends.inspection.keras import inspect_keras
    from da4ml_core.frontends.inspection.onnx import inspect_graph, inspect_onnx
    from da4ml_core.frontends.pytorch.archive import read_pt2
    from da4ml_core.trace import SolverOptions

    path = Path(source)
    solver = SolverOptions(effort='fast')
    suffix = path.suffix.lower()
    if weights is not None and not is_architecture(path):
        raise FrontendError('this model file holds its weights itself', location=Location(str(path)))
    if suffix in KERAS or is_architecture(path):
        if input_type is not None:
            raise FrontendError('a Keras model says the types of its inputs itself', location=Location(str(path)))
        return inspect_keras(path, weights, solver)
    if suffix == ONNX:
        return inspect_onnx(path, solver, input_type)
    if suffix == '.pt2':
        return inspect_graph(read_pt2(path), solver, input_type, 'PyTorch')
    return _inspect_program(path, solver, input_type)


def is_float_model(path: Path) -> bool:
    """Whether a model file has weights and no quantizers; raises FrontendError where it cannot be read."""
    from da4ml_core.frontends import keras_file, qonnx_file
    from da4ml_core.frontends.keras_graph import all_layers
    from da4ml_core.frontends.onnx_model import read_onnx
    from da4ml_core.frontends.pytorch.archive import read_pt2

    if is_architecture(path):
        return True
    if path.suffix.lower() in KERAS:
        archive = keras_file.open_model(path)
        return keras_file.is_float(all_layers(archive.config, archive.weights))
    if path.suffix.lower() == '.pt2':
        return qonnx_file.is_float(read_pt2(path))
    return path.suffix.lower() == ONNX and qonnx_file.is_float(read_onnx(path))


def is_architecture(path: Path) -> bool:
    """Whether a .json file is the architecture of a Keras model, and no program."""
    if path.suffix.lower() != '.json' or not path.is_file():
        return False
    with path.open('rb') as file:
        return b'"class_name"' in file.read(400)


def _inspect_program(path: Path, solver: SolverOptions, input_type: str | None) -> Inspection:
    """A program by the labels of its operations: layers, or lines of Python."""
    notes: list[str] = []
    if path.name.endswith(PROGRAMS):
        program, kind = load_saved(path), 'program'
    else:
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter('always')
            program = registry.load(path, solver, input_type)
        notes = [str(warning.message) for warning in noted]
        kind = 'Python function' if is_function_source(path) else f'{path.suffix} file, by the reader of a plugin'
    counts: dict[str, int] = {}
    for op in program.ops:
        counts[op.origin] = counts.get(op.origin, 0) + 1
    layers = tuple(
        InspectedLayer(origin or '(unlabelled)', f'{count:,} operations', Verdict.YES)
        for origin, count in counts.items()
    )
    inputs = tuple((f'input {place}', shape) for place, shape in enumerate(program.input_shapes))
    return Inspection(str(path), kind, program.name, inputs, layers, notes=tuple(notes), program=program)
