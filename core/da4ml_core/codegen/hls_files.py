"""What goes with a function for high-level synthesis: test bench, build scripts, and the kernel around it."""

from __future__ import annotations

from collections.abc import Sequence

from da4ml_core.codegen.bundle import PortField
from da4ml_core.codegen.ports import members

VECTORS_FILE = 'vectors.txt'
DEFAULT_PART = 'xcvu13p-flga2577-2-e'


def companions(
    language: str, top: str, inputs: Sequence[PortField], outputs: Sequence[PortField], clock_ns: float
) -> dict[str, str]:
    """The files beside the header and the source: file name -> text."""
    files = {f'{top}_test.cpp': _test_bench(top, inputs, outputs), 'Makefile': _makefile(top, language)}
    if language == 'vitis':
        files['build.tcl'] = _vitis_script(top, clock_ns)
    if language == 'oneapi':
        files[f'{top}_kernel.cpp'] = _sycl_kernel(top)
    return files


def _test_bench(top: str, inputs: Sequence[PortField], outputs: Sequence[PortField]) -> str:
    sets = '\n'.join(f'    set(x.{name}, bits, {field.offset});' for name, field in members('x', inputs))
    gets = '\n'.join(f'    get(y.{name}, bits, {field.offset});' for name, field in members('y', outputs))
    digits = -(-sum(field.width_bits for field in outputs) // 4)
    return f"""\
// Test bench of {top}: each line of {VECTORS_FILE} is a sample and its result, the packed bits of both in hex.
#include <cstddef>
#include <fstream>
#include <iostream>
#include <string>

#include "{top}.h"

namespace {{

// Bit `place` of a number in hex; zero beyond its digits.
bool bit(const std::string &hex, std::size_t place) {{
    const std::size_t digit = place / 4;
    if (digit >= hex.size()) return false;
    const char c = hex[hex.size() - 1 - digit];
    const int value = c <= '9' ? c - '0' : c - 'a' + 10;
    return value >> place % 4 & 1;
}}

void set_bit(std::string &hex, std::size_t place) {{
    char &c = hex[hex.size() - 1 - place / 4];
    const int value = (c <= '9' ? c - '0' : c - 'a' + 10) | 1 << place % 4;
    c = "0123456789abcdef"[value];
}}

template <class T>
void set(T &field, const std::string &bits, std::size_t offset) {{
    for (int i = 0; i < T::width; ++i) field[i] = bit(bits, offset + i);
}}

template <class T>
void get(T &field, std::string &bits, std::size_t offset) {{
    for (int i = 0; i < T::width; ++i)
        if (field[i]) set_bit(bits, offset + i);
}}

{top}_input unpacked(const std::string &bits) {{
    {top}_input x;
{sets}
    return x;
}}

std::string packed({top}_output y) {{
    std::string bits({digits}, '0');
{gets}
    return bits;
}}

}}  // namespace

int main(int argc, char **argv) {{
    std::ifstream vectors(argc > 1 ? argv[1] : "{VECTORS_FILE}");
    std::string sample, expected;
    std::size_t samples = 0, mismatches = 0;
    while (vectors >> sample >> expected) {{
        const std::string got = packed({top}(unpacked(sample)));
        if (got != expected && ++mismatches <= 20)
            std::cout << "sample " << samples << ": expected " << expected << ", got " << got << "\\n";
        ++samples;
    }}
    std::cout << samples << " samples, " << mismatches << " mismatches\\n";
    return mismatches || !samples;
}}
"""


def _makefile(top: str, language: str) -> str:
    types = 'ap_fixed.h' if language == 'vitis' else 'ac_fixed.h'
    tool = {
        'vitis': (
            '# What runs a script of Vitis HLS: vitis_hls is gone from 2025.1 on.\n'
            'VITIS_HLS ?= $(if $(shell command -v vitis_hls),vitis_hls -f,vitis-run --mode hls --tcl)\n\n'
            '.PHONY: synth\nsynth:\n\t$(VITIS_HLS) build.tcl\n'
        ),
        'ac': (
            '# Quartus with Intel HLS: the component in hardware.\n'
            'DEVICE ?= Agilex7\n\n.PHONY: synth\nsynth:\n'
            f'\ti++ -march=$(DEVICE) -o {top}.hls {top}.cpp {top}_test.cpp\n'
        ),
        'oneapi': (
            '# Intel oneAPI: an early report of the kernel, and its RTL.\n'
            'DEVICE ?= Agilex7\n\n.PHONY: synth\nsynth:\n'
            f'\ticpx -fsycl -fintelfpga -Xshardware -Xstarget=$(DEVICE) -fsycl-link=early {top}.cpp {top}_kernel.cpp '
            f'-o {top}_report.a\n'
        ),
    }[language]
    return f"""\
# `make test TYPES=<folder of {types}>` compiles the function with the open types, and runs it on {VECTORS_FILE}.
TYPES ?= .
CXXFLAGS ?= -std=c++17 -O1 -Wall -Wextra

.PHONY: test
test: {top}_test
\t./{top}_test {VECTORS_FILE}

{top}_test: {top}.cpp {top}_test.cpp {top}.h
\t$(CXX) $(CXXFLAGS) -isystem $(TYPES) -o $@ {top}.cpp {top}_test.cpp

{tool}"""


def _vitis_script(top: str, clock_ns: float) -> str:
    return f"""\
# Vitis HLS: simulate the C++, synthesize it, export the IP. `make synth`; the part is $PART.
set part [expr {{[info exists ::env(PART)] ? $::env(PART) : "{DEFAULT_PART}"}}]
open_project -reset {top}_hls
set_top {top}
add_files {top}.cpp
add_files -tb {top}_test.cpp
add_files -tb {VECTORS_FILE}
open_solution -reset solution -flow_target vivado
set_part $part
create_clock -period {clock_ns:g}
csim_design
csynth_design
export_design -format ip_catalog
exit
"""


def _sycl_kernel(top: str) -> str:
    return f"""\
// {top} as a SYCL kernel that never ends: a sample from one pipe, its result into the other, every cycle.
#include <sycl/sycl.hpp>
#include <sycl/ext/intel/fpga_extensions.hpp>

#include "{top}.h"

class {top}_samples;
class {top}_results;
using {top}_in = sycl::ext::intel::pipe<{top}_samples, {top}_input, 16>;
using {top}_out = sycl::ext::intel::pipe<{top}_results, {top}_output, 16>;

struct {top}_kernel {{
    void operator()() const {{
        [[intel::initiation_interval(1)]]
        while (true) {top}_out::write({top}({top}_in::read()));
    }}
}};

void launch(sycl::queue &queue) {{
    queue.single_task({top}_kernel{{}});
}}
"""
