"""The page of runs in a real browser: rendered, sorted, filtered and clicked, whatever the names of runs are."""

import json
import re
from dataclasses import replace
from urllib.parse import unquote

import pytest
from browser import browser_page
from click.testing import CliRunner
from run_records import run_record

from da4ml_flow.cli.main import cli
from da4ml_flow.report.page import page
from da4ml_flow.results.metrics import measure
from da4ml_flow.results.record import Artifact, StageRun
from da4ml_flow.results.store import Store

HOSTILE = '</script><script>owned=1</script><img src=x onerror=owned=1>"\'&@DATA@{{}}\u2028'
FIGURES = {  # name: accuracy, LUTs of Yosys, LUTs of Vivado, latency, clock, status
    'large': (97.0, 9000, None, 35.0, 5.0, 'ok'),
    'small': (90.0, 2000, 2500, 30.0, 5.0, 'ok'),
    'middle': (95.0, 5000, 7000, 25.0, 4.0, 'ok'),
    'beaten': (94.0, 6000, None, 25.0, 4.0, 'ok'),
    'wrong': (99.0, 100, None, 5.0, 4.0, 'no'),
    HOSTILE: (None, None, None, None, 2.5, 'failed'),
}


def run(number, name, folder):
    accuracy, yosys, vivado, latency, clock_ns, status = FIGURES[name]
    record = run_record().stages[0].record
    metrics = [
        *([] if accuracy is None else [measure('accuracy', accuracy, stage='collect')]),
        *([] if yosys is None else [measure('luts', yosys, stage='synthesize', tool='yosys', part='xcup')]),
        *([] if yosys is None else [measure('lut_estimate', yosys * 0.8, stage='trace', part='xilinx-us+')]),
        *([] if vivado is None else [measure('luts', vivado, stage='implement', tool='vivado', part='xcvu13p')]),
        *([] if latency is None else [measure('latency_ns', latency, stage='collect', part=f'at {clock_ns}')]),
    ]
    stages = []
    for stage in ('trace', 'synthesize', 'implement', 'collect'):
        directory = folder / f'{stage} #{number} "x"'
        directory.mkdir(parents=True)
        (directory / 'a log.txt').write_text('said')
        own = tuple(metric for metric in metrics if metric.stage == stage)
        artifacts = {'log': Artifact('a log.txt', 'b' * 64, 4), 'lost': Artifact('lost.txt', 'b' * 64, 4)}
        done = replace(record, stage=stage, metrics=own, artifacts=artifacts, wall_s=1.5 + number)
        stages.append(StageRun(stage, 'ok', False, 1.5, str(directory), '', done))
    config = {'name': name, 'rtl': {'clock_ns': clock_ns}, 'model': {'source': f'{name}.keras'}}
    uid, when = f'{number:08x}-2026', f'2026-01-0{number + 1}'
    return run_record(uid, name=name, config=config, status=status, started=when, stages=tuple(stages))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('page')


@pytest.fixture(scope='module')
def records(folder):
    return [run(number, name, folder / 'build') for number, name in enumerate(FIGURES)]


@pytest.fixture(scope='module')
def browser(folder):
    (folder / 'browser').mkdir()
    with browser_page(folder / 'browser') as shown:
        yield shown


@pytest.fixture
def opened(browser, folder, records):
    file = folder / 'pages' / 'runs.html'
    file.parent.mkdir(exist_ok=True)
    file.write_text(page(records, f'Runs of {HOSTILE}', file))
    browser.open(file)
    yield browser
    assert browser.errors == []


def names(shown):
    script = '[...document.querySelectorAll("#runs tbody tr")].map(r => parseInt(r.dataset.run || "-1", 16))'
    return [list(FIGURES)[number] if number >= 0 else None for number in shown.value(script)]


def typed(shown, text):
    shown.value('document.getElementById("filter").select()')
    shown.click('#filter')
    shown.value('document.getElementById("filter").select()')
    shown.call('Input.insertText', text=text)


def text(shown, selector):
    return shown.value(f'document.querySelector({json.dumps(selector)}).innerText')


