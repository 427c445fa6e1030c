"""Resources from Vivado's report_utilization: text and XML, flat and by hierarchy, of every family.

A figure that the report holds twice must be the same in both places, and one that is the sum of others must be it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from da4ml_flow.eda.parsers.text_table import ReportText, Row, Table
from da4ml_flow.eda.parsers.vivado_sections import VivadoHead, read_sections
from da4ml_flow.eda.parsers.xml_report import Element, read_xml

_LOGIC = ('CLB Logic', 'Slice Logic', 'Netlist Logic')
_DISTRIBUTION = ('CLB Logic Distribution', 'Slice Logic Distribution')
_MEMORY = ('BLOCKRAM', 'Memory', 'Block RAM')
_DSP = ('ARITHMETIC', 'DSP')
_HIERARCHY = 'Utilization by Hierarchy'
_LUTS = ('CLB LUTs', 'Slice LUTs')
_FFS = ('CLB Registers', 'Slice Registers', 'Registers')
_CARRY = ('CARRY8', 'LOOKAHEAD8')
_DSPS = ('DSPs', 'DSP Slices')
_PERCENT = re.compile(r' *\( *<? *[0-9.]+%\)', re.ASCII)

Tables = Mapping[str, Table]


class Instance(NamedTuple):
    """A row of the hierarchy, with everything below it; ``depth`` of the top is 0, ``urams`` None without a column."""

    name: str
    module: str
    depth: int
    luts: int
    luts_logic: int
    luts_memory: int
    ffs: int
    dsps: int
    brams: float
    urams: int | None


class Utilization(NamedTuple):
    """Resources of a design, None where the report does not say; ``brams`` in tiles of two RAMB18.

    A carry cell has 8 bits, 4 in series 7. ``head`` is None in XML, which has none.
    """

    head: VivadoHead | None
    luts: int
    luts_logic: int | None
    luts_memory: int | None
    ffs: int
    carry: int | None
    dsps: int | None
    brams: float | None
    urams: int | None
    instances: tuple[Instance, ...] = ()

    def figures(self) -> dict[str, float]:
        """What the report says, by the names of the metrics."""
        names = ('luts', 'luts_logic', 'luts_memory', 'ffs', 'carry', 'dsps', 'brams', 'urams')
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def parse_utilization(text: str, source: str = 'utilization.rpt') -> Utilization:
    """The resources in a text or XML report; raises ReportParseError for what is not whole, or contradicts itself."""
    if text.lstrip().startswith('<'):
        report, head, tables = _xml_tables(text, source)
    else:
        report = ReportText(text, source, 'vivado')
        whole = read_sections(report, 'report_utilization')
        head = whole.head
        wanted = (*_LOGIC, *_DISTRIBUTION, *_MEMORY, *_DSP, _HIERARCHY, 'Primitives')
        tables = {}
        for title in wanted:
            section = whole.sections.get(title)
            if section is not None:
                if len(section.boxes) != 1:
                    raise report.error(f'section {title!r} is not of one table', section.line)
                tables[title] = section.boxes[0].table()
    flat = _flat(report, tables, head)
    nested = _hierarchy(tables[_HIERARCHY], head) if _HIERARCHY in tables else None
    if flat is not None:
        return flat if nested is None else flat._replace(instances=nested.instances)
    if nested is None:
        raise report.error('it has neither logic nor a hierarchy: is it truncated?', 1)
    return nested


def _flat(report: ReportText, tables: Tables, head: VivadoHead | None) -> Utilization | None:
    logic = _first(tables, _LOGIC)
    if logic is None:
        if any(_first(tables, titles) is not None for titles in (_DISTRIBUTION, _MEMORY, _DSP)):
            raise report.error('it has no section of logic', 1)
        return None
    luts = _required(logic, _LUTS)
    ffs = _required(logic, _FFS)
    total, registers = _used(logic, luts), _used(logic, ffs)
    kinds = [_required(logic, (name,)) for name in ('LUT as Logic', 'LUT as Memory')]
    logic_luts, memory_luts = (_used(logic, row) for row in kinds)
    _check_sum(logic, luts, total, [logic_luts, memory_luts])
    parts = [_used(logic, row) for row in logic.rows if row.depth == 4 and row.name.startswith('LUT as ')]
    _check_sum(logic, kinds[1], memory_luts, parts)
    _check_sum(logic, ffs, registers, [_used(logic, row) for row in logic.rows if row.name.startswith('Register as')])
    distribution = _first(tables, _DISTRIBUTION)
    for row in (*kinds, ffs):
        again = None if distribution is None else distribution.row(row.name)
        if distribution is not None and again is not None:
            _check_same(distribution, again, _used(distribution, again), _used(logic, row))
    dsp_table, block_table = _first(tables, _DSP), _first(tables, _MEMORY)
    uram = None if block_table is None else block_table.row('URAM')
    return Utilization(
        head,
        total,
        logic_luts,
        memory_luts,
        registers,
        _carry(logic, tables.get('Primitives')),
        None if dsp_table is None else _dsps(dsp_table),
        None if block_table is None else _block_rams(block_table),
        None if block_table is None or uram is None else _used(block_table, uram),
    )


def _carry(logic: Table, primitives: Table | None) -> int | None:
    """Carry cells: from the sites, or from the primitives where the family has no such site."""
    site = logic.row(*_CARRY)
    cells = None if primitives is None else primitives.row(*(('CARRY4',) if site is None else ('CARRY8',)))
    if site is None:
        return None if primitives is None or cells is None else _used(primitives, cells)
    count = _used(logic, site)
    if primitives is not None and cells is not None and site.name == cells.name:
        _check_same(logic, site, count, _used(primitives, cells))
    return count


def _dsps(table: Table) -> int:
    row = _required(table, _DSPS)
    count = _used(table, row)
    _check_sum(table, row, count, [_used(table, child) for child in table.rows if child.name.endswith(' only')])
    return count


def _block_rams(table: Table) -> float:
    """Tiles, which are halved by a single RAMB18."""
    row = _required(table, ('Block RAM Tile',))
    text = table.text(row, 'Used')
    tiles = table.report.number(text.removesuffix('.5'), row.line, f'{row.name}, Used', 0) + 0.5 * text.endswith('.5')
    _check_percent(table, row, tiles)
    whole, half = table.row('RAMB36/FIFO', 'RAMB36'), table.row('RAMB18')
    if whole is not None and half is not None and tiles != _used(table, whole) + _used(table, half) / 2:
        raise table.report.error(f'{row.name} is not the sum of RAMB36 and half of RAMB18', row.line)
    return tiles


def _hierarchy(table: Table, head: VivadoHead | None) -> Utilization:
    instances = tuple(_instances(table))
    if not instances or instances[0].module != '(top)' or instances[0].depth:
        raise table.report.error('the hierarchy does not begin with its top', table.line)
    if head is not None and instances[0].name != head.design:
        raise table.report.error(f'the top of the hierarchy is not the design {head.design!r}', table.rows[0].line)
    if any(instance.depth == 0 for instance in instances[1:]):
        raise table.report.error('the hierarchy has two tops', table.line)
    _check_children(table, instances)
    top = instances[0]
    return Utilization(
        head, top.luts, top.luts_logic, top.luts_memory, top.ffs, None, top.dsps, top.brams, top.urams, instances
    )


def _check_children(table: Table, instances: tuple[Instance, ...]) -> None:
    """What is below an instance is part of it; LUTs are left out, for two instances may share one."""
    above: list[int] = []
    totals = [dict.fromkeys(('ffs', 'dsps', 'brams', 'urams'), 0.0) for _ in instances]
    for at, instance in enumerate(instances):
        del above[instance.depth :]
        for name, total in totals[above[-1]].items() if above else ():
            totals[above[-1]][name] = total + (getattr(instance, name) or 0)
        above.append(at)
    for instance, row, inside in zip(instances, table.rows, totals, strict=True):
        for name, total in inside.items():
            if total > (getattr(instance, name) or 0):
                raise table.report.error(f'{name} of {row.name!r} are fewer than those of what is in it', row.line)


def _instances(table: Table) -> Iterator[Instance]:
    def count(row: Row, *names: str) -> int:
        text = _PERCENT.sub('', table.text(row, *names))
        return table.report.count(text, row.line, f'{row.name}, {names[0]}')

    for row in table.rows:
        luts, logic, ram, shift = (count(row, name) for name in ('Total LUTs', 'Logic LUTs', 'LUTRAMs', 'SRLs'))
        if luts != logic + ram + shift:
            raise table.report.error(f'the LUTs of {row.name!r} are not the sum of their kinds', row.line)
        yield Instance(
            row.name,
            table.text(row, 'Module'),
            row.depth // 2,
            luts,
            logic,
            ram + shift,
            count(row, 'FFs'),
            count(row, 'DSP Blocks', 'DSP48 Blocks', 'DSP Slices'),
            count(row, 'RAMB36') + count(row, 'RAMB18') / 2,
            None if table.column('URAM') is None else count(row, 'URAM'),
        )


def _first(tables: Tables, titles: Iterable[str]) -> Table | None:
    return next((tables[title] for title in titles if title in tables), None)


def _required(table: Table, names: tuple[str, ...]) -> Row:
    row = table.row(*names)
    if row is None:
        raise table.report.error(f'there is no row {names[0]!r} in this table', table.line)
    return row


def _used(table: Table, row: Row) -> int:
    count = table.count(row, 'Used')
    _check_percent(table, row, count)
    return count


def _check_percent(table: Table, row: Row, used: float) -> None:
    """The percentage must be that of the count, where the table says of how many and none of them is prohibited."""
    if table.column('Util%') is None or table.column('Available') is None:
        return
    percent, available = table.text(row, 'Util%'), table.text(row, 'Available')
    prohibited = table.text(row, 'Prohibited') if table.column('Prohibited') is not None else ''
    if not percent or not available or prohibited not in ('', '0'):
        return
    total = table.report.count(available, row.line, f'{row.name}, Available')
    share = 100 * used / total if total else 0.0
    tiny = percent == '<0.01'
    if not 0 < share < 0.01 if tiny else abs(table.number(row, 'Util%', decimals=2) - share) > 0.0051:
        raise table.report.error(f'{row.name}: {used} of {available} are not {percent} %', row.line)


def _check_sum(table: Table, row: Row, total: int, parts: list[int]) -> None:
    if parts and sum(parts) != total:
        raise table.report.error(f'{row.name}: {total} is not the sum of {parts}', row.line)


def _check_same(table: Table, row: Row, count: int, other: int) -> None:
    if count != other:
        raise table.report.error(f'{row.name}: {count} here, {other} in another table', row.line)


def _xml_tables(text: str, source: str) -> tuple[ReportText, None, dict[str, Table]]:
    """Tables by the title of their section, from the XML that ``report_utilization -format xml`` writes."""
    report = ReportText(text, source, 'vivado')
    root = read_xml(text, source, 'vivado')
    if root.tag != 'RptDoc':
        raise report.error(f'it is not a report: <{root.tag}>', root.line)
    tables: dict[str, Table] = {}
    for section in root.descendants('section'):
        title = section.attributes.get('title', '').strip()
        for element in section.children:
            if element.tag != 'table':
                continue
            if title in tables:
                raise report.error(f'there are two tables in section {title!r}', element.line)
            tables[title] = _xml_table(report, element)
    return report, None, tables


def _xml_table(report: ReportText, element: Element) -> Table:
    header = tuple(cell.attributes.get('contents', '').strip() for cell in element.descendants('tableheader'))
    rows = tuple(row for row in _xml_rows(element, 0) if row.cells)
    for row in rows:
        if header and len(row.cells) != len(header):
            raise report.error('this row has not as many cells as the header of its table', row.line)
    return Table(report, element.line, header, rows)


def _xml_rows(element: Element, depth: int) -> Iterator[Row]:
    """The rows of a table; one inside another is indented as it is in the text report."""
    for row in element.children:
        if row.tag == 'tablerow':
            cells = [cell.attributes.get('contents', '') for cell in row.children if cell.tag == 'tablecell']
            if cells:
                cells[0] = 2 * depth * ' ' + cells[0]
            yield Row(row.line, tuple(cells))
            yield from _xml_rows(row, depth + 1)
