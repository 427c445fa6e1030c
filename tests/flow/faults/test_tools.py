"""Tools that die, hang, fill the disk or lie: a clear error, nothing else touched, and the next build goes on."""

from collections.abc import Callable

import pytest
from fault_project import CONFIG, SYNTHESIS, Project, clear, no_orphans

pytestmark = pytest.mark.eda

# what happens -> what the tool does instead of its work, and what the error says
FAULTS = {
    'killed': ('kill -KILL $$', ('make failed', 'Killed', 'make.log')),
    'killed with its children': ('sleep 600 & kill -KILL $$', ('make failed', 'Killed')),
    'segmentation fault': ('kill -SEGV $$', ('make failed', 'Segmentation fault')),
    'error': ('echo "%Error: net.v:3:1: no such thing" >&2; exit 1', ('net.v:3:1: no such thing',)),
    'error without a word': ('exit 7', ('make failed', 'Error 7')),
    'out of disk': ('echo "write error: No space left on device" >&2; exit 1', ('No space left on device',)),
    'out of memory': ('echo "terminate called after throwing std::bad_alloc" >&2; exit 134', ('bad_alloc',)),
    'garbage': (r'head -c 100000 /dev/zero | tr "\0" "\377"; exit 1', ('make failed',)),
}


QUICK = ('killed', 'error', 'out of disk')


@pytest.mark.parametrize(
    'fault', [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in FAULTS]
)
def test_a_tool_that_fails(project: Project, stand_in: Callable[[str, str], Callable[[], None]], fault: str) -> None:
    script, words = FAULTS[fault]
    project.build('--until', 'emit')
    before = project.snapshot()
    heal = stand_in('verilator', script)
    assert project.build() == 3
    clear(project.said, *words)
    assert project.stages['lint'] == ('failed', False)
    assert project.stages['collect'] == ('ok', False)  # it needs no lint
    assert project.snapshot().items() >= before.items()
    no_orphans(project.root)
    heal()
    project.goes_on('lint')


def test_a_tool_that_hangs(project: Project, stand_in: Callable[[str, str], Callable[[], None]]) -> None:
    project.write(CONFIG.replace('lint: {tool: verilator}\n', '') + SYNTHESIS.replace('120', '1'))
    heal = stand_in('pyosys', 'sleep 600 & sleep 600')
    assert project.build() == 3
    clear(project.said, 'was stopped after 1 s', 'raise the timeout')
    no_orphans(project.root)
    heal()
    project.write(CONFIG.replace('lint: {tool: verilator}\n', '') + SYNTHESIS)
    project.goes_on('synthesize')  # a timeout is not part of the key


def test_a_tool_that_may_not_be_run(project: Project, stand_in: Callable[[str, str], Callable[[], None]]) -> None:
    stand_in('verilator', 'echo "#!/nowhere/sh" > broken; chmod +x broken; ./broken')
    assert project.build() == 3
    clear(project.said, 'make failed', 'not found')
