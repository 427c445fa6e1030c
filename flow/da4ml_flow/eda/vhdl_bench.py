"""A VHDL test bench around a kernel: a sample a cycle from a file, the output of every cycle to another."""

from __future__ import annotations

from da4ml_core.codegen.bundle import RtlBundle

SAMPLES_FILE = 'samples.txt'
OUTPUTS_FILE = 'outputs.txt'


def bench_entity(bundle: RtlBundle) -> str:
    """The name of the test bench."""
    return f'{bundle.top}_bench'


def bench_text(bundle: RtlBundle) -> str:
    """VHDL-2008 of the test bench; files hold one binary number a line, read where the simulation is run.

    Line t of the outputs is read in the cycle in which line t of the samples is on the input, before the clock rises.
    """
    clock = 'clk => clk, ' if bundle.clocked else ''
    if bundle.clock_enable:
        clock += "ce => '1', "
    return f"""\
-- Test bench of {bundle.top}: from {SAMPLES_FILE} to {OUTPUTS_FILE}, a line a cycle.

library ieee;
use ieee.std_logic_1164.all;
use std.textio.all;

entity {bench_entity(bundle)} is
end entity {bench_entity(bundle)};

architecture test of {bench_entity(bundle)} is
    signal clk : std_logic := '0';
    signal x : std_logic_vector({bundle.input_bits - 1} downto 0) := (others => '0');
    signal y : std_logic_vector({bundle.output_bits - 1} downto 0);
begin
    kernel : entity work.{bundle.top} port map ({clock}x => x, y => y);

    process
        file samples : text open read_mode is "{SAMPLES_FILE}";
        file outputs : text open write_mode is "{OUTPUTS_FILE}";
        variable text_line : line;
        variable sample : std_logic_vector(x'range);
    begin
        while not endfile(samples) loop
            readline(samples, text_line);
            read(text_line, sample);
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
