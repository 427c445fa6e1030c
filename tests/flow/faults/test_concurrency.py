"""Builds at once in one tree: each result is made once, and every build ends as if it had been alone."""

import json

import pytest
from fault_project import CONFIG, SYNTHESIS, Project, clear, no_orphans

pytestmark = pytest.mark.eda


def results(project: Project, variants: list[tuple[str, ...]], *options: str) -> list[dict]:
    """What builds of variants, all at once, say of themselves."""
    processes = [
        project.start('--json', *options, *(word for item in variant for word in ('--set', item)))
        for variant in variants
    ]
    outputs = [process.communicate(timeout=300) for process in processes]
    for process, (_, said) in zip(processes, outputs, strict=True):
        assert process.returncode == 0, said
        assert 'Traceback' not in said
    return [json.loads(out) for out, _ in outputs]


def made(builds: list[dict]) -> dict[str, int]:
    """How often each stage really ran, by its key."""
    count: dict[str, int] = {}
    for build in builds:
        for stage in build['stages']:
            name = f'{stage["stage"]}-{stage["key"][:8]}'
            count[name] = count.get(name, 0) + (not stage['cached'])
    return count


def test_the_same_and_different_builds_at_once(project: Project) -> None:
    deeper = ('rtl.pipeline.max_levels=1',)
    builds = results(project, [(), (), deeper], '--until', 'lint')
    assert set(made(builds).values()) == {1}
    first, second, other = ([stage['key'] for stage in build['stages']] for build in builds)
    assert first == second != other
    assert first[0] == other[0]
    no_orphans(project.root)
    project.goes_on('collect')


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['same', 'different', 'mixed'])
def test_many_builds_at_once(project: Project, kind: str) -> None:
    project.write(CONFIG + SYNTHESIS)
    levels = {'same': [3] * 6, 'different': [1, 2, 3, 4, 5, 6], 'mixed': [1, 1, 2, 2, 3, 3]}[kind]
    builds = results(project, [(f'rtl.pipeline.max_levels={level}',) for level in levels])
    assert set(made(builds).values()) == {1}
    for level, build in zip(levels, builds, strict=True):
        alone = results(project, [(f'rtl.pipeline.max_levels={level}',)])[0]
        assert alone['reused']
        assert alone['metrics']['luts'] == build['metrics']['luts']
    assert len({build['run_id'] for build in builds}) == len(builds)


@pytest.mark.slow
def test_a_build_that_waits_goes_on_when_the_other_dies(project: Project) -> None:
    """The lock ends with the process that holds it."""
    project.write(CONFIG + SYNTHESIS)
    assert project.build('--until', 'lint') == 0
    first = project.start('--until', 'synthesize')
    while not list((project.root / 'build' / 'net').glob('synthesize-*.work')):
        assert first.poll() is None
    second = project.start('--until', 'synthesize')
    for line in second.stderr:
        if 'waiting for another build' in line:
            break
    first.kill()
    first.communicate()
    _, said = second.communicate(timeout=120)
    assert second.returncode == 0, said
    no_orphans(project.root)


@pytest.mark.slow
def test_two_builds_that_fail_at_once(project: Project) -> None:
    """The same error twice, and the next build goes on."""
    source = project.root / 'net.py'
    text = source.read_text()
    source.write_text(text.replace('return', 'return 1 /'))
    processes = [project.start('--until', 'emit') for _ in range(2)]
    for process in processes:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 2, said
        clear(said)
    source.write_text(text)
    assert project.build('--until', 'emit') == 0
