"""Baseline files: what is read, what is refused and with which words, and what a change leaves alone."""

import json

import pytest

from da4ml_flow.errors import ConfigError, WorkspaceError
from da4ml_flow.regress.baseline import Tolerance, load_baseline, save_baseline

TEXT = """\
{
  "config": "tiny.yaml",
  "set": {"rtl.clock_ns": 4.0, "implement": null},
  "until": "emit",
  "rules": {
    "luts/synthesize/a/b": {"value": 7, "tolerance": "2 %", "level": "warning"},
    "adders": {"value": 502, "compare": "=="},
    "accuracy": {"value": 95.277778}
  },
  "hashes": {
    "program": "HASH"
  }
}
""".replace('HASH', 'a' * 64)


def test_a_baseline_is_read_with_its_defaults(write, tmp_path):
    baseline = load_baseline(write(TEXT))
    assert baseline.config == tmp_path / 'tiny.yaml'
    assert baseline.overrides == ('rtl.clock_ns=4.0', 'implement=null')
    assert baseline.until == 'emit'
    luts, adders, accuracy = baseline.rules
    assert (luts.metric, luts.compare, luts.tolerance, luts.level, luts.line) == (
        'luts', '<=', Tolerance(2, 'value'), 'warning', 6,
    )  # fmt: skip
    assert (adders.compare, adders.level, adders.tolerance) == ('==', 'error', Tolerance())
    assert accuracy.compare == '>='  # more is better


def test_saving_changes_the_lines_of_what_changed_alone(write):
    path = write(TEXT)
    save_baseline(load_baseline(path), {'adders': 499}, {'rtl': 'b' * 64, 'program': 'c' * 64})
    before, after = TEXT.splitlines(), path.read_text().splitlines()
    assert [line for line in after if line not in before] == [
        '    "adders": {"value": 499, "compare": "=="},',
        f'    "program": "{"c" * 64}",',
        f'    "rtl": "{"b" * 64}"',
    ]
    assert [item.name for item in path.parent.iterdir() if item.name.startswith('.')] == []
    again = path.read_text()
    save_baseline(load_baseline(path), {}, load_baseline(path).hashes)
    assert path.read_text() == again


def test_saving_through_a_link_keeps_the_link(write, tmp_path):
    link = tmp_path / 'link.json'
    link.symlink_to(write(TEXT))
    save_baseline(load_baseline(link), {'adders': 1}, {})
    assert link.is_symlink()
    assert json.loads((tmp_path / 'tiny.base.json').read_text())['rules']['adders']['value'] == 1


def test_saving_where_nothing_may_be_written(write, monkeypatch):
    def full(path, text):
        raise OSError(28, 'No space left on device', str(path))

    baseline = load_baseline(write(TEXT))
    monkeypatch.setattr('da4ml_flow.regress.baseline.write_durably', full)
    with pytest.raises(WorkspaceError):
        save_baseline(baseline, {}, {})
    assert baseline.path.read_text() == TEXT


@pytest.mark.parametrize(
    ('old', 'new', 'code', 'place', 'words'),
    [
        ('"value": 502', '"valu": 502', 'DA2004', ':7:16 (rules.adders.valu)', "did you mean 'value'?"),
        ('"value": 502, ', '', 'DA2005', ':7:5 (rules.adders)', "missing key 'value'"),
        ('"value": 502', '"value": "502"', 'DA2006', ':7:25 (rules.adders.value)', 'expected a number, or null'),
        ('"value": 502', '"value": true', 'DA2006', ':7:25 (rules.adders.value)', 'expected a number, or null'),
        ('"=="', '"<"', 'DA2006', ':7:41 (rules.adders.compare)', 'expected one of <=, >=, =='),
        ('"warning"', '"warn"', 'DA2006', '(rules.luts/synthesize/a/b.level)', 'expected one of error, warning'),
        ('"2 %"', '"2"', 'DA2006', '(rules.luts/synthesize/a/b.tolerance)', '"5 % of period"'),
        ('"2 %"', '-1', 'DA2006', '(rules.luts/synthesize/a/b.tolerance)', 'a number from 0 up'),
        ('"2 %"', '"2 % of period"', 'DA2006', ':6:54 ', 'in ns, the metric is in counts'),
        ('"adders"', '"addres"', 'DA2004', ':7:5 (rules.addres)', "did you mean 'adders'?"),
        ('"adders"', '"adders/trase"', 'DA2004', ':7:5 (rules.adders/trase)', "did you mean 'trace'?"),
        ('"adders"', '"accuracy"', 'DA2003', ':8:5 (rules.accuracy)', "key 'accuracy' is there twice"),
        ('"until": "emit"', '"until": "emmit"', 'DA2006', ':4:12 (until)', 'expected one of trace, emit'),
        ('"until"', '"untli"', 'DA2004', ':4:3 (untli)', "did you mean 'until'?"),
        ('"tiny.yaml"', '"tin.yaml"', 'DA2008', ':2:13 (config)', "there is no configuration 'tin.yaml'"),
        ('"tiny.yaml"', '3', 'DA2008', ':2:13 (config)', 'there is no configuration 3'),
        ('  "config": "tiny.yaml",\n', '', 'DA2005', ':1:1', "missing key 'config'"),
        ('a' * 64, 'abc', 'DA2006', ':11:16 (hashes.program)', '64 digits'),
        ('"program"', '"bitstream"', 'DA2004', ':11:5 (hashes.bitstream)', 'known: program, rtl, netlist'),
        ('502,', '502', 'DA2002', ':7:29', 'not JSON'),
        ('502', 'NaN', 'DA2002', 'tiny.base.json', 'NaN is not JSON'),
        ('{"value": 95.277778}', '95', 'DA2006', ':8:17 (rules.accuracy)', 'expected an object of keys'),
        (TEXT, '', 'DA2002', ':1:1', 'not JSON'),
        (TEXT, '[]', 'DA2006', ':1:1', 'expected an object of keys'),
        (TEXT, '{"config": "tiny.yaml", "rules": {}}', 'DA2006', '(rules)', 'a baseline without rules checks nothing'),
        (TEXT, '[' * 100_000, 'DA2002', 'tiny.base.json', 'not JSON'),
    ],
)
def test_a_mistake_is_shown_where_it_is(write, old, new, code, place, words):
    assert old in TEXT
    with pytest.raises(ConfigError) as caught:
        load_baseline(write(TEXT.replace(old, new)))
    message = str(caught.value)
    assert caught.value.exit_code == 2
    assert f'error[{code}]' in message
    assert place in message
    assert words in message


def test_every_mistake_is_told_at_once(write):
    with pytest.raises(ConfigError) as caught:
        load_baseline(write({'addres': {'value': 1}, 'luts': {'value': 'x', 'level': 'y'}}, untli='emit'))
    assert len(caught.value.problems) == 4


def test_a_file_that_is_not_there(write, tmp_path):
    write(TEXT)
    for name, words in (('tiny.bse.json', "did you mean '"), ('.', 'a folder, not a baseline')):
        with pytest.raises(ConfigError) as caught:
            load_baseline(tmp_path / name)
        assert words in str(caught.value)
    (tmp_path / 'latin.json').write_bytes(b'{"\xff": 1}')
    with pytest.raises(ConfigError, match='not UTF-8'):
        load_baseline(tmp_path / 'latin.json')
