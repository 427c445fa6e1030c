"""An emitted core under the `fusesoc` command, without our tool."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from da4ml_core.codegen import emit_rtl, emit_vhdl
from da4ml_core.passes.schedule import schedule
from da4ml_core.trace import Tracer
from da4ml_flow.cli.main import run as run_command
from da4ml_flow.eda import core_file, tools
from da4ml_flow.eda.parsers.yosys_stat import parse_stat
from da4ml_flow.errors import ToolNotFound

pytestmark = pytest.mark.eda

# `fusesoc` as its console script starts it
FUSESOC = [sys.executable, '-c', 'import sys; from fusesoc.main import main; sys.argv[0] = "fusesoc"; main()']


@pytest.fixture
def fusesoc_run(tmp_path: Path, need: Callable[..., None]) -> Callable[..., Path]:
    need('verilator', 'perl', 'make', 'yosys')
    settings = tmp_path / 'fusesoc.conf'
    settings.write_text('[main]\nbuild_root = build\ncache_root = cache\nlibrary_root = libraries\n')
    found = []
    for name in ('verilator', 'yosys', 'nextpnr-ecp5'):
        with suppress(ToolNotFound):
            found.append(tools.find(name))
    env = tools.environment(tmp_path / 'launchers', found)
    env['PYTHONPATH'] = os.pathsep.join(path for path in sys.path if path)

    def run(rtl: Path, target: str, core: str = 'da4ml:kernels:pair:0.1.0', *options: str) -> Path:
        roots = [word for root in (rtl, tmp_path / 'user', core_file.ip_root()) for word in ('--cores-root', str(root))]
        command = [*FUSESOC, '--config', str(settings), *roots, 'run', f'--target={target}', core, *options]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        root = tmp_path / 'build' / core.replace(':', '_') / target
        (root / 'said').write_text(done.stdout + done.stderr)
        return root

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


@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
def test_how_three_operands_are_added_is_a_parameter(
    fusesoc_run: Callable[..., Path], tmp_path: Path, need: Callable[..., None], language: str
) -> None:
    if language == 'vhdl':
        need('ghdl')
    tracer = Tracer('three')
    x = tracer.input((3,)).quantize(True, 7, 0)
    core_file.write_core(emit_rtl(schedule(tracer.finish(x.sum()), None), 'three', language), 'three', tmp_path / 'rtl')
    root = fusesoc_run(tmp_path / 'rtl', 'synth', 'da4ml:kernels:three:0.1.0', '--TERNARY_STYLE=8')
    resources = parse_stat((root / 'da4ml_kernels_three_0.1.0_stat.json').read_text(), 'three')
    assert (resources.luts, resources.carry) == (10, 2)


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


def test_place_and_route(
    fusesoc_run: Callable[..., Path], write_pair: Callable[..., Any], need: Callable[..., None]
) -> None:
    need('nextpnr-ecp5')
    root = fusesoc_run(write_pair().rtl, 'pnr', 'da4ml:kernels:pair:0.1.0', '--device', '12k', '--seeds', '1 2')
    assert {path.name for path in root.glob('seed*.json')} == {'seed1.json', 'seed2.json'}


USER_CORE = """\
CAPI=2:
name: user:designs:trigger:1.0.0
filesets:
  rtl: {files: [trigger.v: {file_type: verilogSource}], depend: ["da4ml:kernels:net:0.1.0"]}
  bench: {files: [bench.v: {file_type: verilogSource}]}
targets:
  default: {filesets: [rtl], toplevel: trigger}
  lint: {flow: lint, flow_options: {tool: verilator, verilator_options: [-Wall]}, filesets: [rtl], toplevel: trigger}
  sim: {flow: sim, flow_options: {tool: icarus}, filesets: [rtl, bench], toplevel: bench}
  synth: {flow: generic, flow_options: {tool: da4mlyosys, family: ecp5}, filesets: [rtl], toplevel: trigger}
"""
TRIGGER = """\
module trigger (input wire clk, input wire [14:0] x, output reg fired);
  wire [16:0] y;
  net net (.clk(clk), .x(x), .y(y));
  always @(posedge clk) fired <= y > 17'd40;
endmodule
"""
# 3 * 7 + 1 is not above 40, 3 * 30 + 1 is
BENCH = """\
module bench;
  reg clk = 0;
  reg [14:0] x = 7;
  wire fired;
  integer cycle;
  trigger trigger (.clk(clk), .x(x), .fired(fired));
  initial begin
    for (cycle = 0; cycle < 20; cycle = cycle + 1) begin
      #1 clk = 1;
      #1 clk = 0;
      if (cycle == 9) begin
        $display("first %b", fired);
        x = 30;
      end
    end
    $display("then %b", fired);
    $finish;
  end
endmodule
"""
NET = """\
def net(x: 'ufixed<15,0>[1]'):
    return x * 3 + 1
"""


def test_a_design_of_a_user_around_a_built_kernel(
    fusesoc_run: Callable[..., Path], tmp_path: Path, need: Callable[..., None]
) -> None:
    """What `da4ml-flow build` left is a library: a core that depends on it is linted, simulated and synthesized."""
    (tmp_path / 'net.py').write_text(NET)
    (tmp_path / 'net.yaml').write_text('name: net\nmodel: {source: "python:net.py:net"}\nresults: {database: null}\n')
    assert (
        run_command(['build', str(tmp_path / 'net.yaml'), '--until', 'emit', '--build-root', str(tmp_path / 'b')]) == 0
    )
    (kernel,) = (tmp_path / 'b' / 'net').glob('emit-*/rtl')
    (tmp_path / 'user').mkdir()
    for name, text in (('trigger.core', USER_CORE), ('trigger.v', TRIGGER), ('bench.v', BENCH)):
        (tmp_path / 'user' / name).write_text(text)
    core = 'user:designs:trigger:1.0.0'
    fusesoc_run(kernel, 'lint', core)
    root = fusesoc_run(kernel, 'synth', core)
    assert parse_stat((root / 'user_designs_trigger_1.0.0_stat.json').read_text(), 'trigger').ffs > 1
    if shutil.which('iverilog') is None:
        pytest.skip('simulation of it needs Icarus (`apt-get install iverilog`, for example)')
    said = (fusesoc_run(kernel, 'sim', core) / 'said').read_text()
    assert 'first 0' in said
    assert 'then 1' in said
