"""Names that a shell, make, Tcl or Yosys would take for more than names: refused, or handed on as they are."""

import shutil
from pathlib import Path

import pytest
import yaml

from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.errors import Da4mlError
from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Quantization
from da4ml_flow.cli.main import run
from da4ml_flow.eda import core_file, fusesoc

NASTY = [
    'a b',
    "a'b",
    'a"b',
    'a$HOME',
    'a$(touch pwned)',
    'a`touch pwned`',
    'a;touch pwned',
    'a\ntouch pwned',
    'a&touch pwned',
    'a|touch pwned',
    'a>pwned',
    'a#b',
    'a%b',
    'a*b',
    'a\\b',
    'a[exec touch pwned]',
    'a{b',
    '$(shell touch pwned)',
    '-a',
    '../pwned',
    'é',
    '',
]
QUICK = ('a b', '$(shell touch pwned)', 'a;touch pwned', 'a\ntouch pwned')
NET = "def net(x: 'fixed<3,4>[2]'):\n    return x @ [[1.0, -0.5], [0.75, 2.0]]\n"
CONFIG = """\
name: net
model: {source: "python:net.py:net"}
lint: {}
results: {database: "sqlite:///results.sqlite"}
"""
# every key of a configuration whose text could reach a tool -> what else the configuration needs for it
VENDOR = ('synthesize.tool=vivado', 'synthesize.part=xcvu13p-flga2577-2-e')
FIELDS: dict[str, tuple[str, ...]] = {
    'name': (),
    'rtl.top': (),
    'rtl.language': (),
    'rtl.clock_ns': (),
    'rtl.wrapper.protocol': (),
    'lint.tool': (),
    'simulate.tool': (),
    'simulate.samples': (),
    'synthesize.tool': (),
    'synthesize.family': (),
    'synthesize.timeout_s': (),
    'synthesize.part': VENDOR[:1],
    'synthesize.strategy': VENDOR,
    'synthesize.retiming': VENDOR,
    **{f'synthesize.directives.{step}': VENDOR for step in ('synth', 'opt', 'place', 'phys_opt', 'route')},
    'implement.device': (),
    'implement.seeds': (),
    'implement.clock_ns': (),
    'optimizer.device': (),
    'optimizer.effort': (),
}


def pwned(folder: Path) -> list[Path]:
    return [path for path in folder.rglob('pwned*')]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / 'here'
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv('DA4ML_FLOW_DB', raising=False)
    (folder / 'net.py').write_text(NET)
    (folder / 'net.yaml').write_text(CONFIG)
    return folder


@pytest.mark.parametrize('field', FIELDS)
def test_a_configuration_refuses_it(here: Path, capsys: pytest.CaptureFixture[str], field: str) -> None:
    """Before anything runs: each of these is an error of the configuration, of exit code 2."""
    more = [word for item in FIELDS[field] for word in ('--set', item)]
    for nasty in NASTY:
        text = '"' + nasty.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n') + '"'
        assert run(['build', 'net.yaml', '--until', 'emit', *more, '--set', f'{field}={text}']) == 2, nasty
        said = capsys.readouterr().err
        assert 'error[DA' in said
        assert 'Traceback' not in said
    assert not (here / 'build').exists()
    assert not pwned(here)


@pytest.mark.eda
@pytest.mark.parametrize(
    'nasty',
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in NASTY
        if name and '/' not in name
    ],
)
def test_a_place_of_that_name(here: Path, capsys: pytest.CaptureFixture[str], nasty: str) -> None:
    """Folders and files are the user's: a build there works, or says why it cannot, and runs nothing else."""
    place = here / nasty
    place.mkdir()
    (place / f'{nasty}.py').write_text(NET)
    config = CONFIG.replace('"python:net.py:net"', json_text(f'python:{nasty}.py:net'))
    (place / f'{nasty}.yaml').write_text(config.replace('results.sqlite', json_text(nasty)[1:-1] + '.sqlite'))
    simulator = ['--set', 'simulate={tool: icarus, samples: 4}'] if shutil.which('iverilog') else []
    code = run(['build', *simulator, '--', str(place / f'{nasty}.yaml')])
    said = capsys.readouterr().err
    assert 'Traceback' not in said
    assert 'bug of da4ml-flow' not in said
    if code:
        assert code in (2, 3), said
        assert 'error[DA' in said, said
    assert (code == 0) == (nasty in WORKING), said
    assert not pwned(here), said


