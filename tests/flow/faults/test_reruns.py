"""The cache, change by change: exactly these stages run again. Real stages; tools are stand-ins that can be renewed."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from da4ml_flow.cli.main import run
from da4ml_flow.runner import keys

NET = """\
import numpy as np

def net(x: 'fixed<3,4>[4]'):
    w = np.array([[1.0, -0.5], [0.75, 2.0], [0.0, 1.5], [-1.25, 0.25]])
    return np.maximum(x @ w + [0.5, -1.0], 0)
"""
CONFIG = """\
name: net
model:
  source: "python:net.py:net"
rtl: {clock_ns: 5.0, pipeline: {max_levels: 3}}
lint: {tool: verilator}
simulate: {tool: icarus, samples: 20}
synthesize: {tool: yosys, family: xcup}
implement: {tool: nextpnr, device: ecp5-12k, seeds: [1]}
results: {database: null}
"""
CELLS = '{"num_cells_by_type": {"LUT4": 3}}'
STAT = f'{{"modules": {{"net": {CELLS}, "other": {CELLS}}}}}'
# what each of them says it is, and does
TOOLS = {
    'verilator': 'true',
    'yosys': f"""
while [ "$1" != -s ]; do shift; done
name=$(basename "$2" .ys)
echo '{STAT}' > "$name"_stat.json
echo '{{}}' > "$name".json
touch "$name"_netlist.v.gz yosys.log
""",
    'nextpnr-ecp5': """
while [ "$1" != --seed ]; do shift; done
echo '{"fmax": {"clk": {"achieved": 100}}, "utilization": {"TRELLIS_FF": {"used": 9}}}' > "$4"
touch seed$2.log
""",
}
ALL = ('trace', 'emit', 'lint', 'simulate', 'synthesize', 'implement', 'collect')
HARDWARE = ALL[1:]
TOOLED = ('lint', 'simulate', 'synthesize', 'implement')


class Tree:
    """A built configuration, its tools, and what may be changed."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.monkeypatch = root, monkeypatch

    def edit(self, old: str, new: str, file: str = 'net.yaml') -> None:
        path = self.root / file
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def install(self, name: str, version: str = '9.8.7') -> None:
        path = self.root / 'bin' / name
        path.write_text(f'#!/bin/sh\ncase "$*" in -V|--version) echo "{name} {version}"; exit;; esac\n{TOOLS[name]}\n')
        path.chmod(0o755)

    def code(self, module: str) -> None:
        """Another text of a module of ours."""
        digest = keys._package_digest

        def changed(package: str) -> str:
            inside = module == package or module.startswith(f'{package}.')
            return f'{digest(package)} and {module}' if inside else digest(package)

        keys.code_digest.cache_clear()
        self.monkeypatch.setattr(keys, '_package_digest', changed)

    def remove(self, pattern: str) -> None:
        (path,) = (self.root / 'build' / 'net').glob(pattern)
        path.unlink()

    def move_model(self) -> None:
        (self.root / 'models').mkdir()
        (self.root / 'net.py').rename(self.root / 'models' / 'net.py')
        self.edit('python:net.py', 'python:models/net.py')


