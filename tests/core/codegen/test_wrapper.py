"""Wrappers: their ports and refusals; lint and simulation with random stalls against the interpreter."""

import random

import pytest
from example_programs import EVERYTHING
from ghdl_tools import VHDL_IP_SOURCES, analyze, ghdl
from hdl_tools import IP_SOURCES, lint, simulate
from kernel_simulation import Kernel, mismatches, packed_input, packed_output
from random_programs import random_codes

from da4ml_core.codegen import emit_rtl, emit_verilog
from da4ml_core.codegen.wrapper import Constraints, Protocol, Wrapper, constraints_text, wrapper_text
from da4ml_core.errors import CodegenError
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir.text import parse_program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.schedule import schedule

PROGRAM = verify(parse_program(EVERYTHING))
AXI = Wrapper(Protocol.AXI_STREAM)
EVERY = [
    Wrapper(),
    Wrapper(elements=True),
    Wrapper(clock_enable=True),
    Wrapper(Protocol.VALID),
    Wrapper(Protocol.VALID, clock_enable=True, reset=True, elements=True),
    AXI,
]


def kernel(max_levels, wrapper, language='verilog'):
    return emit_rtl(schedule(PROGRAM, max_levels), 'kernel', language, clock_enable=wrapper.needs_clock_enable)


@pytest.mark.parametrize(
    ('wrapper', 'message'),
    [
        (Wrapper(Protocol.AXI_STREAM, reset=True), 'reset with axi-stream'),
        (Wrapper(Protocol.AXI_STREAM, elements=True), 'elements with axi-stream'),
        (Wrapper(reset=True), 'reset without valid bits'),
        (Wrapper(clock_enable=True), 'the kernel kernel has no clock enable'),
    ],
)
def test_refusals(wrapper, message):
    with pytest.raises(CodegenError, match=message):
        wrapper_text(emit_verilog(schedule(PROGRAM, 1), 'kernel'), wrapper)


def test_constraints():
    bundle = kernel(1, AXI)
    assert constraints_text(bundle, Constraints(4.0, 1.5, 0.25), AXI).splitlines()[1:] == [
        'create_clock -name aclk -period 4 [get_ports aclk]',
        'set_input_delay -clock aclk 1.5 [get_ports {aresetn s_axis_tvalid s_axis_tdata[*] m_axis_tready}]',
        'set_output_delay -clock aclk 0.25 [get_ports {s_axis_tready m_axis_tvalid m_axis_tdata[*]}]',
    ]
    assert constraints_text(kernel(None, Wrapper()), Constraints(5.0, None, 1.0)).splitlines()[1:] == [
        'create_clock -name clk -period 5',
        'set_output_delay -clock clk 1 [get_ports {y[*]}]',
    ]
    elements = constraints_text(kernel(1, Wrapper()), Constraints(5.0, 1.0), Wrapper(Protocol.VALID, elements=True))
    assert 'get_ports {x_valid x0[*] x0_2[*] x2[*] x3[*]}' in elements


def in_verilog(bundle, wrapper, directory):
    """The files of a kernel and its wrapper; VHDL analyzed without a warning and synthesized by GHDL."""
    suffix = 'vhd' if bundle.language == 'vhdl' else 'v'
    sources = [directory / f'kernel.{suffix}', directory / f'kernel_wrapper.{suffix}']
    for file, text in zip(sources, (bundle.files[sources[0].name], wrapper_text(bundle, wrapper)), strict=True):
        file.write_text(text)
    if bundle.language == 'verilog':
        return [*sources, *IP_SOURCES]
    assert analyze([*VHDL_IP_SOURCES, *sources], directory) == ''
    (directory / 'synthesized.v').write_text(ghdl('synth', '--out=verilog', 'kernel_wrapper', directory=directory))
    return [directory / 'synthesized.v']


@pytest.mark.eda
@pytest.mark.parametrize('max_levels', [None, 1])
def test_every_wrapper_in_vhdl_is_analyzed_and_synthesized(max_levels, tmp_path):
    for place, wrapper in enumerate(EVERY):
        directory = tmp_path / str(place)
        directory.mkdir()
        assert in_verilog(kernel(max_levels, wrapper, 'vhdl'), wrapper, directory), wrapper


@pytest.mark.eda
@pytest.mark.parametrize('max_levels', [None, 1])
def test_every_wrapper_is_lint_clean(max_levels, tmp_path):
    for wrapper in EVERY:
        sources = in_verilog(kernel(max_levels, wrapper), wrapper, tmp_path)
        assert lint(sources, 'kernel_wrapper') == '', wrapper


