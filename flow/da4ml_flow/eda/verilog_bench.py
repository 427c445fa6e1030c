"""A Verilog test bench around a kernel, for simulators that compile no C++: the files of the VHDL one."""

from __future__ import annotations

from da4ml_core.codegen.bundle import RtlBundle
from da4ml_flow.eda.vhdl_bench import OUTPUTS_FILE, SAMPLES_FILE, bench_entity


def verilog_bench_text(bundle: RtlBundle) -> str:
    """Verilog-2005 of the test bench; files hold one binary number a line, read where the simulation is run.

    Line t of the outputs is read in the cycle in which line t of the samples is on the input, before the clock rises.
    """
    clock = '.clk(clk), ' if bundle.clocked else ''
    if bundle.clock_enable:
        clock += ".ce(1'b1), "
    return f"""\
// Test bench of {bundle.top}: from {SAMPLES_FILE} to {OUTPUTS_FILE}, a line a cycle.
module {bench_entity(bundle)};
  reg clk = 0;
  reg [{bundle.input_bits - 1}:0] x = 0;
  wire [{bundle.output_bits - 1}:0] y;
  integer samples, outputs, found;
  {bundle.top} kernel ({clock}.x(x), .y(y));
  initial begin
    samples = $fopen("{SAMPLES_FILE}", "r");
    outputs = $fopen("{OUTPUTS_FILE}", "w");
    found = $fscanf(samples, "%b\\n", x);
    while (found == 1) begin
      clk = 0;
      #1 $fdisplay(outputs, "%b", y);
      clk = 1;
      #1 found = $fscanf(samples, "%b\\n", x);
    end
    $fclose(outputs);
    $finish;
  end
endmodule
"""
