"""Small reports in the dialects of which there is no whole one: written out as the tools frame them."""

from collections.abc import Sequence

Rows = Sequence[Sequence[str]]


def frame(header: Sequence[str] | None, rows: Rows, wall: str = '|') -> str:
    """A framed table; the first column is aligned to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [*([header] if header else []), *rows]) for column in range(len(rows[0]))]
    border = '+' + '+'.join('-' * (width + 2) for width in widths) + '+'

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        inside = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        return wall + wall.join(f' {cell} ' for cell in inside) + wall

    return '\n'.join([border, *([line(header), border] if header else []), *map(line, rows), border])


def vivado(command: str, sections: Sequence[tuple[str, str]], version: str = '2019.2', design: str = 'top') -> str:
    """A report with its head, its contents and its sections; a title begins with its number."""
    rule = 80 * '-'
    head = [
        'Copyright 1986-2019 Xilinx, Inc. All Rights Reserved.',
        rule,
        f'| Tool Version : Vivado v.{version} (lin64) Build 2708876 Wed Nov  6 21:39:14 MST 2019',
        '| Date         : Sun Mar 22 17:26:14 2020',
        '| Host         : server running 64-bit Ubuntu 18.04.4 LTS',
        f'| Command      : {command} -file out.rpt',
        f'| Design       : {design}',
        '| Device       : 7a35ticsg324-1L',
        '| Design State : Fully Placed',
        rule,
        '',
        'Utilization Design Information',
        '',
    ]
    contents = ['Table of Contents', '-----------------', *(title for title, _ in sections), '']
    body = [line for title, text in sections for line in (title, '-' * len(title), '', text, '', '')]
    return '\n'.join([*head, *contents, *body])


SITES = ('Site Type', 'Used', 'Fixed', 'Available', 'Util%')
SITES_PROHIBITED = ('Site Type', 'Used', 'Fixed', 'Prohibited', 'Available', 'Util%')
CELLS = ('Ref Name', 'Used', 'Functional Category')

SERIES_7 = vivado(
    'report_utilization',
    [
        (
            '1. Slice Logic',
            frame(
                SITES,
                [
                    ('Slice LUTs', '8297', '0', '20800', '39.89'),
                    ('  LUT as Logic', '6363', '0', '20800', '30.59'),
                    ('  LUT as Memory', '1934', '0', '9600', '20.15'),
                    ('    LUT as Distributed RAM', '1932', '0', '', ''),
                    ('    LUT as Shift Register', '2', '0', '', ''),
                    ('Slice Registers', '5434', '0', '41600', '13.06'),
                    ('  Register as Flip Flop', '5430', '0', '41600', '13.05'),
                    ('  Register as Latch', '4', '0', '41600', '<0.01'),
                    ('F7 Muxes', '583', '0', '16300', '3.58'),
                ],
            ),
        ),
        ('1.1 Summary of Registers by Type', frame(('Total', 'Clock Enable'), [('5434', 'Yes')])),
        (
            '2. Slice Logic Distribution',
            frame(
                SITES,
                [
                    ('Slice', '2746', '0', '8150', '33.69'),
                    ('LUT as Logic', '6363', '0', '20800', '30.59'),
                    ('LUT as Memory', '1934', '0', '9600', '20.15'),
                    ('Slice Registers', '5434', '0', '41600', '13.06'),
                ],
            ),
        ),
        (
            '3. Memory',
            frame(
                SITES,
                [
                    ('Block RAM Tile', '29.5', '0', '50', '59.00'),
                    ('  RAMB36/FIFO*', '16', '0', '50', '32.00'),
                    ('    RAMB36E1 only', '16', '', '', ''),
                    ('  RAMB18', '27', '0', '100', '27.00'),
                ],
            ),
        ),
        ('4. DSP', frame(SITES, [('DSPs', '4', '0', '90', '4.44'), ('  DSP48E1 only', '4', '', '', '')])),
        ('5. Primitives', frame(CELLS, [('FDRE', '5430', 'Flop & Latch'), ('CARRY4', '343', 'CarryLogic')])),
        ('6. Black Boxes', '+----------+------+\n| Ref Name | Used |\n+----------+------+'),
    ],
)

SERIES_7_SYNTHESIZED = vivado(
    'report_utilization',
    [
        (
            '1. Slice Logic',
            frame(
                SITES_PROHIBITED,
                [
                    ('Slice LUTs*', '21,785', '0', '0', '20,800', '104.74'),
                    ('  LUT as Logic', '21,784', '0', '0', '20,800', '104.73'),
                    ('  LUT as Memory', '1', '0', '0', '9,600', '0.01'),
                    ('Slice Registers', '1', '0', '0', '106400', '<0.01'),
                ],
            )
            + '\n* Warning! The Final LUT count, after physical optimizations, is typically lower.',
        ),
        ('2. Primitives', frame(CELLS, [('LUT2', '21784', 'LUT')])),
    ],
    version='2022.1',
)

VERSAL = vivado(
    'report_utilization',
    [
        (
            '1. Netlist Logic',
            frame(
                SITES_PROHIBITED,
                [
                    ('Registers', '60653', '16', '0', '1799680', '3.37'),
                    ('CLB LUTs', '17535', '0', '0', '899840', '1.95'),
                    ('  LUT as Logic', '17000', '0', '0', '899840', '1.89'),
                    ('  LUT as Memory', '535', '0', '0', '449920', '0.12'),
                    ('LOOKAHEAD8', '142', '0', '0', '112480', '0.13'),
                ],
            ),
        ),
        (
            '2. BLOCKRAM',
            frame(
                SITES_PROHIBITED,
                [('Block RAM Tile', '0.5', '0', '0', '967', '0.05'), ('URAM', '192', '0', '0', '463', '41.47')],
            ),
        ),
        ('3. ARITHMETIC', frame(SITES_PROHIBITED, [('DSP Slices', '1024', '0', '0', '1968', '52.03')])),
    ],
    version='2023.2',
)

INSTANCES = (
    'Instance', 'Module', 'Total LUTs', 'Logic LUTs', 'LUTRAMs', 'SRLs', 'FFs', 'RAMB36', 'RAMB18', 'DSP48 Blocks',
)  # fmt: skip
HIERARCHY = vivado(
    'report_utilization',
    [
        (
            '1. Utilization by Hierarchy',
            frame(
                INSTANCES,
                [
                    ('top', '(top)', '711(3.42%)', '639(3.07%)', '16(0.17%)', '56(0.58%)', '697(1.68%)', '0(0.00%)',
                     '1(1.00%)', '2(2.22%)'),
                    ('  (top)', '(top)', '32(0.15%)', '0(0.00%)', '0(0.00%)', '32(0.33%)', '0(0.00%)', '0(0.00%)',
                     '0(0.00%)', '0(0.00%)'),
                    ('  u_kernel', 'kernel', '679(3.26%)', '639(3.07%)', '16(0.17%)', '24(0.25%)', '697(1.68%)',
                     '0(0.00%)', '1(1.00%)', '2(2.22%)'),
                ],
            ),
        )
    ],
)  # fmt: skip


def xml_table(title: str, header: Sequence[str], rows: Rows) -> str:
    lines = [f'<section title="{title}">', '<table>', '<tablerow>']
    lines += [f'<tableheader contents="{name}"/>' for name in header]
    for row in rows:
        lines += ['</tablerow>', '<tablerow>', *(f'<tablecell contents="{cell}"/>' for cell in row)]
    return '\n'.join([*lines, '</tablerow>', '</table>', '</section>'])


XML = '\n'.join(
    [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<RptDoc title="Utilization Design Information">',
        xml_table(
            'CLB Logic',
            SITES_PROHIBITED,
            [
                ('CLB LUTs', '999', '0', '0', '162720', '0.61'),
                ('  LUT as Logic', '944', '0', '0', '162720', '0.58'),
                ('  LUT as Memory', '55', '0', '0', '99840', '0.06'),
                ('CLB Registers', '920', '0', '0', '325440', '0.28'),
                ('CARRY8', '42', '0', '0', '27120', '0.15'),
            ],
        ),
        xml_table('ARITHMETIC', SITES_PROHIBITED, [('DSPs', '0', '0', '0', '1368', '0.00')]),
        '</RptDoc>',
        '',
    ]
)
XML_HIERARCHY = '\n'.join(
    [
        '<RptDoc>',
        xml_table(
            'Utilization by Hierarchy',
            INSTANCES,
            [
                ('top', '(top)', '120', '100', '12', '8', '90', '1', '1', '2'),
                ('  u_first', 'first', '70', '60', '6', '4', '50', '1', '0', '2'),
            ],
        ),
        '</RptDoc>',
    ]
)
