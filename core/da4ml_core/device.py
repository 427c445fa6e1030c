"""Device families: what one bit of an adder, a table or a multiplexer costs in LUTs and nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from da4ml_core.errors import SolveError


@dataclass(frozen=True, slots=True)
class Device:
    """Cost coefficients of a family; LUT counts are per bit of a carry chain, times are in ns.

    Sources of the counts: the structure of the logic cells (AMD UG574 for UltraScale+ CLBs, UG474 for 7-series,
    Lattice FPGA-TN-02032 for ECP5). A LUT6 with carry sums two operands in its XOR form, or three
    through its second output, at one LUT per bit; a LUT4 with carry sums two. How Yosys counts the same graphs is in
    docs/cmvm.md (`bench/cmvm/estimate.py`).

    Times: those of ECP5 are the fit of `bench/pipeline/adders.py`, which places and routes adders of ours with
    nextpnr. All others are round figures of typical cells and uncongested wires, of no data sheet, and no tool has
    checked them: they rank graphs and balance stages, and are no timing analysis.
    """

    name: str
    lut_inputs: int
    adder_luts_per_bit: float
    ternary_luts_per_bit: float
    lut_delay_ns: float
    carry_delay_ns_per_bit: float
    route_delay_ns: float
    register_delay_ns: float  # clock to output and set-up together

    @property
    def max_operands(self) -> int:
        """Operands of one adder that pay: 3 where a ternary adder is no dearer than a binary one."""
        return 3 if self.ternary_luts_per_bit <= self.adder_luts_per_bit else 2

    @property
    def lut_level_ns(self) -> float:
        """A LUT and the net to it."""
        return self.lut_delay_ns + self.route_delay_ns

    def adder_delay_ns(self, bits: int) -> float:
        """An adder with a carry chain of so many bits, and the net to it."""
        return self.lut_level_ns + self.carry_delay_ns_per_bit * bits

    def gate_delay_ns(self, inputs: int) -> float:
        """A tree of LUTs with so many inputs, as for AND or OR, and the nets to them."""
        levels = 0
        while inputs > 1:
            inputs = -(-inputs // self.lut_inputs)
            levels += 1
        return self.lut_level_ns * levels


DEVICES: Mapping[str, Device] = MappingProxyType(
    {
        device.name: device
        for device in (
            Device('xilinx-us+', 6, 1.0, 1.0, 0.10, 0.005, 0.35, 0.15),
            Device('xilinx-7', 6, 1.0, 1.0, 0.12, 0.012, 0.45, 0.45),
            Device('ecp5', 4, 1.0, 2.0, 0.24, 0.013, 1.44, 1.24),
            Device('generic-lut4', 4, 1.0, 2.0, 0.30, 0.020, 1.60, 1.30),
        )
    }
)
DEFAULT_DEVICE = 'xilinx-us+'


def device(name: str) -> Device:
    """The family of that name; raises SolveError with the names there are."""
    try:
        return DEVICES[name]
    except KeyError:
        raise SolveError(f'unknown device family {name!r}', hint=f'known families: {", ".join(DEVICES)}') from None
