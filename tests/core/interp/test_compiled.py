"""Machine code from the C compiler: what the reference interpreter gives, on every instruction set, or a clear no."""

import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from random_programs import random_codes, random_program

from da4ml_core.errors import InterpError
from da4ml_core.fixed import FixedType, Interval, Rounding
from da4ml_core.interp import Executable, _kernel, c_build, compiled, evaluate, predict
from da4ml_core.interp.assembler import Kind
from da4ml_core.interp.c_build import NoCompiler
from da4ml_core.interp.lowering import lower
from da4ml_core.ir import InputPort, Op, Opcode, Operand, Program, Quantization

INSTRUCTION_SETS = range(_kernel.BEST_INSTRUCTION_SET + 1)

needs_compiler = pytest.mark.skipif(shutil.which('cc') is None, reason='no C compiler cc')


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.delenv('CC', raising=False)
    return tmp_path / 'da4ml-flow' / 'compiled'


def merged(programs: Iterator[Program]) -> Program:
    """One program that is all of them side by side: one build tests them all."""
    ops: list[Op] = []
    outputs: list[Operand] = []
    positions = 0
    for program in programs:
        base = len(ops)
        for op in program.ops:
            attribute = op.attribute
            if isinstance(attribute, InputPort):
                attribute = attribute._replace(position=attribute.position + positions)
            ops.append(op._replace(operands=moved(op.operands, base), attribute=attribute))
        outputs += moved(program.outputs, base)
        positions += program.num_inputs
    return Program('merged', tuple(ops), tuple(outputs), ((positions,),), ((len(outputs),),))


def moved(edges: tuple[Operand, ...], base: int) -> tuple[Operand, ...]:
    return tuple(edge._replace(index=edge.index + base) for edge in edges)


def random_merged(first: int, last: int) -> Program:
    return merged(
        random_program(random.Random(seed), num_ops=30, max_width=(12, 20, 28, 60)[seed % 4], narrow=seed % 3 > 0)
        for seed in range(first, last)
    )


def agrees(program: Program, seed: int, samples: int) -> None:
    rng = random.Random(seed)
    codes = [random_codes(rng, program) for _ in range(samples)]
    expected = [evaluate(program, sample) for sample in codes]
    executable = Executable(program)
    found = executable.run_codes(np.array(codes, dtype=np.int64), compiled=True)
    assert found.tolist() == expected
    assert executable.run_codes(np.array(codes, dtype=np.int64), threads=2, compiled=False).tolist() == expected


@needs_compiler
@pytest.mark.parametrize('instruction_set', INSTRUCTION_SETS)
def test_random_programs_give_what_the_reference_gives_on_every_instruction_set(instruction_set, monkeypatch):
    monkeypatch.setattr(_kernel, 'BEST_INSTRUCTION_SET', instruction_set)
    monkeypatch.setattr(compiled, 'LENGTH', 150)
    program = random_merged(0, 30)
    kinds = {(each.kind, each.lane) for each in lower(program, reals=False, floats=False)}
    assert {kind for kind, _ in kinds} == set(Kind) - {Kind.LOAD_REAL, Kind.STORE_REAL, Kind.CALL}
    assert {lane for _, lane in kinds} == {0, 1, 2}
    agrees(program, seed=1, samples=70)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize('instruction_set', INSTRUCTION_SETS)
@pytest.mark.parametrize('first', range(100, 1100, 100))
def test_a_thousand_random_programs(instruction_set, first, monkeypatch):
    monkeypatch.setattr(_kernel, 'BEST_INSTRUCTION_SET', instruction_set)
    agrees(random_merged(first, first + 100), seed=first, samples=64)


@needs_compiler
@pytest.mark.parametrize('length', [1, 7])
def test_values_that_cross_functions(length, monkeypatch):
    monkeypatch.setattr(compiled, 'LENGTH', length)
    agrees(random_merged(40, 42), seed=2, samples=70)


@needs_compiler
@pytest.mark.parametrize('dtype', [np.float64, np.float32, np.int64])
def test_external_numbers_in_and_float64_out(dtype, cache):
    program = random_merged(50, 54)
    x = (np.random.default_rng(3).uniform(-40, 40, (3000, program.num_inputs)) * 8).round().astype(dtype)
    if dtype is not np.int64:
        x /= 8
        x[17, 2] = 1e30  # beyond what the machine rounds: that sample is done in Python
    expected = predict(program, x, compiled=False)
    for threads in (1, 2):
        assert np.array_equal(predict(program, x, threads=threads, compiled=True), expected)
    assert len(list(cache.glob('*.so'))) == 1  # found again by the second run
    assert [path.name for path in cache.iterdir() if path.is_dir()] == []


def port(width: int) -> Op:
    quantization = Quantization(FixedType(True, width - 1, 0), Rounding.RND)
    return Op(Opcode.INPUT, (), quantization.type.interval, InputPort(0, quantization))


def doubled(width: int) -> Program:
    """x + 4x, of an input of that many bits."""
    top = 1 << (width - 1)
    total = Op(Opcode.ADD, (Operand(0), Operand(0, 2)), Interval(-5 * top, 5 * top - 5, 0))
    return Program('doubled', (port(width), total), (Operand(1),), ((1,),), ((1,),))


def test_a_value_beyond_64_bits_is_refused():
    codes = np.array([[1 << 62]])
    assert Executable(doubled(64)).run_codes(codes).tolist() == [[5 << 62]]
    with pytest.raises(InterpError, match='values of more than 64 bits, which are not compiled'):
        Executable(doubled(64)).run_codes(codes, compiled=True)
    with pytest.raises(InterpError, match='values of more than 64 bits'):
        Executable(doubled(64)).run([[1.0]], codes=True, compiled=True)


