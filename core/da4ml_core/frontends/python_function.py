"""Python functions as models, `python:package.module:function` or `python:file.py:function`: called on symbolic arrays.

The annotation of each parameter declares an input: ``x: 'fixed<3,4>[16]'``, a type of integer and fraction bits and a
shape. A function without parameters makes a module of torch instead. This runs the user's own code, which he names;
nothing of the kind is ever found in a model file.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from da4ml_core.errors import FrontendError
from da4ml_core.fixed import FixedType

if TYPE_CHECKING:
    from da4ml_core.frontends.onnx_model import OnnxGraph
    from da4ml_core.ir import Program
    from da4ml_core.trace import SolverOptions

PREFIX = 'python:'
EXAMPLE = "'fixed<3,4>[16]': the type of an element, and the shape"


def is_function_source(source: str | Path) -> bool:
    return str(source).startswith(PREFIX)


def load_function(
    source: str | Path, solver: SolverOptions | None = None, input_type: FixedType | str | None = None
) -> Program:
    """The program of a function; raises FrontendError, and TraceError for what it does with its arguments."""
    from da4ml_core.trace import Deferred, SolverOptions, SymbolicArray, Tracer

    function = find_function(source)
    if is_factory(function):
        from da4ml_core.frontends.qonnx_file import noted, program_of

        return noted(program_of(module_of_factory(source), solver, input_type))
    if input_type is not None:
        raise _error(source, 'a function declares the types of its inputs itself')
    inputs = declared_inputs(function, source)
    tracer = Tracer(function.__name__, solver=solver or SolverOptions())
    arguments = []
    for name, (kind, shape) in inputs.items():
        with tracer.origin(f'input {name}'):  # not the line of whoever reads the model
            arguments.append(tracer.input(shape, name=name).quantize(*kind, 'RND', 'SAT'))
    result = function(*arguments)
    outputs = list(result) if isinstance(result, tuple | list) else [result]
    wrong = [type(output).__name__ for output in outputs if not isinstance(output, (SymbolicArray, Deferred))]
    if wrong or not outputs:
        raise _error(source, f'the function returns {wrong[0] if wrong else "nothing"}, no symbolic array')
    return tracer.finish(outputs)


def is_factory(function: Callable[..., Any]) -> bool:
    """Whether it takes nothing: then it makes a model."""
    empty = inspect.Parameter.empty
    return all(parameter.default is not empty for parameter in inspect.signature(function).parameters.values())


def module_of_factory(source: str | Path) -> OnnxGraph:
    """The graph of the torch module that a function without parameters returns, with the shapes of its inputs.

    The function returns a program of torch.export, or ``module, shape``, or ``module, shapes``; without the batch.
    """
    from da4ml_core.frontends.pytorch.module import read_module

    function = find_function(source)
    if not is_factory(function):
        raise _error(source, 'the function has parameters', 'a float model comes from one without: module, shape')
    made = function()
    module, shapes = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not hasattr(module, 'state_dict'):
        raise _error(
            source,
            f'the function has no parameters, and returns a {type(module).__name__}, no module of torch',
            f'annotate a parameter as in {EXAMPLE}; or return module, shape',
        )
    return read_module(module, shapes)


def source_files(source: str | Path) -> Path:
    """What decides the program beside us: the file of the function, or the whole package that it is in."""
    module, _ = _parts(source)
    if module.endswith('.py'):
        return Path(module)
    top = module.partition('.')[0]
    spec = importlib.util.find_spec(top)
    if spec is None or not (spec.submodule_search_locations or spec.origin):
        raise _error(source, f'there is no module {top!r}', 'install it, or name a file: python:file.py:function')
    return Path(next(iter(spec.submodule_search_locations or [str(spec.origin)])))


def find_function(source: str | Path) -> Callable[..., Any]:
    """Import the function; raises FrontendError where the module or the function is not there, or fails."""
    name, attribute = _parts(source)
    try:
        module = _module_of_file(Path(name)) if name.endswith('.py') else importlib.import_module(name)
    except ImportError as error:
        raise _error(source, f'cannot import {name}: {error}', 'python:file.py:function names a file') from error
    except Exception as error:
        raise _error(source, f'{name} fails when it is imported: {type(error).__name__}: {error}') from error
    function = getattr(module, attribute, None)
    if not callable(function):
        raise _error(source, f'{name} has no function {attribute!r}')
    found: Callable[..., Any] = function
    return found


def declared_inputs(function: Callable[..., Any], source: str | Path) -> dict[str, tuple[FixedType, tuple[int, ...]]]:
    """Type and shape by parameter, from the annotations."""
    found: dict[str, tuple[FixedType, tuple[int, ...]]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            continue
        text = parameter.annotation if isinstance(parameter.annotation, str) else ''
        match = re.fullmatch(r'(u?)fixed<(-?\d{1,3}),\s*(-?\d{1,3})>\[(\d+(?:,\s*\d+)*)\]', text.strip('\'" '))
        if match is None:
            raise _error(source, f'parameter {name!r} does not declare an input', f'annotate it as in {EXAMPLE}')
        shape = tuple(int(size) for size in match[4].split(','))
        if min(shape) < 1:
            raise _error(source, f'parameter {name!r} has the empty shape {list(shape)}')
        found[name] = FixedType(not match[1], int(match[2]), int(match[3])), shape
    if not found:
        raise _error(source, 'the function has no parameters', f'annotate one as in {EXAMPLE}')
    return found


def _parts(source: str | Path) -> tuple[str, str]:
    module, colon, function = str(source).removeprefix(PREFIX).rpartition(':')
    if not colon or not function.isidentifier() or not module:
        raise _error(source, 'expected python:package.module:function or python:file.py:function')
    return module, function


def _module_of_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f'_da4ml_source_{path.stem}', path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError('there is no such file')
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as dataclasses and the like expect
    spec.loader.exec_module(module)
    return module


def _error(source: str | Path, message: str, hint: str = '') -> FrontendError:
    return FrontendError(message, context=str(source), hint=hint)
