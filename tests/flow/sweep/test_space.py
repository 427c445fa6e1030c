"""Axes, ranges, files, conditions and samples of a sweep."""

import itertools

import pytest

from da4ml_flow.config.load import with_values
from da4ml_flow.errors import ConfigError
from da4ml_flow.sweep.space import space_of


def points(loaded):
    return list(space_of(loaded, loaded.config.sweep).grid())


def test_a_grid_is_the_product_and_the_last_axis_runs_fastest(loaded_of):
    loaded = loaded_of('{axes: {optimizer.extra_depth: [0, 2, null], rtl.clock_ns: {from: 2, to: 3, step: 0.5}}}')
    expected = [
        {'optimizer.extra_depth': depth, 'rtl.clock_ns': clock}
        for depth, clock in itertools.product([0, 2, None], [2, 2.5, 3])
    ]
    assert points(loaded) == expected


def test_keys_with_a_comma_change_together(loaded_of):
    loaded = loaded_of('{axes: {"optimizer.extra_depth, rtl.clock_ns": [[0, 4], [2, 5]]}}')
    assert points(loaded) == [
        {'optimizer.extra_depth': 0, 'rtl.clock_ns': 4},
        {'optimizer.extra_depth': 2, 'rtl.clock_ns': 5},
    ]


def test_files_are_found_from_the_configuration(loaded_of, tmp_path):
    (tmp_path / 'models').mkdir()
    for name in ('b.keras', 'a.keras', 'c.txt'):
        (tmp_path / 'models' / name).write_text('')
    found = points(loaded_of('{axes: {model.source: {files: "models/*.keras"}}}'))
    assert [point['model.source'] for point in found] == ['models/a.keras', 'models/b.keras']


def test_conditions_see_defaults_and_keys_that_are_not_swept(loaded_of):
    axes = '{optimizer.extra_depth: [0, 1, 2, null], rtl.clock_ns: [4, 5]}'
    where = '["optimizer.extra_depth * 2 <= rtl.clock_ns - 1 and rtl.language == \'verilog\'"]'
    found = [tuple(point.values()) for point in points(loaded_of(f'{{axes: {axes}, where: {where}}}'))]
    assert found == [(0, 4), (0, 5), (1, 4), (1, 5), (2, 5)]


def test_a_sample_has_different_points_and_repeats_with_its_seed(loaded_of):
    loaded = loaded_of('{axes: {optimizer.extra_depth: {from: 0, to: 9}, rtl.clock_ns: {from: 1, to: 10}}}')
    space = space_of(loaded, loaded.config.sweep)
    first = [tuple(point.values()) for point in space.sample(30, 7)]
    assert first == [tuple(point.values()) for point in space.sample(30, 7)]
    assert first != [tuple(point.values()) for point in space.sample(30, 8)]
    assert len(set(first)) == 30
    assert len(list(space.sample(1000, 7))) == 100


def test_the_loaded_configuration_stays_as_it_was(loaded_of):
    loaded = loaded_of('{axes: {rtl.pipeline.max_levels: [1]}}', 'rtl: {clock_ns: 3}\n')
    config = with_values(loaded, {'rtl.pipeline.max_levels': 1, 'optimizer.effort': 'fast'})
    assert (config.rtl.clock_ns, config.rtl.pipeline.max_levels, config.optimizer.effort) == (3, 1, 'fast')
    assert config.sweep is None
    assert 'pipeline' not in loaded.data['rtl']
    assert 'optimizer' not in loaded.data


MISTAKES = {
    '{optimizer.extra_dpth: [1]}': ("optimizer.extra_dpth: unknown key 'extra_dpth'", "did you mean 'extra_depth'?"),
    '{rtl.clock_ns: [5, "fast"]}': ("rtl.clock_ns: expected a number, got the text 'fast'", ''),
    '{rtl.clock_ns: {from: -1, to: 1}}': ('rtl.clock_ns: -1 must be greater than 0', ''),
    '{model.source: {files: "*.onnx"}}': ("no file fits '*.onnx'", ''),
    '{model.source: [other.keras]}': ('model.source: there is no file other.keras', ''),
}


@pytest.mark.parametrize('axes', MISTAKES)
def test_a_mistake_in_an_axis_is_found_before_anything_runs(axes, loaded_of):
    loaded = loaded_of(f'{{axes: {axes}}}')
    with pytest.raises(ConfigError) as caught:
        space_of(loaded, loaded.config.sweep)
    text, hint = MISTAKES[axes]
    assert text in str(caught.value)
    assert hint in str(caught.value)
    assert 'jet.yaml:3:' in str(caught.value)


SECTIONS = {
    '{axes: {}}': 'must not be empty',
    '{axes: {rtl.clock_ns: []}}': "axis 'rtl.clock_ns' has no values",
    '{axes: {rtl.clock_ns: 5}}': 'expected a list, {from, to, step} or {files}',
    '{axes: {rtl.clock_ns: {from: 5, to: 4}}}': 'from 5 to 4 by 1 is no range',
    '{axes: {results.database: [a]}}': "'results.database' cannot be swept",
    '{axes: {"rtl.clock_ns, rtl.top": [[1, a], [2]]}}': 'is a list of 2',
    '{axes: {"rtl.clock_ns": [1], "rtl.top, rtl.clock_ns": [[a, 1]]}}': "'rtl.clock_ns' is in two axes",
    '{axes: {rtl.clock_ns: [1]}, where: ["__import__(1)"]}': 'Call is not allowed in it',
    '{axes: {rtl.clock_ns: [1]}, where: ["rtl.clock_ns <"]}': 'it cannot be read',
    '{axes: {rtl.clock_ns: [1]}, strategy: random}': 'random needs samples',
    '{axes: {rtl.clock_ns: [1]}, samples: 3}': 'samples with a grid',
}


@pytest.mark.parametrize('section', SECTIONS)
def test_a_section_that_means_nothing_is_refused(section, loaded_of):
    with pytest.raises(ConfigError) as caught:
        loaded_of(section)
    assert SECTIONS[section] in str(caught.value)