def test_without_a_compiler(monkeypatch):
    monkeypatch.setenv('CC', 'no-such-compiler')
    executable = Executable(doubled(8))
    with pytest.raises(NoCompiler) as caught:
        executable.run([[1.0]], compiled=True)
    assert "no C compiler: 'no-such-compiler' is not on PATH" in str(caught.value)
    assert 'the interpreter gives the same results' in (caught.value.hint or '')
    monkeypatch.setattr('da4ml_core.interp.batch.LONG_RUN', 2)
    assert executable.run([[1.0], [2.0]]).tolist() == [[5.0], [10.0]]


@needs_compiler
def test_a_compiler_that_fails_says_why(monkeypatch):
    monkeypatch.setenv('CC', 'cc -no-such-option')
    with pytest.raises(InterpError, match=r'failed with exit code 1[\s\S]*no-such-option'):
        predict(doubled(8), [[1.0]], compiled=True)


def hanging(folder: Path) -> Path:
    """A compiler that starts another program, which never ends; its process id is in the file `child`."""
    compiler = folder / 'hanging cc'
    compiler.write_text(
        f"""#!/bin/sh
[ "$1" = --version ] && echo 1.0 && exit
echo 'looking for a licence'
sleep 600 & echo $! >'{folder}/child'; wait
"""
    )
    compiler.chmod(0o755)
    return compiler


def gone(child: Path) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        state = Path(f'/proc/{child.read_text().strip()}/stat')
        if not state.exists() or state.read_text().rpartition(') ')[2].startswith('Z'):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(not Path('/proc/self').exists(), reason='looks for processes in /proc')
def test_a_compiler_that_hangs_is_stopped_and_its_log_is_kept(cache, tmp_path, monkeypatch):
    monkeypatch.setenv('CC', shlex.quote(str(hanging(tmp_path))))
    monkeypatch.setattr(c_build, 'TIMEOUT_S', 0.5)
    with pytest.raises(InterpError, match=r'was stopped after 0.5 s:\nlooking for a licence') as caught:
        predict(doubled(8), [[1.0]], compiled=True)
    (log,) = cache.glob('*.log')
    assert str(log) in str(caught.value)
    assert 'looking for a licence' in log.read_text()
    assert gone(tmp_path / 'child')


@pytest.mark.skipif(not Path('/proc/self').exists(), reason='looks for processes in /proc')
def test_an_interrupt_stops_the_compiler(cache, tmp_path, monkeypatch):
    monkeypatch.setenv('CC', shlex.quote(str(hanging(tmp_path))))
    program = 'from test_compiled import *; predict(doubled(8), [[1.0]], compiled=True)'
    process = subprocess.Popen(
        [sys.executable, '-c', program],
        cwd=Path(__file__).parent,
        stderr=subprocess.DEVNULL,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(path for path in sys.path if path)},
    )
    child = tmp_path / 'child'
    deadline = time.monotonic() + 30
    while not (child.exists() and child.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) != 0
    assert gone(child)


@needs_compiler
def test_a_long_run_is_compiled_by_itself(cache, monkeypatch):
    monkeypatch.setattr('da4ml_core.interp.batch.LONG_RUN', 500)
    executable = Executable(doubled(8))
    x = np.arange(-100, 100.0)[:, None]
    for _ in range(2):
        assert np.array_equal(executable.run(x), 5 * x)
    assert not list(cache.glob('*.so'))
    assert np.array_equal(executable.run(x), 5 * x)
    assert len(list(cache.glob('*.so'))) == 1
    with pytest.raises(InterpError, match='threads must be'):
        executable.run(x, threads=0)


@needs_compiler
def test_a_damaged_library_is_built_again(cache, tmp_path, monkeypatch):
    assert Executable(doubled(9)).run([[3.0]], compiled=True).tolist() == [[15.0]]
    (library,) = cache.glob('*.so')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'other'))
    damaged = c_build.cache_directory() / library.name
    damaged.parent.mkdir(parents=True)
    whole = library.read_bytes()
    for content in (b'half a library', whole[: len(whole) // 2], whole[:-100] + bytes(100)):  # what dlopen would take
        damaged.write_bytes(content)
        assert Executable(doubled(9)).run([[3.0]], compiled=True).tolist() == [[15.0]]
        (built,) = damaged.parent.glob('*.so')
        assert built.read_bytes() != content
        built.unlink()


@needs_compiler
def test_a_library_that_may_not_be_loaded_is_refused(cache, monkeypatch):
    def refused(path):
        raise OSError(f'{path}: failed to map segment from shared object')

    monkeypatch.setattr(c_build.ctypes, 'CDLL', refused)
    with pytest.raises(InterpError, match=r'the compiled program cannot be loaded: .* failed to map'):
        Executable(doubled(19)).run([[3.0]], compiled=True)


@needs_compiler
def test_the_library_depends_on_the_compiler(cache, monkeypatch):
    Executable(doubled(10)).run([[3.0]], compiled=True)
    command, _ = c_build.find_compiler()
    monkeypatch.setattr(c_build, 'find_compiler', lambda: (command, 'a later version'))
    Executable(doubled(10)).run([[3.0]], compiled=True)
    assert len(list(cache.glob('*.so'))) == 2


@needs_compiler
def test_nothing_to_compute():
    empty = Program('p', (port(8),), (Operand(0),), ((1,),), ((1,),))
    assert Executable(empty).run([[3.0]], compiled=True).tolist() == [[3.0]]
    silent = Program('p', (port(8),), (), ((1,),), ((0,),))
    assert Executable(silent).run([[3.0]], compiled=True).shape == (1, 0)
