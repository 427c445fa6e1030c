"""Cell counts from the JSON that Yosys' `stat -json` writes, as resources of an FPGA."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from da4ml_flow.eda.parsers.json_report import JsonReport


class Resources(NamedTuple):
    """What a design takes; a LUT that serves as memory or shift register is counted apart."""

    luts_logic: int
    luts_memory: int
    ffs: int
    carry: int
    dsps: int
    brams: float
    urams: int

    @property
    def luts(self) -> int:
        return self.luts_logic + self.luts_memory


class CellCost(NamedTuple):
    """Resources of one cell; ``brams`` in the blocks that the vendor counts."""

    luts_logic: int = 0
    luts_memory: int = 0
    ffs: int = 0
    carry: int = 0
    dsps: int = 0
    brams: float = 0
    urams: int = 0


_FREE = CellCost()
# INV is the LUT1 that inverts: in a kernel it drives a carry chain, which only a LUT can
_XILINX_LUTS = ('INV', 'LUT1', 'LUT2', 'LUT3', 'LUT4', 'LUT5', 'LUT6', 'LUT6_2')
_XILINX_FFS = ('FDRE', 'FDSE', 'FDCE', 'FDPE', 'FDRE_1', 'FDSE_1', 'FDCE_1', 'FDPE_1')
_XILINX_FREE = ('BUFG', 'BUFGCE', 'IBUF', 'OBUF', 'IBUFG', 'MUXF7', 'MUXF8', 'MUXF9', 'GND', 'VCC')
# LUTs of a distributed memory primitive (AMD UG574, table of RAM configurations)
_XILINX_MEMORY = {
    'SRL16E': 1, 'SRLC16E': 1, 'SRLC32E': 1, 'RAM32X1S': 1, 'RAM64X1S': 1, 'RAM32X1D': 2, 'RAM64X1D': 2,
    'RAM128X1S': 2, 'RAM128X1D': 4, 'RAM256X1S': 4, 'RAM32M': 4, 'RAM64M': 4, 'RAM32M16': 8, 'RAM64M8': 8,
}  # fmt: skip
CELLS: Mapping[str, CellCost] = MappingProxyType(
    {
        **dict.fromkeys(_XILINX_LUTS, CellCost(luts_logic=1)),  # a LUT6_2 is one LUT with two outputs
        **dict.fromkeys(_XILINX_FFS, CellCost(ffs=1)),
        **dict.fromkeys(_XILINX_FREE, _FREE),
        **{name: CellCost(luts_memory=luts) for name, luts in _XILINX_MEMORY.items()},
        'CARRY4': CellCost(carry=1),
        'CARRY8': CellCost(carry=1),
        'DSP48E1': CellCost(dsps=1),
        'DSP48E2': CellCost(dsps=1),
        'RAMB18E1': CellCost(brams=0.5),
        'RAMB18E2': CellCost(brams=0.5),
        'RAMB36E1': CellCost(brams=1),
        'RAMB36E2': CellCost(brams=1),
        'URAM288': CellCost(urams=1),
        # Lattice ECP5: a carry cell is made of two LUT4s (FPGA-TN-02032, ripple mode of a slice)
        'CCU2C': CellCost(luts_logic=2, carry=1),
        'PFUMX': _FREE,
        'L6MUX21': _FREE,
        'TRELLIS_FF': CellCost(ffs=1),
        'TRELLIS_DPR16X4': CellCost(luts_memory=4),
        'MULT18X18D': CellCost(dsps=1),
        'ALU54B': CellCost(dsps=1),
        'DP16KD': CellCost(brams=1),
        # Lattice iCE40: a carry is beside the LUT of its logic cell
        'SB_LUT4': CellCost(luts_logic=1),
        'SB_CARRY': CellCost(carry=1),
        **{f'SB_DFF{kind}': CellCost(ffs=1) for kind in ('', 'E', 'SR', 'R', 'SS', 'S', 'ESR', 'ER', 'ESS', 'ES')},
        'SB_MAC16': CellCost(dsps=1),
        'SB_RAM40_4K': CellCost(brams=1),
        # Gowin: a carry cell is a LUT in arithmetic mode (UG288)
        'ALU': CellCost(luts_logic=1, carry=1),
        **{f'DFF{kind}': CellCost(ffs=1) for kind in ('', 'E', 'S', 'SE', 'R', 'RE', 'P', 'PE', 'C', 'CE')},
        **dict.fromkeys(('MUX2_LUT5', 'MUX2_LUT6', 'MUX2_LUT7', 'MUX2_LUT8'), _FREE),
        **dict.fromkeys(('MULT9X9', 'MULT18X18', 'MULT36X36'), CellCost(dsps=1)),
        '$scopeinfo': _FREE,
    }
)


def parse_stat(text: str, module: str, source: str = 'stat.json') -> Resources:
    """The resources of a module with everything below it.

    Raises ReportParseError for what is not such a report, and for a cell that has no known cost: it is never left out.
    """
    report = JsonReport(text, source, 'yosys')
    modules = {name.removeprefix('\\'): data for name, data in report.member(report.data, 'modules').items()}
    if module not in modules:
        raise report.error(f'there is no module {module!r}')
    known: dict[str, Counter[str]] = {}
    cells = _cells(module, modules, report, known, ())
    if not cells:
        return Resources(0, 0, 0, 0, 0, 0, 0)
    costs = [[count * part for part in CELLS[name]] for name, count in cells.items()]
    logic, memory, ffs, carry, dsps, brams, urams = (sum(column) for column in zip(*costs, strict=True))
    return Resources(int(logic), int(memory), int(ffs), int(carry), int(dsps), brams, int(urams))


def _cells(
    module: str,
    modules: Mapping[str, Any],
    report: JsonReport,
    known: dict[str, Counter[str]],
    above: tuple[str, ...],
) -> Counter[str]:
    """Primitive cells of a module and of the modules that it instantiates, counted once a module."""
    if module in known:
        return known[module]
    if module in above:
        raise report.error(f'module {module!r} contains itself', module)
    data = report.mapping(modules[module], module)
    own = report.member(data, 'num_cells_by_type')
    total: Counter[str] = Counter()
    for name in own:
        count = report.count(own, name)
        kind = name.removeprefix('\\')
        if kind in modules:
            inner = _cells(kind, modules, report, known, (*above, module))
            total.update({cell: count * number for cell, number in inner.items()})
        elif kind in CELLS:
            total[kind] += count
        else:
            raise report.error(f'cell {kind!r} has no known cost', name)
    inside = sum(count for name, count in own.items() if name.removeprefix('\\') in modules)
    # whether instances of modules are among the cells differs between versions
    if 'num_cells' in data and report.count(data, 'num_cells') not in (sum(own.values()), sum(own.values()) - inside):
        raise report.error(f'num_cells of {module!r} is not the sum of its kinds of cells', 'num_cells')
    if 'num_submodules' in data and report.count(data, 'num_submodules') != inside:
        raise report.error(f'num_submodules of {module!r} is not the number of its instances', 'num_submodules')
    known[module] = total
    return total
