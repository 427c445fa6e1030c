"""Content keys change with what decides a result, and with nothing else."""

import ast
import hashlib
from pathlib import Path

import pytest

from da4ml_flow.errors import FlowError
from da4ml_flow.results.metrics import ToolVersion
from da4ml_flow.runner.build import standard_stages
from da4ml_flow.runner.keys import (
    CODE,
    TOOL_CODE,
    _package_digest,
    code_digest,
    packages_behind,
    resolved,
    stage_key,
)
from da4ml_flow.runner.provenance import provenance

TOOLS = (ToolVersion('yosys', '0.70', '/usr/bin/yosys'), ToolVersion('make', '4.3', '/usr/bin/make'))


def key(stage='synthesize', settings=None, inputs=None, tools=TOOLS):
    return stage_key(stage, settings or {'family': 'xcup'}, inputs or {'rtl': 'abc'}, tools)


def test_what_decides_the_result_is_in_the_key():
    keys = [
        key(),
        key(stage='implement'),
        key(settings={'family': 'xc7'}),
        key(inputs={'rtl': 'abd'}),
        key(tools=(ToolVersion('yosys', '0.71', '/usr/bin/yosys'), TOOLS[1])),
    ]
    assert len(set(keys)) == len(keys)


def test_order_and_place_of_tools_do_not_matter():
    moved = (TOOLS[1], ToolVersion('yosys', '0.70', '/opt/bin/yosys'))
    assert key(tools=moved) == key()


def test_a_path_stands_for_its_content(tmp_path):
    first, second = tmp_path / 'a', tmp_path / 'b'
    first.write_text('x')
    second.write_text('x')
    assert resolved({'model': first}) == resolved({'model': second})
    second.write_text('y')
    assert resolved([first]) != resolved([second])
    assert resolved(('a', 1, None)) == ['a', 1, None]


def test_every_package_behind_a_stage_has_sources():
    nothing = hashlib.sha256().hexdigest()
    for packages in (*CODE.values(), *TOOL_CODE.values()):
        for package in packages:
            assert _package_digest(package) != nothing
    assert set(CODE) == {stage.name for stage in standard_stages()}
    with pytest.raises(FlowError, match='absent is not installed'):
        code_digest(('da4ml_core.absent',))


def test_provenance_outside_of_a_repository(tmp_path):
    found = provenance(tmp_path)
    assert found.host
    assert found.user
    assert (found.git_commit, found.git_dirty) == (None, None)


def test_provenance_in_this_repository():
    root = Path(__file__).parents[3]
    if not (root / '.git').exists():
        return
    assert len(provenance(root).git_commit or '') == 40


FLOW = Path(__file__).parents[3] / 'flow'
# the stage, and the tools with which it is run -> their backends
RUNS = {
    ('lint', ('verilator',)): ('verilator',),
    ('lint', ('ghdl',)): ('ghdl',),
    ('simulate', ('verilator',)): ('verilator',),
    ('simulate', ('iverilog',)): ('icarus',),
    ('simulate', ('verilator', 'ghdl')): ('verilator', 'ghdl'),
    ('synthesize', ('yosys',)): ('yosys',),
    ('synthesize', ('vivado',)): ('vivado',),
    ('implement', ('yosys', 'nextpnr-ice40')): ('nextpnr',),
    ('implement', ('vivado',)): ('vivado',),
    ('implement', ('quartus_sh',)): ('quartus',),
    ('verify', ('yosys',)): ('formal',),
    ('emit', ()): (),
    ('trace', ()): (),
    ('collect', ()): (),
}


def file_of(module: str) -> Path | None:
    path = FLOW / Path(*module.split('.'))
    return next((file for file in (path.with_suffix('.py'), path / '__init__.py') if file.is_file()), None)


def imported(module: str) -> set[str]:
    """The modules of the flow that one names anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse(file_of(module).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith('da4ml_flow.'):
            found |= {node.module, *(f'{node.module}.{name.name}' for name in node.names)}
    return {name for name in found if file_of(name) is not None and file_of(name).name != '__init__.py'}


@pytest.mark.parametrize('case', RUNS)
def test_all_that_a_stage_runs_is_in_its_key(case):
    """Followed through every import, but into the backends of other tools."""
    stage, tools = case
    backends = {f'da4ml_flow.eda.backends.{name}' for name in (*RUNS[case], 'vendor')}
    waiting, reached = [f'da4ml_flow.stages.{stage}'], set()
    while waiting:
        module = waiting.pop()
        other = module.startswith('da4ml_flow.eda.backends.') and module not in backends
        if module not in reached and not other and module.startswith(('da4ml_flow.eda.', 'da4ml_flow.stages.')):
            reached.add(module)
            waiting += imported(module)
    behind = packages_behind(stage, tools)
    types = {'da4ml_flow.stages.base'}
    if stage in ('synthesize', 'implement') and tools[0] != 'yosys':
        types |= {'da4ml_flow.eda.parsers.yosys_stat', 'da4ml_flow.eda.parsers.json_report'}  # of a function for others
    missing = {
        name for name in reached - types if not any(name == item or name.startswith(f'{item}.') for item in behind)
    }
    assert not missing