Change = Callable[[Tree], object]
# what was changed -> which stages run again
CHANGES: dict[str, tuple[Sequence[str], Change]] = {
    'nothing': ((), lambda tree: None),
    'a comment in the YAML': ((), lambda tree: tree.edit('name: net', '# the best one\nname: net')),
    'a default written out': ((), lambda tree: tree.edit('rtl:', 'optimizer: {effort: balanced}\nrtl:')),
    'the order of keys': ((), lambda tree: tree.edit('tool: icarus, samples: 20', 'samples: 20, tool: icarus')),
    'one weight': (ALL, lambda tree: tree.edit('2.0', '2.25', 'net.py')),
    'a weight, and back': ((), lambda tree: (tree.edit('2.0', '3', 'net.py'), tree.edit('3]', '2.0]', 'net.py'))),
    'a weight written otherwise': (('trace',), lambda tree: tree.edit('2.0', '4 / 2', 'net.py')),
    'a comment in the model': (('trace',), lambda tree: tree.edit('0)', '0)  # ReLU', 'net.py')),
    'the time of the model': ((), lambda tree: os.utime(tree.root / 'net.py', (1, 1))),
    'the place of the model': ((), Tree.move_model),
    'the clock': (('collect',), lambda tree: tree.edit('clock_ns: 5.0', 'clock_ns: 4.0')),
    'the pipeline': (HARDWARE, lambda tree: tree.edit('max_levels: 3', 'max_levels: 1')),
    'the top module': (HARDWARE, lambda tree: tree.edit('clock_ns: 5.0', 'clock_ns: 5.0, top: other')),
    'the samples': (('simulate',), lambda tree: tree.edit('samples: 20', 'samples: 21')),
    'the family': (('synthesize',), lambda tree: tree.edit('xcup', 'xc7')),
    'a seed': (('implement',), lambda tree: tree.edit('seeds: [1]', 'seeds: [2]')),
    'the device': (('implement',), lambda tree: tree.edit('12k', '25k')),
    'a timeout': ((), lambda tree: tree.edit('family: xcup', 'family: xcup, timeout_s: 60')),
    'where runs are recorded': ((), lambda tree: tree.edit('database: null', 'database: "sqlite:///runs.sqlite"')),
    'the version of Verilator': (('lint',), lambda tree: tree.install('verilator', '9.8.8')),
    'the version of Yosys': (('synthesize', 'implement'), lambda tree: tree.install('yosys', '9.8.8')),
    'the version of nextpnr': (('implement',), lambda tree: tree.install('nextpnr-ecp5', '9.8.8')),
    'a tool, its version as it was': ((), lambda tree: tree.install('yosys')),
    'the script for Yosys': (('synthesize', 'implement'), lambda tree: tree.code('edalize.tools.da4mlyosys')),
    'the report script of Vivado': ((), lambda tree: tree.code('edalize.tools.da4mlvivado')),
    "the parser of Yosys' counts": (
        ('synthesize', 'implement'),
        lambda tree: tree.code('da4ml_flow.eda.parsers.yosys_stat'),
    ),
    "the parser of nextpnr's report": (('implement',), lambda tree: tree.code('da4ml_flow.eda.parsers.nextpnr_report')),
    "the parser of Quartus' fit": ((), lambda tree: tree.code('da4ml_flow.eda.parsers.quartus_fit')),
    'the module for Icarus': (('simulate',), lambda tree: tree.code('da4ml_flow.eda.backends.icarus')),
    'the module for GHDL': ((), lambda tree: tree.code('da4ml_flow.eda.backends.ghdl')),
    'how cores are written': (('emit', *TOOLED), lambda tree: tree.code('da4ml_flow.eda.core_file')),
    'a primitive': (TOOLED, lambda tree: tree.code('da4ml_ip')),
    'the solver': (('trace', 'emit', 'collect'), lambda tree: tree.code('da4ml_core.cmvm')),
    'the interpreter': (
        ('trace', 'emit', 'simulate', 'collect'),
        lambda tree: tree.code('da4ml_core.interp'),
    ),
    'the report of runs': ((), lambda tree: tree.code('da4ml_flow.report')),
    'a log is gone': (('lint',), lambda tree: tree.remove('lint-*/verilator/make.log')),
    'the record of a stage is gone': (('emit',), lambda tree: tree.remove('emit-*/record.json')),
}


def build(root: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    code = run(['build', str(root / 'net.yaml'), '--build-root', str(root / 'build'), '--json'])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return json.loads(captured.out)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Path) -> Iterator[Tree]:
    if shutil.which('make') is None:
        pytest.skip('make is not installed')
    shutil.copytree(whole, tmp_path / 'tree', symlinks=True)
    monkeypatch.setenv('PATH', f'{tmp_path / "tree" / "bin"}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    yield Tree(tmp_path / 'tree', monkeypatch)
    keys.code_digest.cache_clear()


@pytest.fixture(scope='module')
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree in which everything is built; without Icarus there is no simulation in it."""
    root = tmp_path_factory.mktemp('whole')
    (root / 'bin').mkdir()
    (root / 'net.py').write_text(NET)
    (root / 'net.yaml').write_text(CONFIG)
    if shutil.which('iverilog') is None:
        pytest.skip('needs Icarus Verilog (`apt-get install iverilog`, for example)')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PATH', f'{root / "bin"}{os.pathsep}{os.environ["PATH"]}')
        patch.setenv('XDG_CACHE_HOME', str(root / 'cache'))
        for name in TOOLS:
            Tree(root, patch).install(name)
        assert run(['build', str(root / 'net.yaml'), '--json']) == 0
    return root


@pytest.mark.eda
@pytest.mark.parametrize('change', CHANGES)
def test_exactly_these_stages_run_again(tree: Tree, capsys: pytest.CaptureFixture[str], change: str) -> None:
    expected, apply = CHANGES[change]
    apply(tree)
    stages = build(tree.root, capsys)['stages']
    assert [stage['stage'] for stage in stages] == [*ALL]
    assert [stage['stage'] for stage in stages if not stage['cached']] == [*expected]
    assert all(stage['cached'] for stage in build(tree.root, capsys)['stages'])
