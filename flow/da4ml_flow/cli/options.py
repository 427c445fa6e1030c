"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]

JSON = click.option('--json', 'as_json', is_flag=True, help='One JSON object on stdout, everything else on stderr.')
LANGUAGE = click.option(
    '--language', type=click.Choice(['verilog', 'vhdl']), default='verilog', show_default=True, help='Of the hardware.'
)
OVERRIDES = click.option(
    '--set', 'overrides', multiple=True, metavar='KEY=VALUE', help='Override a key, as in rtl.clock_ns=4.0.'
)
CONFIG_FILE = click.argument('config_file', metavar='CONFIG', type=click.Path(path_type=Path))


def solver_options(command: Command) -> Command:
    """How a model that is compiled without a configuration is optimized."""
    for option in (
        click.option('--effort', type=click.Choice(['fast', 'balanced', 'max']), default='balanced', show_default=True),
        click.option('--extra-depth', type=click.IntRange(0, 64), default=2, show_default=True),
        click.option('--device', default='xilinx-us+', show_default=True, help='Device family whose costs count.'),
        click.option('--input-type', help='Of an .onnx model that does not quantize its inputs, as in fixed<3,12>.'),
    ):
        command = option(command)
    return command


def pipeline_options(command: Command) -> Command:
    """Where a design that is emitted without a configuration has its registers."""
    return click.option(
        '--max-levels',
        type=click.IntRange(0, 1000),
        default=4,
        show_default=True,
        help='Adder levels between registers; 0: combinational.',
    )(command)
