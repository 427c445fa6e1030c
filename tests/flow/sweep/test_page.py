"""The page of a sweep in a real browser: hovering over a point shows its values, a click its run."""

from dataclasses import replace

import pytest
from browser import browser_page

from da4ml_flow.results.metrics import measure
from da4ml_flow.sweep.pareto import Objective
from da4ml_flow.sweep.point import PointRecord
from da4ml_flow.sweep.show import page

GOALS = (Objective('accuracy'), Objective('luts'), Objective('latency_ns'))
FIGURES = ((98.5, 9000, 35.0), (96.0, 5000, 30.0), (90.0, 3000, 30.0), (95.0, 6000, 35.0), (75.0, 700, 20.0))


def record(number, accuracy, luts, latency):
    metrics = (
        measure('accuracy', accuracy, stage='collect'),
        measure('luts', luts, stage='synthesize', tool='yosys', part='xcup'),
        measure('latency_ns', latency, stage='collect'),
    )
    values = {'quantization.weight_bits': 2 + number, 'model.source': f'digits_{number}.keras'}
    uid = f'{number:08}-20260101T000000000'
    return PointRecord(f'{number:064x}', values, 'ok', 'full', uid, '', 0, metrics, 12.5, 'host', '2026-01-01T10:00:00')


@pytest.fixture
def opened(tmp_path):
    records = [record(number, *figures) for number, figures in enumerate(FIGURES)]
    records.append(replace(record(9, 1, 1, 1), status='failed', message='yosys failed', metrics=(), run_uid=''))
    (tmp_path / 'index.html').write_text(page(records, GOALS, 'digits: 6 points'))
    folder = tmp_path / 'browser'
    folder.mkdir()
    with browser_page(folder) as shown:
        shown.open(tmp_path / 'index.html')
        yield shown
        assert shown.errors == []


def test_hover_shows_the_configuration_and_click_the_run(opened, tmp_path):
    said = "document.getElementById('tip')"
    assert opened.value("document.querySelectorAll('#plot circle').length") == 5
    assert opened.value("document.querySelectorAll('#plot circle.best').length") == 4
    assert opened.value('document.getElementById("sub").textContent') == '6 points, 4 on the front, 1 failed'
    assert opened.value(f'getComputedStyle({said}).display') == 'none'
    opened.hover('circle[data-point="2"]')
    assert opened.value(f'getComputedStyle({said}).display') == 'block'
    assert opened.value(f'{said}.textContent').splitlines() == [
        'quantization.weight_bits: 4',
        'model.source: digits_2.keras',
        'accuracy, %: 90',
        'LUTs: 3,000',
        'latency, ns: 30',
    ]
    opened.hover('h1')
    assert opened.value(f'getComputedStyle({said}).display') == 'none'

    assert opened.value('document.querySelector("#run code")') is None
    opened.click('circle[data-point="3"]')
    panel = opened.value('document.getElementById("run").innerText')
    assert 'da4ml-flow report 00000003-20260101T000000000' in panel
    assert 'digits_3.keras' in panel
    assert '6,000' in panel
    assert opened.value("document.querySelector('circle.chosen').dataset.point") == '3'
    picture = tmp_path / 'page.png'
    opened.screenshot(picture)
    assert picture.read_bytes().startswith(b'\x89PNG')


def test_a_row_of_the_front_is_a_point_too_and_the_axes_can_be_changed(opened):
    assert opened.value("document.querySelectorAll('#front tbody tr').length") == 4
    opened.click('#front tbody tr:nth-child(2)')
    assert 'digits_1.keras' in opened.value('document.getElementById("run").innerText')
    place = "document.querySelector('circle[data-point=\"1\"]').getAttribute('cx')"
    before = opened.value(place)
    opened.value(
        "(() => { const x = document.getElementById('x'); x.value = 2; x.dispatchEvent(new Event('change')); })()"
    )
    assert opened.value(place) != before