def test_it_shows_at_once_which_designs_win(opened, folder):
    assert opened.value('document.querySelectorAll("#runs tbody tr").length') == 6
    assert names(opened)[0] == HOSTILE  # the newest first
    cards = opened.value('[...document.querySelectorAll(".card")].map(c => c.innerText)')
    assert [card.splitlines()[:3] for card in cards] == [
        ['highest accuracy', '97.00 %', 'large 00000000'],
        ['fewest LUTs, yosys xcup', '2,000', 'small 00000001'],
        ['fewest LUTs, vivado xcvu13p', '2,500', 'small 00000001'],
        ['shortest latency', '25.00 ns', 'middle 00000002 and 1 more'],
    ]
    # a run that is not ok is drawn, and never wins
    assert opened.value('document.querySelectorAll("#plot circle").length') == 5
    assert opened.value('document.querySelectorAll("#plot circle.best").length') == 3
    assert opened.value('document.querySelector("#plot circle[data-point=\'4\']").classList.contains("faint")')
    front = opened.value('[...document.querySelectorAll("#panel tbody tr")].map(r => r.innerText.split("\\t"))')
    assert front == [
        ['small 00000001', '2,000', '90.00'],
        ['middle 00000002', '5,000', '95.00'],
        ['large 00000000', '9,000', '97.00'],
    ]
    assert opened.value('document.querySelectorAll("#runs .star").length') == 3
    picture = folder / 'page.png'
    opened.screenshot(picture)
    assert picture.read_bytes().startswith(b'\x89PNG')


def test_a_click_on_a_header_sorts_and_another_turns_it_round(opened):
    opened.click('#runs button[data-key="luts/synthesize/yosys/xcup"]')  # fewer is better: the least first
    assert names(opened) == ['wrong', 'small', 'middle', 'beaten', 'large', HOSTILE]
    opened.click('#runs button[data-key="luts/synthesize/yosys/xcup"]')  # what has none is last both ways
    assert names(opened) == ['large', 'beaten', 'middle', 'small', 'wrong', HOSTILE]
    opened.click('#runs button[data-key="accuracy/collect"]')
    assert names(opened)[:2] == ['wrong', 'large']
    assert opened.value('document.querySelector("th[aria-sort=descending] button").dataset.key') == 'accuracy/collect'
    opened.click('#runs button[data-key="name"]')
    assert names(opened) == [HOSTILE, 'beaten', 'large', 'middle', 'small', 'wrong']


@pytest.mark.parametrize(
    ('wanted', 'expected'),
    [
        ('mid', ['middle']),
        ('luts < 6000', ['wrong', 'middle', 'small']),
        ('luts/implement >= 2500 and status = ok', ['middle', 'small']),
        ('rtl.clock_ns == 4, accuracy>94.5', ['wrong', 'middle']),
        ('clock_ns=2.5', [HOSTILE]),
        ('accuracy == null', [HOSTILE]),
        ('name != "small" luts/implement > 0', ['middle']),
        ('luts < 1', [None]),
        ('</script>', [HOSTILE]),
    ],
)
def test_filters(opened, wanted, expected):
    typed(opened, wanted)
    assert names(opened) == expected


def test_a_filter_applies_to_everything_and_a_wrong_one_is_told(opened):
    typed(opened, 'clock_ns == 4')
    assert opened.value('document.querySelectorAll("#plot circle").length') == 3
    assert opened.value('document.querySelectorAll("#plot circle.best").length') == 1
    assert text(opened, '#count') == '3 of 6 runs'
    assert opened.value('document.querySelectorAll("#times svg rect").length') == 3 * 4
    typed(opened, 'lutz < 5')
    assert text(opened, '#problem') == 'no column lutz'
    assert len(names(opened)) == 3  # as it was


def test_what_is_seen_is_in_the_address(opened, folder):
    typed(opened, 'luts > 1000')
    opened.click('#runs button[data-key="accuracy/collect"]')
    opened.click('#plot circle[data-point="2"]')
    address = opened.value('location.hash')
    opened.open(folder / 'pages' / 'runs.html')
    assert len(names(opened)) == 6
    recalled = f'location.hash = {json.dumps(address)}; addEventListener("hashchange", () => setTimeout(done))'
    opened.call('Runtime.evaluate', expression=f'new Promise(done => {{ {recalled} }})', awaitPromise=True)
    assert opened.value('document.getElementById("filter").value') == 'luts > 1000'
    assert names(opened) == ['large', 'middle', 'beaten', 'small']
    assert opened.value('document.querySelector("tr.chosen").dataset.run') == '00000002-2026'


def test_hover_and_click_show_the_run_with_its_stages_and_logs(opened, folder):
    opened.hover('#plot circle[data-point="1"]')
    assert opened.value('getComputedStyle(document.getElementById("tip")).display') == 'block'
    assert text(opened, '#tip').splitlines()[:3] == ['small 00000001', 'LUTs (yosys xcup): 2,000', 'accuracy: 90.00 %']
    opened.click('#plot circle[data-point="1"]')
    assert 'da4ml-flow report 00000001-2026' in text(opened, '#panel')
    assert '2,500' in text(opened, '#panel')
    links = opened.value('[...document.querySelectorAll("#panel a")].map(a => [a.innerText, a.getAttribute("href")])')
    assert [name for name, _ in links[:3]] == ['log', 'folder', 'log']  # what is not there is no link
    assert links[0][1] == './../build/trace%20%231%20%22x%22/a%20log.txt'
    assert (folder / 'pages' / unquote(links[0][1])).read_text() == 'said'
    assert opened.value('document.querySelector("#panel a").href').startswith('file:///')


