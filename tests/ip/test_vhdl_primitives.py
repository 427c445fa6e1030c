"""Every primitive in VHDL: clean in analysis, and equal to the definition that its Verilog is equal to."""

from __future__ import annotations

import random
import re

import pytest
from ghdl_tools import VHDL_IP_SOURCES, analyze
from hdl_tools import ROOT
from primitive_cases import all_cases, some_cases
from primitive_proofs import PRIMITIVES, with_bugs
from primitive_simulation import wrong_results

GENERIC = re.compile(r'^        ([A-Z_]+) : \w+(?: range \d+ to \d+)? := (\d+);?$', re.MULTILINE)
PARAMETER = re.compile(r'parameter (\w+) = (\d+)')
PORT = re.compile(r'^ +(\w+) : (?:in|out) ')


@pytest.mark.parametrize('primitive', PRIMITIVES)
def test_entity_and_module_agree(primitive):
    vhdl = (ROOT / f'ip/{primitive}/rtl/da4ml_{primitive}.vhd').read_text()
    verilog = (ROOT / f'ip/{primitive}/rtl/da4ml_{primitive}.v').read_text()
    assert re.findall(r'^entity (\w+)', vhdl, re.MULTILINE) == [f'da4ml_{primitive}']
    assert GENERIC.findall(vhdl) == PARAMETER.findall(verilog)
    verilog_ports = re.findall(r'^    (?:input|output) .*?(\w+),?$', verilog, re.MULTILINE)
    lines = vhdl.splitlines()
    ports = {match[1]: lines[place - 1] for place, line in enumerate(lines) if (match := PORT.match(line))}
    assert list(ports) == verilog_ports
    assert all(line.lstrip().startswith('--') for line in ports.values())


def test_every_primitive_has_an_entity():
    assert sorted(path.parents[1].name for path in VHDL_IP_SOURCES) == PRIMITIVES


@pytest.mark.eda
def test_analysis_has_nothing_to_say(tmp_path):
    assert analyze(VHDL_IP_SOURCES, tmp_path) == ''


@pytest.mark.eda
def test_primitives_equal_their_definitions(tmp_path):
    rng = random.Random(11)
    assert wrong_results(some_cases(rng, 200), rng, tmp_path, 'vhdl') == []


@pytest.mark.eda
@pytest.mark.slow
def test_primitives_equal_their_definitions_for_all_parameters(tmp_path):
    rng = random.Random(12)
    cases = all_cases(rng)
    for start in range(0, len(cases), 1000):
        directory = tmp_path / str(start)
        directory.mkdir()
        assert wrong_results(cases[start : start + 1000], rng, directory, 'vhdl') == []


@pytest.mark.eda
def test_a_bug_in_any_primitive_is_caught(tmp_path):
    rng = random.Random(15)
    found = wrong_results(some_cases(rng, 40), rng, tmp_path, 'vhdl', with_bugs('vhdl', tmp_path))
    assert {line.split("'")[1] for line in found} == set(PRIMITIVES)
