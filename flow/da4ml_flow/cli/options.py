"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]

DEFAULT_LEVELS = 4

JSON = click.option('--json', 'as_json', is_flag=True, help='One JSON object on stdout, everything else on stderr.')
LANGUAGE = click.option(
    '--language', type=click.Choice(['verilog', 'vhdl']), default='verilog', show_default=True, help='Of the hardware.'
)
ANY_LANGUAGE = click.option(
    '--language',
    type=click.Choice(['verilog', 'vhdl', 'vitis', 'ac', 'oneapi']),
    default='verilog',
    show_default=True,
    help='Of the hardware; the last three are C++ for high-level synthesis.',
)
OVERRIDES = click.option(
    '--set', 'overrides', multiple=True, metavar='KEY=VALUE', help='Override a key, as in rtl.clock_ns=4.0.'
)
CONFIG = click.option(
    '-c', '--config', 'config_file', type=click.Path(path_type=Path), help='Use the database of this file.'
)
DATABASE = click.option('--database', metavar='URL', help='Use this database, as in sqlite:///results/da4ml.sqlite.')
CONFIG_FILE = click.argument('config_file', metavar='CONFIG', type=click.Path(path_type=Path))


def solver_options(command: Command) -> Command:
    """How a model that is compiled without a configuration is optimized."""
    for option in (
        click.option('--effort', type=click.Choice(['fast', 'balanced', 'max']), default='balanced', show_default=True),
        click.option('--extra-depth', type=click.IntRange(0, 64), default=2, show_default=True),
        click.option('--device', default='xilinx-us+', show_default=True, help='Device family whose costs count.'),
        click.option(
            '--max-operands',
            type=click.Choice(['auto', '2', '3']),
            default='auto',
            show_default=True,
            help='Of one adder; auto: 3 where the device adds three as cheaply.',
        ),
        click.option('--input-type', help='Of an .onnx model that does not quantize its inputs, as in fixed<3,12>.'),
    ):
        command = option(command)
    return command


def pipeline_options(command: Command) -> Command:
    """Where a design that is emitted without a configuration has its registers: the argument ``limits``."""

    @wraps(command)
    def limited(**options: Any) -> Any:
        limits = {name: options.pop(name) for name in ('max_levels', 'max_delay_ns', 'stages', 'latency_ns')}
        if all(limit is None for limit in limits.values()):
            limits['max_levels'] = DEFAULT_LEVELS
        limits['max_levels'] = limits['max_levels'] or None
        return command(limits={**limits, 'clock_ns': options.pop('clock_ns')}, **options)

    positive = click.FloatRange(0, min_open=True)
    decorated: Command = limited
    for option in (
        click.option('--clock-ns', type=positive, default=5.0, show_default=True, help='Clock for --latency-ns.'),
        click.option('--latency-ns', type=positive, help='As many stages as fit into it, all as short as possible.'),
        click.option('--stages', type=click.IntRange(1, 10_000), help='So many stages, all as short as possible.'),
        click.option('--max-delay-ns', type=positive, help="From register to register, by the device's model."),
        click.option(
            '--max-levels',
            type=click.IntRange(0, 1000),
            help=f'Adder levels between registers; 0: combinational.  [default: {DEFAULT_LEVELS}]',
        ),
    ):
        decorated = option(decorated)
    return decorated