def test_ticked_runs_stand_side_by_side_and_two_tools_apart(opened):
    assert opened.value('document.getElementById("versus").hidden')
    for run_uid in ('00000000-2026', '00000002-2026'):
        opened.click(f'#runs tr[data-run="{run_uid}"] input')
    rows = dict(
        (tuple(cells[:2]), cells[2:])
        for cells in opened.value(
            '[...document.querySelectorAll("#versus tbody tr")].map(r => [...r.cells].map(c => c.innerText))'
        )
    )
    assert rows['LUTs', 'yosys xcup'] == ['9,000', '5,000 -44.4 % better']
    assert rows['LUTs', 'vivado xcvu13p'] == ['', '7,000']
    assert rows['accuracy', 'collect'] == ['97.00 %', '95.00 % -2 worse']
    assert rows['rtl.clock_ns', ''] == ['5', '4']


def test_the_estimate_stands_beside_each_tool_by_itself(opened):
    legend = opened.value('[...document.querySelectorAll("#estimates .legend span")].map(s => s.innerText)')
    assert legend == [
        'synthesize, yosys xcup: 1.25 of the estimate (1.25 to 1.25)',
        'implement, vivado xcvu13p: 1.66 of the estimate (1.56 to 1.75)',
    ]
    assert opened.value('document.querySelectorAll("#estimates circle").length') == 7


def test_nothing_hostile_is_run_and_nothing_is_fetched(opened, folder):
    assert opened.value('document.title') == f'Runs of {HOSTILE}'
    assert opened.value('typeof owned') == 'undefined'
    assert opened.value('document.querySelectorAll("img").length') == 0
    assert opened.value('document.scripts.length') == 2
    assert opened.value('performance.getEntriesByType("resource").length') == 0
    assert opened.value('document.querySelector("#runs tbody tr td:nth-child(2)").textContent') == HOSTILE
    assert opened.value('document.documentElement.scrollWidth <= innerWidth')
    written = (folder / 'pages' / 'runs.html').read_text()
    assert not re.search(r'(src|href)\s*=\s*["\'](?!data:)|url\(|@import|https?://(?!www\.w3\.org/2000/svg)', written)


@pytest.mark.parametrize('runs', [[], [run_record('u1', stages=())], [run_record('u1')]], ids=len)
def test_runs_without_figures_make_a_page_too(browser, tmp_path, runs):
    file = tmp_path / 'r.html'
    file.write_text(page(runs, 'few', file))
    browser.open(file)
    assert browser.value('document.querySelectorAll("#runs tbody tr").length') == 1
    assert browser.errors == []


def test_the_command_writes_the_page_of_what_is_asked_for(tmp_path, folder, records):
    store = Store(tmp_path / 'r.sqlite', create=True)
    for record in records:
        store.record(record)
    where = ['report', '--database', f'sqlite:///{tmp_path / "r.sqlite"}']

    def data(*arguments):
        file = tmp_path / 'new' / 'runs.html'
        done = CliRunner().invoke(cli, [*where, *arguments, '--html', str(file)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(re.search(r'<script id="data" [^>]*>(.*?)</script>', file.read_text(), re.DOTALL)[1])

    assert len(data()['runs']) == 6
    assert [run['uid'][:8] for run in data('--where', 'luts > 5000', '--sort-by', 'luts')['runs']] == [
        '00000003',
        '00000000',
    ]
    assert data('large', 'small', '--compare')['ticked'] == ['00000000-2026', '00000001-2026']
    piped = CliRunner().invoke(cli, [*where, '--html', '-'], catch_exceptions=False)
    assert piped.output.startswith('<!DOCTYPE html>')
    assert folder.as_uri() in piped.output  # nobody knows where it will be: links are to this machine


def test_of_too_many_runs_the_first_are_drawn_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr('da4ml_flow.report.page.MOST_RUNS', 2)
    store = Store(tmp_path / 'r.sqlite', create=True)
    for day in (1, 2, 3):
        store.record(run_record(f'u{day}', started=f'2026-01-0{day}'))
    where = ['report', '--database', f'sqlite:///{tmp_path / "r.sqlite"}', '--html', '-']
    done = CliRunner().invoke(cli, where, catch_exceptions=False)
    assert '"total":3' in done.output
    assert re.findall(r'"uid":"(..)","values"', done.output) == ['u3', 'u2']
