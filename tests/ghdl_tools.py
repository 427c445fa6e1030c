"""GHDL for tests: analysis with every warning, and simulation of many samples; skipped where it is absent."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hdl_tools import ROOT

VHDL_IP_SOURCES = sorted((ROOT / 'ip').glob('*/rtl/*.vhd'))
VHDL_CELL_MODELS = ROOT / 'ip/ternary_adder/sim/da4ml_xilinx_cells.vhd'
# GHDL has no option for all of them; these, some of them on by default, are about sources rather than its use.
WARNINGS = (
    *('binding', 'reserved', 'library', 'delayed-checks', 'body', 'specs', 'unused', 'hide', 'port', 'nested-comment'),
    *('parenthesis', 'pure', 'analyze-assert', 'attribute', 'useless', 'static', 'others', 'universal'),
    *('runtime-error', 'shared', 'default-binding', 'port-bounds'),
)

# A sample a cycle from a file to x, and y of each cycle, read just before the clock rises, to another.
_BENCH = """
library ieee;
use ieee.std_logic_1164.all;
use std.textio.all;

entity bench is
end entity bench;

architecture test of bench is
    signal clk : std_logic := '0';
    signal x : std_logic_vector({x_bits} - 1 downto 0) := (others => '0');
    signal y : std_logic_vector({y_bits} - 1 downto 0);
begin
    dut : entity work.harness port map (clk => clk, x => x, y => y);

    process
        file samples : text open read_mode is "samples.txt";
        file outputs : text open write_mode is "outputs.txt";
        variable text_line : line;
        variable sample : std_logic_vector(x'range);
    begin
        for cycle in 1 to {warm_up} loop
            clk <= '0';
            wait for 1 ns;
            clk <= '1';
            wait for 1 ns;
        end loop;
        while not endfile(samples) loop
            readline(samples, text_line);
            hread(text_line, sample);
            x <= sample;
            clk <= '0';
            wait for 1 ns;
            write(text_line, y);
            writeline(outputs, text_line);
            clk <= '1';
            wait for 1 ns;
        end loop;
        wait;
    end process;
end architecture test;
"""


def ghdl(*arguments: str, directory: Path) -> str:
    """What a command of GHDL says about VHDL-2008; fails the test if the command does."""
    if not shutil.which('ghdl'):
        pytest.skip('needs GHDL (`apt-get install ghdl`, for example)')
    command, *rest = arguments
    run = subprocess.run(
        ['ghdl', command, '--std=08', *rest], cwd=directory, capture_output=True, text=True, check=False
    )
    said = run.stdout + run.stderr
    assert run.returncode == 0, said[-3000:]
    return run.stdout if command == 'synth' else said  # it notes the tables that it finds


def analyze(sources: Sequence[Path], directory: Path) -> str:
    """The warnings about sources, compiled in this order into the library `work` of the directory; nothing if clean.

    Our models of Xilinx' cells come before them, so that the ternary adder finds its components.
    """
    compiled = map(str, (VHDL_CELL_MODELS, *sources))
    return ghdl('-a', *(f'-W{warning}' for warning in WARNINGS), *compiled, directory=directory)


def vhdl_entity(x_bits: int, y_bits: int) -> str:
    """An entity `harness(clk, x, y)` up to its instances; they and `end architecture test;` are to follow."""
    return f"""
library ieee;
use ieee.std_logic_1164.all;

entity harness is
    port (
        clk : in std_logic;
        x : in std_logic_vector({x_bits - 1} downto 0);
        y : out std_logic_vector({y_bits - 1} downto 0)
    );
end entity harness;

architecture test of harness is
begin"""


def simulate_vhdl(
    vhdl: str, sources: Sequence[Path], samples: Sequence[int], bits: tuple[int, int], warm_up: int, directory: Path
) -> list[int]:
    """The output y of each cycle of an entity `harness(clk, x, y)`, given one x a cycle; ``bits`` are those of x and y.

    Zeros go through it for ``warm_up`` cycles before; from then on, a bit that is not 0 or 1 is an error.
    x has whole hexadecimal digits.
    """
    x_bits, y_bits = bits
    (directory / 'harness.vhd').write_text(vhdl)
    (directory / 'bench.vhd').write_text(_BENCH.format(x_bits=x_bits, y_bits=y_bits, warm_up=warm_up))
    (directory / 'samples.txt').write_text(''.join(f'{sample:0{x_bits // 4}x}\n' for sample in samples))
    assert analyze([*sources, directory / 'harness.vhd'], directory) == ''
    ghdl('-a', 'bench.vhd', directory=directory)
    ghdl('-e', 'bench', directory=directory)
    assert ghdl('-r', 'bench', '--max-stack-alloc=0', directory=directory) == ''
    return [int(line, 2) for line in (directory / 'outputs.txt').read_text().splitlines()]
