"""An emitted core under the `fusesoc` command, without our tool."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from da4ml_core.codegen import emit_vhdl
from da4ml_core.passes.schedule import schedule
from da4ml_flow.eda import core_file, tools
from da4ml_flow.eda.parsers.yosys_stat import parse_stat

pytestmark = pytest.mark.eda

# `fusesoc` as its console script starts it
FUSESOC = [sys.executable, '-c', 'import sys; from fusesoc.main import main; sys.argv[0] = "fusesoc"; main()']


@pytest.fixture
def fusesoc_run(tmp_path: Path, need: Callable[..., None]) -> Callable[..., Path]:
    need('verilator', 'perl', 'make', 'yosys')
    settings = tmp_path / 'fusesoc.conf'
    settings.write_text('[main]\nbuild_root = build\ncache_root = cache\nlibrary_root = libraries\n')
    env = tools.environment(tmp_path / 'launchers', [tools.find('verilator'), tools.find('yosys')])
    env['PYTHONPATH'] = os.pathsep.join(path for path in sys.path if path)

    def run(rtl: Path, target: str) -> Path:
        roots = ['--cores-root', str(rtl), '--cores-root', str(core_file.ip_root())]
        command = [*FUSESOC, '--config', str(settings), *roots, 'run', f'--target={target}', 'da4ml:kernels:pair']
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return tmp_path / 'build' / 'da4ml_kernels_pair_0.1.0' / target

    return run


def test_lint(fusesoc_run: Callable[..., Path], write_pair: Callable[..., Any]) -> None:
    fusesoc_run(write_pair().rtl, 'lint')


def test_our_tool_for_yosys_is_found_by_name(fusesoc_run: Callable[..., Path], write_pair: Callable[..., Any]) -> None:
    root = fusesoc_run(write_pair().rtl, 'synth')
    report = root / 'da4ml_kernels_pair_0.1.0_stat.json'
    assert parse_stat(report.read_text(), 'pair').ffs == 18


def test_a_core_in_vhdl(
    fusesoc_run: Callable[..., Path], pair_program: Any, tmp_path: Path, need: Callable[..., None]
) -> None:
    need('ghdl')
    bundle = emit_vhdl(schedule(pair_program, 1), 'pair')
    core_file.write_core(bundle, 'pair', tmp_path / 'rtl')
    fusesoc_run(tmp_path / 'rtl', 'lint')
    root = fusesoc_run(tmp_path / 'rtl', 'synth')
    report = root / 'da4ml_kernels_pair_0.1.0_stat.json'
    assert parse_stat(report.read_text(), 'pair').ffs == 18


def test_a_core_can_depend_on_a_kernel(
    fusesoc_run: Callable[..., Path], write_pair: Callable[..., Any], tmp_path: Path
) -> None:
    """A user's own core around a generated one."""
    rtl = write_pair().rtl
    kernel = (rtl / 'pair.core').rename(rtl / 'kernel.core')
    kernel.write_text(kernel.read_text().replace('da4ml:kernels:pair:', 'da4ml:kernels:inner:'))
    (rtl / 'around.v').write_text(
        'module around (input wire clk, input wire [6:0] x, output wire [10:0] y);\n'
        '  pair inner (.clk(clk), .x(x), .y(y));\nendmodule\n'
    )
    (rtl / 'around.core').write_text(
        'CAPI=2:\nname: da4ml:kernels:pair:0.1.0\n'
        'filesets:\n  rtl: {files: [around.v: {file_type: verilogSource}], depend: ["da4ml:kernels:inner"]}\n'
        'targets:\n  lint: {flow: lint, flow_options: {tool: verilator, verilator_options: [-Wall]},'
        ' filesets: [rtl], toplevel: around}\n'
    )
    fusesoc_run(rtl, 'lint')
