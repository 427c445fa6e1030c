"""Configurations that are right, and text of any kind: what comes out is a configuration or a ConfigError."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from da4ml_flow.config.load import key_paths, load_config
from da4ml_flow.config.model import BuildConfig
from da4ml_flow.config.schema import json_schema
from da4ml_flow.config.text import describe, plain_data, show
from da4ml_flow.errors import ConfigError

MINIMAL = 'name: jet\nmodel: {source: models/jet.keras}\n'


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / 'models').mkdir()
    (tmp_path / 'models' / 'jet.keras').write_bytes(b'')
    np.savez(tmp_path / 'data.npz', x=np.zeros((2, 3)), y=np.zeros(2))

    def write(text: str) -> Path:
        path = tmp_path / 'jet.yaml'
        path.write_text(text, encoding='utf-8')
        return path

    return write


def test_defaults_and_paths_from_the_files_folder(write, tmp_path, monkeypatch):
    path = write(MINIMAL)
    monkeypatch.chdir('/')
    loaded = load_config(path)
    assert loaded.config.model.source == tmp_path / 'models' / 'jet.keras'
    assert loaded.config.rtl.clock_ns == 5.0
    assert loaded.config.rtl.pipeline.max_levels == 4
    assert loaded.config.top == 'jet'
    assert loaded.config.synthesize is None
    assert loaded.root == tmp_path


def test_yaml_1_2_scalars(write):
    config = load_config(
        write(MINIMAL + 'rtl: {clock_ns: 25e-1, top: on}\nimplement: {seeds: [0x10, 0o17, 010]}\n')
    ).config
    assert config.rtl.clock_ns == 2.5
    assert config.rtl.top == 'on'
    assert config.implement is not None
    assert config.implement.seeds == (16, 15, 10)


def test_an_integer_is_a_number_but_a_number_is_no_integer(write):
    assert load_config(write(MINIMAL + 'rtl: {clock_ns: 4}\n')).config.rtl.clock_ns == 4.0
    with pytest.raises(ConfigError, match='expected an integer'):
        load_config(write(MINIMAL + 'simulate: {samples: 10.5}\n'))


def test_overrides_are_typed_and_reach_absent_sections(write):
    path = write(MINIMAL + 'lint: {}\nrtl: {clock_ns: 4.0}\n')
    overrides = ['rtl.clock_ns=2.5', 'implement.seeds=[3, 4]', 'lint=null', 'rtl.pipeline.max_levels=null']
    config = load_config(path, overrides).config
    assert config.rtl.clock_ns == 2.5
    assert config.implement is not None
    assert config.implement.seeds == (3, 4)
    assert config.lint is None
    assert config.rtl.pipeline.max_levels is None


@pytest.mark.parametrize(('limit', 'value'), [('stages', 4), ('max_delay_ns', 2.5), ('latency_ns', 30.0)])
def test_another_limit_replaces_the_default_of_adder_levels(write, limit, value):
    text = MINIMAL + f'rtl: {{pipeline: {{{limit}: {value}, output_registers: true}}}}\n'
    assert load_config(write(text)).config.rtl.pipeline.limits == {limit: value}
    assert load_config(write(MINIMAL), [f'rtl.pipeline.{limit}={value}']).config.rtl.pipeline.limits == {limit: value}


def test_two_limits_are_one_too_many(write):
    text = MINIMAL + 'rtl: {pipeline: {max_levels: 3, stages: 4}}\n'
    with pytest.raises(ConfigError, match='max_levels and stages are both limits') as caught:
        load_config(write(text))
    assert caught.value.problems[0].code == 'DA2007'
    assert load_config(write(text), ['rtl.pipeline.max_levels=null']).config.rtl.pipeline.limits == {'stages': 4}


def test_the_last_override_counts(write):
    assert load_config(write(MINIMAL), ['rtl.clock_ns=2', 'rtl.clock_ns=3']).config.rtl.clock_ns == 3


def test_environment_in_text_and_in_numbers(write):
    text = 'name: ${env:STEM}_v2\nmodel: {source: "models/${env:STEM}.keras"}\nsimulate:\n  samples: ${env:COUNT}\n'
    config = load_config(write(text), environment={'STEM': 'jet', 'COUNT': '20'}).config
    assert (config.name, config.simulate.samples) == ('jet_v2', 20)


def test_a_quoted_variable_stays_text(write):
    with pytest.raises(ConfigError, match="expected an integer, got the text '20'"):
        load_config(write(MINIMAL + 'simulate: {samples: "${env:COUNT}"}\n'), environment={'COUNT': '20'})


def test_anchors_and_aliases(write):
    text = 'name: &n jet\nmodel: {source: models/jet.keras}\nrtl: {top: *n}\n'
    assert load_config(write(text)).config.rtl.top == 'jet'


def test_aliases_of_aliases_do_not_explode(write):
    levels = ''.join(f'l{i}: &l{i} [{", ".join([f"*l{i - 1}"] * 10)}]\n' for i in range(1, 12))
    with pytest.raises(ConfigError, match='more than 100000 values'):
        load_config(write(f'l0: &l0 [1]\n{levels}'))


def test_deep_nesting_is_an_error(write):
    with pytest.raises(ConfigError):
        load_config(write('a: ' + '[' * 3000 + ']' * 3000))


def test_show_marks_where_values_come_from(write):
    text = show(load_config(write(MINIMAL + 'rtl: {clock_ns: 4.0}\n'), ['name=top_quark']))
    assert 'name: top_quark  # from --set\n' in text
    assert '  source: models/jet.keras\n' in text
    assert '  clock_ns: 4.0\n' in text
    assert '    max_levels: 4  # default\n' in text


@pytest.mark.parametrize('render', [describe, lambda config, root: show(load_config(root / 'jet.yaml'))])
def test_rendered_text_is_the_same_configuration(write, tmp_path, render):
    text = MINIMAL + 'rtl: {top: yes}\nlint: {}\nimplement: {seeds: [1, 2]}\nresults: {database: null}\n'
    text += 'simulate: {samples: 7}\n'
    config = load_config(write(text)).config
    assert load_config(write(render(config, tmp_path))).config == config


def test_plain_data_does_not_depend_on_the_place(write, tmp_path):
    data = plain_data(load_config(write(MINIMAL)).config, tmp_path)
    keys = {'source': 'models/jet.keras', 'weights': None, 'input_type': None, 'softmax': 'drop', 'dataset': None}
    assert data['model'] == keys
    json.dumps(data)


def test_schema_has_every_key_with_a_description():
    schema = json_schema()
    assert schema['required'] == ['name', 'model']
    assert schema['additionalProperties'] is False
    sections = {'': schema, **schema['$defs']}
    for section in sections.values():
        for key, value in section['properties'].items():
            assert value.get('description'), key
    keys = {path[-1] for path in key_paths()}
    assert keys == {key for section in sections.values() for key in section['properties']}


def test_a_very_long_line_is_cut(write):
    with pytest.raises(ConfigError) as caught:
        load_config(write(MINIMAL + f'rtl: {{top: "{"x" * 5000}"}}\n'))
    assert max(len(line) for line in str(caught.value).splitlines()) < 150


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_mutation_gives_a_configuration_or_a_located_error(write, data):
    text = (
        'name: jet\nmodel:\n  source: models/jet.keras\n  dataset: {path: data.npz, inputs: x, labels: y}\n'
        'optimizer: {device: xilinx-us+, extra_depth: 2, effort: balanced}\n'
        'rtl: {language: verilog, clock_ns: 5.0, pipeline: {max_levels: 3}}\nsimulate: {samples: 20}\n'
    )
    position = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 12))
    alphabet = st.sampled_from([*'abz:{}[]&*!|>\'"%@`-?,# \t\n0.~<\x85\u2028é', '${env:X}', '<<'])
    inserted = ''.join(data.draw(st.lists(alphabet, max_size=6)))
    path = write(text[:position] + inserted + text[position + length :])
    error = None
    try:
        assert isinstance(load_config(path, environment={}).config, BuildConfig)
    except ConfigError as caught:
        error = caught
    for problem in error.problems if error is not None else ():
        assert problem.code.startswith('DA20')
        assert problem.location is not None
        assert problem.location.path == str(path)
        assert str(problem)


@pytest.mark.parametrize(
    ('text', 'operands'),
    [
        ('', 3),
        ('optimizer: {max_operands: auto}', 3),
        ('optimizer: {max_operands: 2}', 2),
        ('optimizer: {device: ecp5, max_operands: auto}', 2),
        ('optimizer: {device: ecp5, max_operands: 3}', 3),
        ('optimizer: {max_operands: auto}\nrtl: {language: vhdl}', 3),
    ],
)
def test_adders_of_three_operands_where_they_pay(write, text, operands):
    assert load_config(write(f'{MINIMAL}{text}\n')).config.max_operands == operands


@pytest.mark.parametrize('url', ['postgresql://me:secret@db/runs', 'postgresql://db/runs?user=me&password=secret'])
def test_a_password_is_not_kept_with_every_run(tmp_path, url):
    (tmp_path / 'm.keras').write_bytes(b'')
    text = f'name: jet\nmodel: {{source: m.keras}}\nresults: {{database: "{url}"}}\n'
    (tmp_path / 'jet.yaml').write_text(text)
    with pytest.raises(ConfigError, match='a password in it would be kept'):
        load_config(tmp_path / 'jet.yaml')
    (tmp_path / 'jet.yaml').write_text(text.replace(':secret', '').replace('&password=secret', ''))
    assert load_config(tmp_path / 'jet.yaml').config.results.database is not None
