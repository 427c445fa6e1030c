"""Device families: what one bit of an adder, a table or a multiplexer costs in LUTs and nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from da4ml_core.errors import SolveError


@dataclass(frozen=True, slots=True)
class Device:
    """Cost coefficients of a family; LUT counts are per bit of a carry chain, times are in ns.

    Sources: the structure of the logic cells (AMD UG574 for UltraScale+ CLBs, UG474 for 7-series,
    Lattice FPGA-TN-02032 for ECP5). A LUT6 with carry sums two operands in its XOR form, or three
    through its second output, at one LUT per bit; a LUT4 with carry sums two. How Yosys counts the same graphs is in
    docs/cmvm.md (`bench/cmvm/estimate.py`). The times are round figures of typical cells and wires, not of a data
    sheet: they rank graphs, and are no timing analysis.
    """

    name: str
    lut_inputs: int
    adder_luts_per_bit: float
    ternary_luts_per_bit: float
    lut_delay_ns: float
    carry_delay_ns_per_bit: float
    route_delay_ns: float

    @property
    def max_operands(self) -> int:
        """Operands of one adder that pay: 3 where a ternary adder is no dearer than a binary one."""
        return 3 if self.ternary_luts_per_bit <= self.adder_luts_per_bit else 2


DEVICES: Mapping[str, Device] = MappingProxyType(
    {
        device.name: device
        for device in (
            Device('xilinx-us+', 6, 1.0, 1.0, 0.10, 0.005, 0.35),
            Device('xilinx-7', 6, 1.0, 1.0, 0.12, 0.012, 0.45),
            Device('ecp5', 4, 1.0, 2.0, 0.24, 0.036, 0.60),
            Device('generic-lut4', 4, 1.0, 2.0, 0.30, 0.040, 0.80),
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
