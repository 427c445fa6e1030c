"""The cache of runs of Vivado, change by change: exactly these stages, and within them these steps, run again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from da4ml_flow.cli.main import run
from da4ml_flow.runner import keys

CONFIG = """\
name: vmodel
model: {source: "python:net.py:net"}
rtl: {pipeline: {max_levels: 1}}
synthesize: {tool: vivado, part: xcvu13p-flga2577-2-e}
implement: {tool: vivado, part: xcvu13p-flga2577-2-e}
results: {database: null}
"""
NET = "def net(x: 'fixed<3,4>[4]'):\n    return x @ [[1.0, -0.5], [0.75, 2.0], [0.0, 1.5], [-1.25, 0.25]]\n"
BOTH = ('synthesize', 'implement')
# what was changed -> stages that run again; a text and its new one, a module of ours, or a version
CHANGES = {
    'nothing': ((), ('rtl:', 'rtl:')),
    'a comment': ((), ('rtl:', '# more\nrtl:')),
    'the report script': (BOTH, 'edalize.tools.da4mlvivado'),
    'the parser of timing': (BOTH, 'da4ml_flow.eda.parsers.vivado_timing'),
    "the parser of Quartus' timing": ((), 'da4ml_flow.eda.parsers.quartus_timing'),
    'the script for Yosys': ((), 'edalize.tools.da4mlyosys'),
    'the module of Verilator': ((), 'da4ml_flow.eda.backends.verilator'),
    'the version': (BOTH, '2024.2'),
    'the directive of placement': (('implement',), ('2-e}\nres', '2-e, directives: {place: Explore}}\nres')),
    'the strategy of synthesis': (('synthesize',), ('2-e}\nimp', '2-e, strategy: area}\nimp')),
    'retiming': (('synthesize',), ('2-e}\nimp', '2-e, retiming: true}\nimp')),
    'the part of the implementation': (('implement',), ('2-e}\nres', '1-e}\nres')),
    'the clock': ((*BOTH, 'collect'), ('rtl: {', 'rtl: {clock_ns: 4.0, ')),
    'the clock that must be met': (('implement',), ('2-e}\nres', '2-e, clock_ns: 5.0}\nres')),
    'a timeout': ((), ('2-e}\nres', '2-e, timeout_s: 60}\nres')),
}


QUICK = ('nothing', 'the report script', 'the version', 'the directive of placement')


@pytest.mark.parametrize(
    'change', [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CHANGES]
)
def test_exactly_these_stages_run_again(
    vivado: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: str,
) -> None:
    config = tmp_path / 'vmodel.yaml'
    config.write_text(CONFIG)
    (tmp_path / 'net.py').write_text(NET)

    def build() -> list[str]:
        assert run(['build', str(config), '--json']) == 0
        stages = json.loads(capsys.readouterr().out)['stages']
        return [stage['stage'] for stage in stages if not stage['cached']]

    assert build() == ['trace', 'emit', *BOTH, 'collect']
    expected, how = CHANGES[change]
    if isinstance(how, tuple):
        assert CONFIG.count(how[0]) == 1
        config.write_text(CONFIG.replace(*how))
    elif how[0].isdigit():
        monkeypatch.setenv('VIVADO_STUB_VERSION', how)
        (tmp_path / 'cache' / 'da4ml-flow' / 'tools.json').unlink()  # the same file, which says otherwise
    else:
        digest: Callable[[str], str] = keys._package_digest
        keys.code_digest.cache_clear()
        monkeypatch.setattr(keys, '_package_digest', lambda name: digest(name) + ('changed' if name == how else ''))
    try:
        assert build() == [*expected]
    finally:
        keys.code_digest.cache_clear()
