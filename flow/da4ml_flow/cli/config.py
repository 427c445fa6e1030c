"""`da4ml-flow config`: show, check, schema."""

from __future__ import annotations

from pathlib import Path

import click

from da4ml_flow.cli.options import CONFIG_FILE, JSON, OVERRIDES


@click.group()
def config() -> None:
    """Show or check a configuration, or print its schema."""


@config.command()
@CONFIG_FILE
@OVERRIDES
@JSON
def show(config_file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print the resolved configuration; defaults and overrides are marked."""
    from da4ml_flow.cli.console import print_json
    from da4ml_flow.config import text
    from da4ml_flow.config.load import load_config

    loaded = load_config(config_file, overrides)
    if as_json:
        print_json(text.plain_data(loaded.config, loaded.root))
    else:
        click.echo(text.show(loaded), nl=False)


@config.command()
@CONFIG_FILE
@OVERRIDES
@JSON
def check(config_file: Path, overrides: tuple[str, ...], as_json: bool) -> int:
    """Say whether CONFIG is right, or everything that is wrong with it; runs nothing."""
    from da4ml_flow.cli.console import error_data, print_json
    from da4ml_flow.config.load import load_config
    from da4ml_flow.errors import ConfigError

    try:
        load_config(config_file, overrides)
    except ConfigError as error:
        if not as_json:
            raise
        print_json({'ok': False, 'errors': [error_data(problem) for problem in error.problems]})
        return error.exit_code
    if as_json:
        print_json({'ok': True, 'errors': []})
    else:
        click.echo(f'{config_file}: ok')
    return 0


@config.command()
def schema() -> None:
    """Print the JSON Schema of configurations, for editors."""
    from da4ml_flow.cli.console import print_json
    from da4ml_flow.config.schema import json_schema

    print_json(json_schema())