def json_text(text: str) -> str:
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n') + '"'


WORKING = [name for name in NASTY if '\n' not in name]  # the URL of a database has no newline


@pytest.fixture
def rtl(tmp_path: Path) -> Path:
    bit = PortField(0, 0, Quantization(FixedType(False, 1, 0)))
    text = 'module wire_top (input wire x, output wire y);\n  assign y = x;\nendmodule\n'
    bundle = RtlBundle('wire_top', 'verilog', {'wire_top.v': text}, (), (bit,), (bit,), False, 0)
    core_file.write_core(bundle, 'wire', tmp_path / 'rtl')
    return tmp_path / 'rtl'


# options of our plugins, which `fusesoc run` hands on from its command line -> the target
OPTIONS = {
    'synth': ('family',),
    'pnr': ('family', 'device', 'package', 'speed', 'clock_mhz', 'seeds', 'keep_module'),
    'vivado': ('part', 'clock_ns', 'clock_port', 'last_step', 'synth_directive', 'place_directive', 'route_directive'),
    'quartus': ('part', 'clock_ns', 'clock_port', 'mode'),
    'prove': ('reference', 'gold', 'gate', 'latency_cycles', 'limit_s'),
}


@pytest.mark.parametrize(
    ('target', 'option'),
    [
        pytest.param(target, option, marks=() if number == 0 else pytest.mark.slow)
        for target, options in OPTIONS.items()
        for number, option in enumerate(options)
    ],
)
def test_our_plugins_refuse_it(rtl: Path, tmp_path: Path, target: str, option: str) -> None:
    """They do not rely on who called them: `fusesoc run` may have."""
    good = {'part': 'xcvu13p-flga2577-2-e'} if target in ('vivado', 'quartus') else {}
    if target == 'prove':
        good = {'reference': 'reference.v', 'gold': 'gold', 'gate': 'gate'}
    for number, nasty in enumerate((*QUICK, 'a[exec touch pwned]', '../pwned')):
        if nasty == '../pwned' and option == 'reference':
            continue  # a file may be there
        with pytest.raises(Da4mlError, match='cannot set up target'):
            fusesoc.configure(
                core_file.load_core_name(rtl),
                target,
                cores=(rtl, core_file.ip_root()),
                directory=tmp_path / f'run{number}',
                options={**good, option: nasty},
            )
    assert not pwned(tmp_path)


@pytest.mark.parametrize('target', ['synth', 'vivado', 'quartus', 'prove', 'ghdl'])
def test_our_plugins_refuse_file_names(rtl: Path, tmp_path: Path, target: str) -> None:
    """Files of a user's own core go into the same scripts."""
    by_us = 0
    for number, nasty in enumerate(NASTY):
        if '/' in nasty or not nasty or nasty == '-a':
            continue
        core = rtl / 'user.core'
        (rtl / f'{nasty}.v').write_text('')
        tool = 'da4mlyosys' if target == 'synth' else f'da4ml{target}'
        kind = 'vhdlSource-2008' if target == 'ghdl' else 'verilogSource'
        options: dict[str, str] = {'tool': tool, **({'part': 'xcvu13p'} if target in ('vivado', 'quartus') else {})}
        if target == 'prove':
            options |= {'reference': 'reference.v', 'gold': 'gold', 'gate': 'gate'}
        data = {
            'name': 'user::odd:1',
            'filesets': {'rtl': {'files': [{f'{nasty}.v': {'file_type': kind}}]}},
            'targets': {
                'default': {
                    'flow': 'generic',
                    'flow_options': options,
                    'filesets': ['rtl'],
                    'toplevel': 'wire_top',
                }
            },
        }
        core.write_text(f'CAPI=2:\n{yaml.safe_dump(data)}')
        with pytest.raises(Da4mlError) as error:
            fusesoc.configure(
                'user::odd:1', 'default', cores=(rtl, core_file.ip_root()), directory=tmp_path / f'run{number}'
            )
        by_us += 'cannot be a name' in str(error.value)
        core.unlink()
        (rtl / f'{nasty}.v').unlink()
    assert by_us > 4  # FuseSoC, which reads conditions into names, refuses the rest
    assert not pwned(tmp_path)
