"""What a comparison looks like: table, Markdown, JUnit XML, SARIF, annotations of GitHub."""

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from da4ml_flow.errors import ToolFailed
from da4ml_flow.regress.junit import junit_xml
from da4ml_flow.regress.render import github_annotations, headline, json_data, markdown, notes, rows
from da4ml_flow.regress.sarif import sarif_text


@pytest.fixture
def found(compared):
    rules = {
        'accuracy': {'value': 95.5},
        'adders': {'value': 1000},
        'depth': {'value': 3, 'level': 'warning'},
        'luts': {'value': 5},
        'ops': {'value': 10},
    }
    figures = {'accuracy': 95.5, 'adders': 1100, 'depth': 4, 'ops': 8, 'ii': 1, 'trace_s': 1.0}
    return compared(rules, figures, {'program': 'b'}, hashes={'program': 'a' * 64})


def test_rows(found):
    assert rows(found) == (
        ('accuracy', '>= 95.5', '95.5 %', '', 'ok'),
        ('adders', '<= 1,000', '1,100', '+100 (+10.00 %)', 'worse'),
        ('depth', '<= 3', '4 levels', '+1 (+33.33 %)', 'worse (warning)'),
        ('luts', '<= 5', '', '', 'missing'),
        ('ops', '<= 10', '8', '-2 (-20.00 %)', 'better'),
    )
    assert headline(found) == 'tiny.base: regression in adders, luts; first change: stage trace (its program)'
    assert notes(found) == [
        'adders: 1,100 is not <= 1,000',
        'depth: 4 levels is not <= 3',
        'luts: not measured by this build',
        'measured without a rule: ii/trace',  # the time of this machine is left out
        'some figures improved: --tighten takes them into the baseline',
    ]


def test_markdown(found):
    lines = markdown([found, found]).splitlines()
    assert lines.count('| metric | baseline | now | change | verdict |') == 2
    assert '| adders | \\<= 1,000 | 1,100 | +100 (+10.00 %) | **worse** |' in lines
    assert '| depth | \\<= 3 | 4 levels | +1 (+33.33 %) | worse (warning) |' in lines


def test_json(found):
    data = json.loads(json.dumps(json_data(found)))
    assert (data['status'], data['exit_code'], data['first_change']) == ('regression', 1, 'trace')
    assert [check['verdict'] for check in data['checks']] == ['ok', 'worse', 'worse', 'missing', 'better']
    assert [metric['name'] for metric in data['new']] == ['ii', 'trace_s']


def test_junit(found, compared):
    failed = compared({'adders': {'value': 1}}, {}, errors=[ToolFailed('broken \x1b[31m <pipe>')])
    root = ElementTree.fromstring(junit_xml([found, failed]).encode())
    assert root.tag == 'testsuites'
    for suite in root:
        cases = suite.findall('testcase')
        assert int(suite.get('tests')) == len(cases)
        assert int(suite.get('failures')) == len(suite.findall('testcase/failure'))
        assert int(suite.get('errors')) == len(suite.findall('testcase/error'))
        assert all(len(case) <= 1 for case in cases)
    for total in ('tests', 'failures', 'errors'):
        assert int(root.get(total)) == sum(int(suite.get(total)) for suite in root)
    first, second = root
    assert [case.get('name') for case in first if case.find('failure') is not None] == ['adders', 'luts']
    assert 'first change: stage trace' in first.find('testcase/failure').text
    assert first.find("testcase[@name='depth']/system-out").text.startswith('warning: 4 levels')
    assert second.find('testcase/error').get('message') == 'broken ?[31m <pipe>'


def test_sarif(found, compared, tmp_path):
    failed = compared({'adders': {'value': 1}}, {'adders': 1}, errors=[ToolFailed('broken')])
    data = json.loads(sarif_text([found, failed], tmp_path))
    assert set(data) == {'$schema', 'version', 'runs'}
    assert data['version'] == '2.1.0'
    (run,) = data['runs']
    assert run['columnKind'] == 'unicodeCodePoints'
    rules = run['tool']['driver']['rules']
    assert [result['ruleId'] for result in run['results']] == [
        'metric-regression', 'metric-regression', 'metric-missing', 'build-failed',
    ]  # fmt: skip
    assert [result['level'] for result in run['results']] == ['error', 'warning', 'error', 'error']
    for result in run['results']:
        assert rules[result['ruleIndex']]['id'] == result['ruleId']
        assert result['message']['text']
        (place,) = result['locations']
        assert place['physicalLocation']['artifactLocation']['uri'] == 'tiny.base.json'
        assert place['physicalLocation']['region']['startLine'] >= 1


def test_annotations(found, tmp_path, compared):
    lines = list(github_annotations([found], {'GITHUB_WORKSPACE': str(tmp_path)}))
    assert [line.split(' ')[0] for line in lines] == ['::error', '::warning', '::error']
    assert lines[0] == (
        '::error file=tiny.base.json,line=1,title=tiny.base%3A adders::'
        'adders: 1,100 is not <= 1,000; first change: stage trace (its program)'
    )
    failed = compared({'adders': {'value': 1}}, {'adders': 1}, errors=[ToolFailed('50 %\nbroken')])
    (line,) = github_annotations([failed], {'GITHUB_WORKSPACE': str(tmp_path)})
    assert line.endswith('::error[DA2103]: 50 %25%0Abroken')


def schema_file(variable: str) -> Path:
    """The official schemas are not ours to ship: the environment names copies of them (docs/regress.md)."""
    if not os.environ.get(variable):
        pytest.skip(f'{variable} names no file')
    return Path(os.environ[variable])


def test_sarif_fits_its_schema(found, compared, tmp_path):
    validators = pytest.importorskip('jsonschema').validators
    schema = json.loads(schema_file('DA4ML_SARIF_SCHEMA').read_text())
    failed = compared({'adders': {'value': 1}}, {'adders': 1}, errors=[ToolFailed('broken')])
    validator = validators.validator_for(schema)(schema)
    assert list(validator.iter_errors(json.loads(sarif_text([found, failed], tmp_path)))) == []
    assert list(validator.iter_errors(json.loads(sarif_text([], tmp_path)))) == []
    assert list(validator.iter_errors({'version': '2.1.0', 'runs': [{}]})), 'the schema refuses what has no tool'


def test_junit_fits_its_schema(found, compared):
    xmlschema = pytest.importorskip('xmlschema')
    schema = xmlschema.XMLSchema(str(schema_file('DA4ML_JUNIT_SCHEMA')))
    failed = compared({'adders': {'value': 1}}, {'adders': 1}, errors=[ToolFailed('broken'), ToolFailed('twice')])
    said_no = compared({'adders': {'value': 2}}, {'adders': 2}, no=['simulate'])
    text = junit_xml([found, failed, said_no])
    assert [error.reason for error in schema.iter_errors(text)] == []
    assert not schema.is_valid(text.replace('<testcase ', '<testsuites ').replace('</testcase>', '</testsuites>'))
    assert not schema.is_valid(text.replace(' tests=', ' count='))
