"""A board's design around a kernel by the stock flows of FuseSoC and edalize, up to a bitstream, against a stand-in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from da4ml_flow.cli.main import run
from da4ml_flow.eda.core_file import ip_root

FUSESOC = [sys.executable, '-c', 'import sys; from fusesoc.main import main; sys.argv[0] = "fusesoc"; main()']
NET = "def net(x: 'fixed<3,4>[4]'):\n    return x @ [[1.0, -0.5], [0.75, 2.0], [0.0, 1.5], [-1.25, 0.25]]\n"
BOARD = 'module board (input wire clk, output reg led);\n  always @(posedge clk) led <= ~led;\nendmodule\n'
CORE = {
    'name': 'user:designs:board:1.0.0',
    'filesets': {
        'rtl': {
            'files': [{'board.v': {'file_type': 'verilogSource'}}, {'board.xdc': {'file_type': 'xdc'}}],
            'depend': ['da4ml:kernels:net:0.1.0'],
        }
    },
    'targets': {
        'default': {
            'flow': 'vivado',
            'flow_options': {'part': 'xc7a35tcpg236-1'},
            'filesets': ['rtl'],
            'toplevel': 'board',
        }
    },
}


@pytest.mark.parametrize('fault', [None, 'no primitives'])
def test_the_project_flow(vivado_board: None, tmp_path: Path, fault: str | None) -> None:
    (tmp_path / 'net.py').write_text(NET)
    (tmp_path / 'net.yaml').write_text('name: net\nmodel: {source: "python:net.py:net"}\nresults: {database: null}\n')
    assert run(['build', str(tmp_path / 'net.yaml'), '--until', 'emit', '--build-root', str(tmp_path / 'b')]) == 0
    (kernel,) = (tmp_path / 'b' / 'net').glob('emit-*/rtl')
    user = tmp_path / 'user'
    user.mkdir()
    (user / 'board.v').write_text(BOARD)
    (user / 'board.xdc').write_text('')
    (user / 'board.core').write_text(f'CAPI=2:\n{yaml.safe_dump(CORE)}')
    (tmp_path / 'f.conf').write_text('[main]\nbuild_root = out\ncache_root = cache\nlibrary_root = libraries\n')
    if fault:
        core = kernel / 'net.core'
        text = core.read_text()
        lines = [line for line in text.splitlines() if 'da4ml:ip:' not in line and line.strip() != 'depend:']
        core.write_text('\n'.join(lines) + '\n')
    roots = [word for root in (kernel, user, ip_root()) for word in ('--cores-root', str(root))]
    done = subprocess.run(
        [*FUSESOC, '--config', 'f.conf', *roots, 'run', 'user:designs:board:1.0.0'],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert (done.returncode == 0) == (fault is None), said
    if fault:
        assert "module 'da4ml_ternary_adder' not found" in said
    else:
        assert list((tmp_path / 'out').rglob('board*.bit'))
