"""The command line from the inside: what goes to stdout and stderr, and the exit code, of every command."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx_writer import OnnxFile

from da4ml_core.ir.serialize import load_program, save_program
from da4ml_core.ir.text import parse_program
from da4ml_core.trace import Tracer
from da4ml_flow.cli.convert import identifier
from da4ml_flow.cli.main import COMMANDS, cli, run
from da4ml_flow.errors import ToolNotFound

DIGITS = Path(__file__).parents[3] / 'configs' / 'digits'
CONFIG = """\
name: digits
model:
  source: digits.keras
  dataset: {path: digits_test.npz, labels: y}
"""


@pytest.fixture
def digits(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('DA4ML_FLOW_DB', raising=False)
    for name in ('digits.keras', 'digits_test.npz'):
        shutil.copy(DIGITS / name, tmp_path)
    Path('digits.yaml').write_text(CONFIG)
    return tmp_path


@pytest.fixture
def program(tmp_path) -> Path:
    """y = (x0 - 3 x1, x0 + x1) of two signed numbers with a fractional bit."""
    tracer = Tracer('tiny')
    x = tracer.input((2,))
    y = x.quantize(True, 3, 1) @ np.array([[1, 1], [-3, 1]])
    path = tmp_path / 'tiny.json.gz'
    save_program(tracer.finish(y), path)
    return path


def test_help_names_every_command(capsys):
    assert run(['--help']) == 0
    out = capsys.readouterr().out
    assert all(f'  {name} ' in out for name in COMMANDS)


@pytest.mark.parametrize('name', COMMANDS)
def test_every_command_has_help_that_begins_as_the_list_says(name, capsys):
    assert run([name, '--help']) == 0
    assert 'Usage: da4ml-flow' in capsys.readouterr().out
    assert cli.get_command(None, name).name == name


def test_an_unknown_command(capsys):
    assert run(['biuld']) == 2
    assert "did you mean 'build'?" in capsys.readouterr().err


def test_an_unknown_option(capsys):
    assert run(['build', '--forse', 'lint', 'x.yaml']) == 2
    assert '--force' in capsys.readouterr().err


def test_build_then_nothing_to_do_then_report(digits, capsys):
    assert run(['build', 'digits.yaml', '--until', 'emit']) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith('digits: ok\n')
    assert 'adders' in captured.out
    assert 'trace' in captured.err
    assert run(['build', 'digits.yaml', '--until', 'emit']) == 0
    captured = capsys.readouterr()
    assert 'nothing to do: run ' in captured.err
    uid = captured.err.split('run ')[-1].split()[0]
    assert run(['report', '--config', 'digits.yaml', '--json']) == 0
    (reported,) = json.loads(capsys.readouterr().out)
    assert reported['uid'] == uid
    assert run(['report']) == 0  # results/da4ml.sqlite is here
    assert uid in capsys.readouterr().out
    assert run(['report', uid[:6]]) == 0
    assert 'latency_cycles' in capsys.readouterr().out
    assert run(['report', 'nonsense']) == 2
    shutil.rmtree('results')  # a lost database is made again
    assert run(['build', 'digits.yaml', '--until', 'emit']) == 0
    capsys.readouterr()
    assert run(['report', '--json']) == 0
    assert [item['uid'] for item in json.loads(capsys.readouterr().out)] == [uid]


def test_build_json_is_one_object_alone_on_stdout(digits, capsys):
    assert run(['build', 'digits.yaml', '--until', 'emit', '--json', '--set', 'results.database=null']) == 0
    captured = capsys.readouterr()
    data = json.loads(captured.out)
    assert {'run_id', 'name', 'status', 'stages', 'metrics', 'artifacts'} <= set(data)
    assert [stage['stage'] for stage in data['stages']] == ['trace', 'emit']
    assert data['metrics']['adders'][0]['value'] > 100
    assert Path(data['artifacts']['program']).is_file()
    assert Path(data['artifacts']['rtl'], 'interface.json').is_file()
    assert not Path('results').exists()


def test_the_database_of_the_environment(digits, capsys, monkeypatch):
    monkeypatch.setenv('DA4ML_FLOW_DB', 'sqlite:///elsewhere.sqlite')
    assert run(['build', 'digits.yaml', '--until', 'trace']) == 0
    assert Path('elsewhere.sqlite').is_file()
    assert not Path('results').exists()
    monkeypatch.setenv('DA4ML_FLOW_DB', 'mysql://db')
    assert run(['report']) == 2
    assert 'not the URL of a results database' in capsys.readouterr().err


def test_a_database_that_fails_does_not_lose_the_run(digits, capsys):
    Path('results').write_text('')
    assert run(['build', 'digits.yaml', '--until', 'trace']) == 2
    captured = capsys.readouterr()
    assert 'digits: ok' in captured.out
    assert 'the run is not in the database' in captured.err
    (record,) = Path('build/digits/runs').iterdir()
    assert f'its record is {record.name}' in captured.err


def test_accuracy_is_of_the_interpreter(digits, capsys):
    assert run(['build', 'digits.yaml', '--json']) == 0
    data = json.loads(capsys.readouterr().out)
    archive = np.load('digits_test.npz')
    assert run(['predict', 'digits.keras', 'digits_test.npz', '--output', 'out.npz']) == 0
    expected = 100 * np.mean(np.load('out.npz')['y'].argmax(axis=1) == archive['y'])
    assert data['metrics']['accuracy'][0]['value'] == pytest.approx(expected, abs=1e-6)
    assert expected >= 95


def test_mistakes_end_with_2_and_leave_nothing(digits, capsys):
    for arguments, message in (
        (['build', 'digits.yml'], "did you mean 'digits.yaml'?"),
        (['build', 'digits.yaml', '--set', 'rtl.clok_ns=3'], "did you mean 'clock_ns'?"),
        (['build', 'digits.yaml', '--until', 'emmit'], "there is no stage 'emmit'"),
        (['build', 'digits.yaml', '--force', 'x'], "there is no stage 'x'"),
        (['config', 'check', 'digits.yaml', '--set', 'model.source=digit.keras'], "did you mean 'digits.keras'?"),
    ):
        assert run(arguments) == 2
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.err.startswith('error[DA2')
        assert 'Traceback' not in captured.err
        assert captured.out == ''
    assert not Path('build').exists()


@pytest.mark.parametrize('damage', ['truncated', 'text', 'suffix'])
def test_a_broken_model_file(digits, capsys, damage):
    whole = Path('digits.keras').read_bytes()
    if damage == 'suffix':
        Path('digits.bin').write_bytes(whole)
        arguments = ['build', 'digits.yaml', '--set', 'model.source=digits.bin']
    else:
        Path('digits.keras').write_bytes(whole[: len(whole) // 2] if damage == 'truncated' else b'not a model')
        arguments = ['build', 'digits.yaml']
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert 'error[DA16' in captured.err
    assert 'digits.' in captured.err
    assert 'Traceback' not in captured.err
    assert not [path for path in Path('build/digits').iterdir() if path.name.startswith('trace')]


def test_a_missing_tool_ends_with_3_before_anything_runs(digits, capsys, monkeypatch):
    def absent(name):
        raise ToolNotFound(f'{name} is not installed', hint='pip install it')

    monkeypatch.setattr('da4ml_flow.eda.tools.find', absent)
    assert run(['build', 'digits.yaml', '--set', 'lint.tool=verilator']) == 3
    captured = capsys.readouterr()
    assert 'is not installed' in captured.err
    assert 'pip install it' in captured.err
    assert not Path('build').exists()


def test_a_bug_ends_with_70_and_names_the_file_with_the_traceback(digits, capsys, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError('impossible')

    monkeypatch.setattr('da4ml_flow.config.load.load_config', broken)
    assert run(['config', 'check', 'digits.yaml']) == 70
    err = capsys.readouterr().err
    assert 'this is a bug of da4ml-flow: RuntimeError: impossible' in err
    assert 'Traceback' not in err
    path = Path(err.split('with the file ')[1].strip())
    assert 'Traceback' in path.read_text()
    path.unlink()


def test_debug_shows_the_traceback(digits, capsys):
    assert run(['--debug', 'build', 'none.yaml']) == 2
    assert 'Traceback' in capsys.readouterr().err


def test_an_interrupt_ends_with_130(digits, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr('da4ml_flow.config.load.load_config', interrupted)
    assert run(['build', 'digits.yaml']) == 130
    assert 'interrupted' in capsys.readouterr().err


def test_config_commands(digits, capsys):
    assert run(['config', 'show', 'digits.yaml', '--set', 'rtl.clock_ns=4']) == 0
    assert '  clock_ns: 4.0  # from --set\n' in capsys.readouterr().out
    assert run(['config', 'show', 'digits.yaml', '--json']) == 0
    assert json.loads(capsys.readouterr().out)['model']['source'] == 'digits.keras'
    assert run(['config', 'check', 'digits.yaml']) == 0
    assert capsys.readouterr().out == 'digits.yaml: ok\n'
    assert run(['config', 'check', 'digits.yaml', '--json', '--set', 'nmae=x']) == 2
    data = json.loads(capsys.readouterr().out)
    assert data['ok'] is False
    assert [error['code'] for error in data['errors']] == ['DA2004']
    assert run(['config', 'schema']) == 0
    assert 'properties' in json.loads(capsys.readouterr().out)


def test_init_writes_a_configuration_that_is_right(digits, capsys):
    assert run(['init', 'digits.keras', '--dataset', 'digits_test.npz', '--output', 'new.yaml']) == 0
    text = Path('new.yaml').read_text()
    assert '  clock_ns: 5.0  # target clock period in ns\n' in text
    assert 'labels: "y"' in text
    assert run(['config', 'check', 'new.yaml']) == 0
    assert run(['init', 'digits.keras', '--output', 'new.yaml']) == 2
    assert 'the file is there already' in capsys.readouterr().err
    assert Path('new.yaml').read_text() == text
    assert run(['init', 'digit.keras', '--output', 'other.yaml']) == 2
    assert run(['init', 'digits.keras', '--name', '7 up', '--output', 'other.yaml']) == 2
    assert not Path('other.yaml').exists()


def test_init_of_a_float_model_needs_samples(digits, capsys):
    folder = Path(__file__).parents[3] / 'configs' / 'float_digits'
    for name in ('digits_float.keras', 'digits_float.npz'):
        shutil.copy(folder / name, name)
    assert run(['init', 'digits_float.keras', '--output', 'float.yaml']) == 2
    assert 'give samples to calibrate with' in capsys.readouterr().err
    assert run(['init', 'digits_float.keras', '--output', 'float.yaml', '--dataset', 'digits_float.npz']) == 0
    assert run(['build', 'float.yaml', '--until', 'trace']) == 0


def test_inspect_prints_a_configuration_that_builds(digits, capsys):
    assert run(['inspect', 'digits.keras', '--dataset', 'digits_test.npz']) == 0
    text = capsys.readouterr().out
    assert ' bits per ' in text
    _, _, config = text.partition('# a configuration to start from')
    Path('start.yaml').write_text(f'#{config}')
    assert run(['build', 'start.yaml', '--until', 'emit']) == 0
    capsys.readouterr()
    assert run(['inspect', 'digits.keras', '--json']) == 0
    data = json.loads(capsys.readouterr().out)
    assert data['supported'] is True
    assert data['adders'] > 0
    assert {'name', 'kind', 'shape', 'quantizers', 'bit_operations', 'supported', 'reason', 'hint'} == set(
        data['layers'][0]
    )


def test_inspect_says_no_to_what_is_not_supported(tmp_path, capsys):
    model = OnnxFile([1, 2])
    model.quant('x', 0.25, 4)
    model.add('Erf', model.last)
    path = model.write(tmp_path)
    assert run(['inspect', str(path)]) == 1
    text = capsys.readouterr().out
    assert 'no reader of its operation' in text
    assert 'not supported: 1 of 2 layers' in text
    assert 'a configuration to start from' not in text
    assert run(['inspect', str(tmp_path / 'absent.keras')]) == 2


def test_init_in_another_folder_and_without_names(digits, capsys):
    Path('configs').mkdir()
    np.savez('odd.npz', samples=np.zeros((3, 64)))
    assert run(['init', 'digits.keras', '--output', 'configs/new.yaml', '--json']) == 0
    assert json.loads(capsys.readouterr().out) == {'config': 'configs/new.yaml', 'name': 'digits'}
    assert run(['config', 'check', 'configs/new.yaml']) == 0
    assert run(['init', 'digits.keras', '--output', 'odd.yaml', '--dataset', 'odd.npz']) == 2
    assert 'its arrays: samples' in capsys.readouterr().err


def test_convert(program, tmp_path, capsys):
    out = tmp_path / 'rtl'
    assert run(['convert', str(program), str(out), '--json', '--max-levels', '1']) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts['top'] == 'tiny'
    assert facts['adders'] >= 2
    assert all(Path(file).is_file() for file in facts['files'])
    assert 'module tiny' in (out / 'tiny.v').read_text()
    assert run(['convert', str(program), str(out)]) == 2
    assert 'the folder is there already' in capsys.readouterr().err
    assert run(['convert', str(program), str(tmp_path / 'flat'), '--max-levels', '0']) == 0
    assert 'combinational' in capsys.readouterr().out
    assert run(['convert', str(program), str(tmp_path / 'staged'), '--json', '--stages', '3', '--device', 'ecp5']) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts['latency_cycles'], facts['stage_delay_ns'] > 0, facts['register_bits'] > 0) == (4, True, True)
    limits = ['--latency-ns', '20', '--clock-ns', '4.0']
    assert run(['convert', str(program), str(tmp_path / 'budget'), '--json', *limits]) == 0
    assert json.loads(capsys.readouterr().out)['latency_cycles'] == 5
    assert run(['convert', str(program), str(tmp_path / 'both'), '--stages', '3', '--max-delay-ns', '4']) == 2
    assert 'max_delay_ns and stages are limits of a pipeline' in capsys.readouterr().err


def test_convert_optimizes_and_shows_what_each_pass_made(program, tmp_path, capsys):
    dump = tmp_path / 'passes'
    command = ['convert', str(program), str(tmp_path / 'rtl'), '--dump-passes', str(dump), '--json']
    assert run(command) == 0
    adders = json.loads(capsys.readouterr().out)['adders']
    texts = sorted(dump.iterdir())
    assert texts[0].name == '00_read.txt'
    assert parse_program(texts[-1].read_text()).num_adders == adders
    assert run(['convert', str(program), str(tmp_path / 'again'), '--optimize', '--json']) == 0
    assert json.loads(capsys.readouterr().out)['adders'] == adders


def test_convert_to_programs_of_others_and_back(program, tmp_path, capsys):
    there, back = tmp_path / 'a.alir.json.gz', tmp_path / 'b.json.gz'
    assert run(['convert', str(program), str(there)]) == 0
    assert f'{there}: ' in capsys.readouterr().out
    assert run(['convert', str(there), str(back), '--json', '--optimize']) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts['files'] == [str(back)]
    assert load_program(back).num_ops == facts['ops']
    assert run(['convert', str(program), str(there)]) == 2
    assert 'the file is there already' in capsys.readouterr().err
    assert run(['convert', str(program), str(tmp_path / 'nowhere' / 'c.dais')]) == 2
    assert 'there is no such folder' in capsys.readouterr().err


def test_convert_to_vhdl(program, tmp_path, capsys):
    assert run(['convert', str(program), str(tmp_path / 'rtl'), '--language', 'vhdl', '--json']) == 0
    assert json.loads(capsys.readouterr().out)['language'] == 'vhdl'
    assert 'entity tiny is' in (tmp_path / 'rtl' / 'tiny.vhd').read_text()


def test_convert_to_cpp(program, tmp_path, capsys):
    out = tmp_path / 'hls'
    assert run(['convert', str(program), str(out), '--language', 'vitis', '--clock-ns', '4', '--json']) == 0
    facts = json.loads(capsys.readouterr().out)
    assert 'latency_cycles' not in facts
    assert {Path(file).name for file in facts['files']} >= {'tiny.h', 'tiny.cpp', 'tiny_test.cpp', 'vectors.txt'}
    assert 'create_clock -period 4\n' in (out / 'build.tcl').read_text()
    assert run(['convert', str(program), str(tmp_path / 'ac'), '--language', 'ac']) == 0
    assert 'tiny.cpp: function tiny, ' in capsys.readouterr().out


def test_build_of_cpp(digits, capsys):
    sections = ['lint', 'simulate', 'synthesize', 'implement']
    assert run(['build', 'digits.yaml', '--set', 'rtl.language=oneapi', '--set', 'lint={}']) == 2
    assert 'lint with rtl.language: oneapi, which is C++' in capsys.readouterr().err
    without = [part for section in sections for part in ('--set', f'{section}=null')]
    assert run(['build', 'digits.yaml', '--set', 'rtl.language=oneapi', *without]) == 0
    assert list(Path().glob('build/*/emit-*/rtl/*_kernel.cpp'))


@pytest.mark.eda
def test_build_with_a_wrapper_and_constraints(digits, capsys):
    sections = ['simulate', 'synthesize', 'implement']
    without = [part for section in sections for part in ('--set', f'{section}=null')]
    asked = ['rtl.wrapper.protocol=axi-stream', 'rtl.constraints.input_delay_ns=1', 'lint={}']
    options = [part for key in asked for part in ('--set', key)]
    assert run(['build', 'digits.yaml', *without, *options]) == 0
    (folder,) = Path().glob('build/*/emit-*/rtl')
    assert 's_axis_tdata' in (next(folder.glob('*_wrapper.v'))).read_text()
    assert '-period 5 [get_ports aclk]' in next(folder.glob('*.sdc')).read_text()
    capsys.readouterr()
    assert run(['build', 'digits.yaml', *options, '--set', 'rtl.wrapper.reset=true']) == 2
    assert 'reset with axi-stream' in capsys.readouterr().err
    assert run(['build', 'digits.yaml', *options, '--set', 'rtl.language=vitis']) == 2
    assert 'wrapper with language: vitis' in capsys.readouterr().err


def test_vhdl_without_ghdl_is_told_before_anything_runs(digits, capsys, monkeypatch):
    from da4ml_flow.eda import tools

    which = tools.shutil.which
    monkeypatch.setattr(
        tools.shutil, 'which', lambda program, **kw: None if program == 'ghdl' else which(program, **kw)
    )
    assert run(['build', 'digits.yaml', '--set', 'rtl.language=vhdl', '--set', 'simulate={}']) == 3
    error = capsys.readouterr().err
    assert 'ghdl is not installed' in error
    assert 'apt install ghdl' in error
    assert not list(Path().glob('build/*/trace*'))


def test_convert_that_fails_leaves_nothing(tmp_path, capsys):
    (tmp_path / 'broken.json').write_text('{}')
    assert run(['convert', str(tmp_path / 'broken.json'), str(tmp_path / 'rtl')]) == 2
    assert run(['convert', str(tmp_path / 'absent.json'), str(tmp_path / 'rtl')]) == 2
    assert run(['convert', str(tmp_path / 'broken.json'), str(tmp_path / 'rtl'), '--device', 'xilinx']) == 2
    assert [path.name for path in tmp_path.iterdir()] == ['broken.json']


@pytest.mark.parametrize(
    ('file', 'name'),
    [('jet.keras', 'jet'), ('jet-2.1.keras', 'jet_2_1'), ('7up.json.gz', 'model_7up'), ('é.keras', 'model')],
)
def test_names_from_files(file, name):
    assert identifier(Path('some.where', file)) == name


def test_predict(program, tmp_path, capsys):
    x = np.array([[1.0, 0.5], [-2.0, 3.5], [0.0, -4.0]])
    y = np.stack([x[:, 0] - 3 * x[:, 1], x[:, 0] + x[:, 1]], axis=1)
    data, out = tmp_path / 'data.npz', tmp_path / 'out.npz'
    np.savez(data, x=x, y=y, wrong=y + (np.arange(6).reshape(3, 2) == 1), labels=np.array(['a', 'b', 'c']))
    assert run(['predict', str(program), str(data)]) == 0
    assert capsys.readouterr().out == '-0.5 1.5\n-12.5 1.5\n12 -4\n'
    assert run(['predict', str(program), str(data), '--json', '--compare', 'y']) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts['y'] == y.tolist()
    assert (facts['compared'], facts['different']) == (6, 0)
    assert run(['predict', str(program), str(data), '--compare', 'wrong', '--output', str(out)]) == 1
    assert '1 of 6 elements differ' in capsys.readouterr().out
    np.testing.assert_array_equal(np.load(out)['y'], y)
    assert run(['predict', str(program), str(data), '--samples', '1', '--compare', 'y']) == 0
    for arguments, message in (
        (['--input', 'X'], "did you mean 'x'?"),
        (['--input', 'labels'], 'not numbers'),
        (['--output', str(tmp_path / 'data.npz' / 'y.npz')], 'a file where a folder is needed'),
    ):
        capsys.readouterr()
        assert run(['predict', str(program), str(data), *arguments]) == 2
        assert message in capsys.readouterr().err


def test_predict_of_several_outputs(tmp_path, capsys):
    tracer = Tracer('two')
    x = tracer.input((2,)).quantize(True, 3, 1)
    save_program(tracer.finish([x[::-1], x[:1]]), tmp_path / 'two.json')
    np.savez(tmp_path / 'data.npz', x=np.array([[1.0, 2.0]]))
    assert run(['predict', str(tmp_path / 'two.json'), str(tmp_path / 'data.npz')]) == 0
    assert capsys.readouterr().out == '2 1 1\n'


def test_doctor(capsys):
    assert run(['doctor', '--json']) in (0, 3)
    data = json.loads(capsys.readouterr().out)
    assert {'verilator', 'yosys', 'nextpnr-ecp5', 'fusesoc', 'edalize'} <= {tool['name'] for tool in data['tools']}
    assert run(['doctor']) == (0 if data['ok'] else 3)
    assert 'verilator' in capsys.readouterr().out


def test_a_model_that_cannot_be_read_is_shown_with_the_line_that_asks_for_it(digits, capsys):
    content = Path('digits.keras').read_bytes()
    Path('digits.keras').write_bytes(content[: len(content) // 2])
    assert run(['build', 'digits.yaml']) == 2
    error = capsys.readouterr().err
    assert 'note: asked for at digits.yaml:3:11 (model.source)' in error
    assert 'help: a .keras file is a zip archive; this one is cut off, or something else' in error


def test_a_program_takes_no_input_type(program, capsys):
    assert run(['convert', str(program), str(program.parent / 'out'), '--input-type', 'fixed<3,12>']) == 2
    assert 'a program has the types of its inputs' in capsys.readouterr().err
    assert not (program.parent / 'out').exists()
