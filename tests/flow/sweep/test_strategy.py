"""Searches: Optuna finds the front with few points, and goes on where it stopped."""

import importlib.util

import pytest

from da4ml_flow.errors import FlowError
from da4ml_flow.sweep.campaign import Campaign
from da4ml_flow.sweep.pareto import front, vector

AXES = '{optimizer.extra_depth: {from: 0, to: 9}, rtl.clock_ns: {from: 1, to: 10}}'
SEARCH = f'{{axes: {AXES}, strategy: optuna, samples: 40, objectives: [accuracy, lut_estimate]}}'


@pytest.fixture
def search(plan_for, here, quiet):
    pytest.importorskip('optuna')

    def search(sweep=SEARCH):
        campaign = Campaign(plan_for(sweep), here(), lambda records: None, quiet())
        campaign.run()
        return campaign

    return search


def test_a_sample_builds_as_many_points_as_it_says(plan_for, here, quiet):
    campaign = Campaign(plan_for(f'{{axes: {AXES}, strategy: random, samples: 7}}'), here(), lambda _: None, quiet())
    campaign.run()
    assert (campaign.counts.total, campaign.counts.ok) == (7, 7)


def test_a_search_finds_points_of_the_front_with_less_than_half_of_the_grid(search):
    campaign = search()
    assert campaign.counts.ok == 40
    goals = campaign.plan.objectives
    # accuracy is 50 + depth, the estimate 100 + 10 depth + clock: the front of the grid is the clock of 1
    found = {vector(record.metrics, goals) for record in front(campaign.records, goals)}
    true_front = {(-(50.0 + depth), 101.0 + 10 * depth) for depth in range(10)}
    assert len(found & true_front) >= 3


def test_a_search_that_goes_on_asks_for_nothing_twice(search):
    short = SEARCH.replace('samples: 40', 'samples: 12')
    first = search(short.replace('strategy', 'budget: {points: 5}, strategy'))
    assert first.counts.made == 5
    second = search(short)
    assert (second.counts.made, second.counts.reused) == (7, 5)
    assert search(short).counts.made == 0


@pytest.mark.skipif(importlib.util.find_spec('optuna') is not None, reason='Optuna is installed')
def test_without_optuna_the_error_says_how_to_get_it(plan_for):
    with pytest.raises(FlowError, match='needs Optuna') as caught:
        plan_for(SEARCH)
    assert 'da4ml-flow[sweep]' in caught.value.hint