def stream(rng, cycles):
    """For each cycle whether there is a sample, whether its result could be taken, and reset: at first, and once."""
    rates = [rng.choice((0.2, 0.9, 1.0)) for _ in range(2 * (cycles // 50 + 1))]
    for cycle in range(cycles):
        yield rng.random() < rates[cycle // 50 * 2], rng.random() < rates[cycle // 50 * 2 + 1], cycle < 8


@pytest.mark.weak_spot('9.3', 'no handshakes/reset')
@pytest.mark.eda
@pytest.mark.parametrize(('max_levels', 'language'), [(None, 'verilog'), (1, 'verilog'), (1, 'vhdl')])
def test_axi_stream_with_random_stalls(max_levels, language, tmp_path):
    """A sample stays until it is taken; each result comes once, in order, and stays until it is taken, too."""
    rng = random.Random(3)
    bundle = kernel(max_levels, AXI, language)
    x_bits, y_bits = -(-bundle.input_bits // 8) * 8, -(-bundle.output_bits // 8) * 8
    samples = [random_codes(rng, PROGRAM) for _ in range(600)]
    made = Kernel(bundle, PROGRAM, samples)
    words = ''.join(f'{packed_input(made, codes):x}\n' for codes in samples)
    (tmp_path / 'samples.hex').write_text(words)
    # the source holds a sample, once offered, until it is taken; x only says when to offer and to take
    verilog = f"""
module harness(input clk, input [71:0] x, output [127:0] y);
  reg [15:0] place; reg offered; wire [{x_bits - 1}:0] sample = memory[place[9:0]];
  wire aresetn = ~x[2]; wire ready, m_valid; wire [{y_bits - 1}:0] data;
  wire valid = (x[0] | offered) & place < {len(samples)};
  reg [{x_bits - 1}:0] memory [0:{len(samples) - 1}];
  initial $readmemh("{tmp_path}/samples.hex", memory);
  always @(posedge clk) if (x[2]) begin place <= 0; offered <= 0; end else begin
    if (valid & ready) begin place <= place + 1; offered <= 0; end else offered <= valid;
  end
  kernel_wrapper wrapper (.aclk(clk), .aresetn(aresetn), .s_axis_tvalid(valid & aresetn), .s_axis_tready(ready),
    .s_axis_tdata(sample), .m_axis_tvalid(m_valid), .m_axis_tready(x[1]), .m_axis_tdata(data));
  assign y = {{data, {126 - y_bits}'h0, m_valid, valid & ready & aresetn}};
endmodule
"""
    cycles = list(stream(rng, 1200))
    words = [valid | ready << 1 | reset << 2 for valid, ready, reset in cycles]
    outputs = simulate(verilog, in_verilog(bundle, AXI, tmp_path), words, (72, 128), tmp_path)
    taken = sent = 0
    held = None
    for (_, ready, reset), word in zip(cycles, outputs, strict=True):
        if reset:
            continue
        sent += word & 1
        data = word >> (128 - y_bits)
        assert held in (None, data)
        held = None
        if word >> 1 & 1:
            assert data == packed_output(made, evaluate(PROGRAM, samples[taken]))
            taken += ready
            held = None if ready else data
    assert taken > 300
    assert sent - taken <= bundle.latency_cycles


@pytest.mark.weak_spot('9.3', 'no handshakes/reset')
@pytest.mark.eda
@pytest.mark.parametrize('language', ['verilog', pytest.param('vhdl', marks=pytest.mark.slow)])
def test_valid_bits_clock_enable_and_reset(language, tmp_path):
    rng = random.Random(4)
    wrapper = Wrapper(Protocol.VALID, clock_enable=True, reset=True)
    bundle = kernel(2, wrapper, language)
    samples = [random_codes(rng, PROGRAM) for _ in range(400)]
    made = Kernel(bundle, PROGRAM, samples)
    x_bits, y_bits = bundle.input_bits, bundle.output_bits
    verilog = f"""
module harness(input clk, input [71:0] x, output [71:0] y);
  assign y[70:{y_bits}] = 0;
  kernel_wrapper wrapper (.clk(clk), .ce(x[69]), .rst(x[70]), .x_valid(x[71]), .y_valid(y[71]),
    .x(x[{x_bits - 1}:0]), .y(y[{y_bits - 1}:0]));
endmodule
"""
    cycles = [(rng.random() < 0.6, rng.random() < 0.8, place < 3 or place == 200) for place in range(400)]
    words = [
        packed_input(made, codes) | enable << 69 | reset << 70 | valid << 71
        for codes, (valid, enable, reset) in zip(samples, cycles, strict=True)
    ]
    outputs = simulate(verilog, in_verilog(bundle, wrapper, tmp_path), words, (72, 72), tmp_path)
    pipeline = [None] * bundle.latency_cycles  # what a model of the pipeline holds
    results = 0
    for cycle, (codes, (valid, enable, reset), word) in enumerate(zip(samples, cycles, outputs, strict=True)):
        if cycle >= 3:
            assert word >> 71 == (pipeline[-1] is not None), cycle
            if pipeline[-1] is not None:
                assert word & ((1 << y_bits) - 1) == packed_output(made, evaluate(PROGRAM, pipeline[-1]))
                results += 1
        if reset:
            pipeline = [None] * len(pipeline)
        elif enable:
            pipeline = [codes if valid else None, *pipeline[:-1]]
    assert results > 100


@pytest.mark.eda
@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
def test_a_kernel_with_its_clock_enable_held_high(language, tmp_path):
    rng = random.Random(5)
    samples = [random_codes(rng, PROGRAM) for _ in range(100)]
    made = Kernel(kernel(1, Wrapper(clock_enable=True), language), PROGRAM, samples)
    assert 'delay_line' not in ''.join(made.bundle.files.values())
    assert mismatches([made], tmp_path) == []
