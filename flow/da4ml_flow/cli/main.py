"""The entry point: finds the command, turns every error into a message and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FrameType

import click

from da4ml_core.errors import Da4mlError

# name -> (module, what it does): help needs no import of the commands
COMMANDS = {
    'build': ('build', 'Build a configuration: from the model to measured hardware.'),
    'sweep': ('sweep', 'Build many variants of a configuration, and show the best.'),
    'regress': ('regress', 'Build, and compare with reviewed baselines.'),
    'report': ('report', 'Show recorded runs.'),
    'ingest': ('ingest', 'Put recorded runs of build folders into the database.'),
    'db': ('db', 'Upgrade, check, export or shrink the results database.'),
    'import-reports': ('import_reports', 'Put the reports of project folders into the database.'),
    'predict': ('predict', 'Run a model bit-exactly on data.'),
    'inspect': ('inspect', 'Show what a model holds, and what of it is supported.'),
    'convert': ('convert', 'Write a model as a hardware description.'),
    'quantize': ('quantize', 'Quantize a float model at several bit widths.'),
    'init': ('init', 'Write a commented configuration for a model.'),
    'config': ('config', 'Show or check a configuration, or print its schema.'),
    'issue': ('issue', 'Pack a run for a report of a problem.'),
    'doctor': ('doctor', 'Show the tools that are found, and how to get the others.'),
    'point': ('point', 'Build points of a sweep; what its job arrays run.'),
}
BUG, INTERRUPTED, TERMINATED = 70, 130, 143


class LazyGroup(click.Group):
    """Commands that are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f'da4ml_flow.cli.{module}'), module)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section('Commands'):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ''
        if name and not name.startswith('-') and name not in COMMANDS:
            from da4ml_flow.config.nearest import nearest

            near = nearest(name, list(COMMANDS))
            ctx.fail(f'no command {name!r}; ' + (f'did you mean {near!r}?' if near else f'try {ctx.info_name} --help'))
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from da4ml_flow.runner.keys import package_version

        click.echo(f'da4ml-flow {package_version()}')
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={'help_option_names': ['-h', '--help']})
@click.option('--debug', is_flag=True, help='Show the traceback of an error.')
@click.option('--version', is_flag=True, is_eager=True, expose_value=False, callback=_version, help='Show the version.')
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Quantized neural networks to FPGA logic.

    Exit codes: 0 done, 1 the answer is no (mismatch, timing missed), 2 the input is wrong, 3 a tool failed, 70 a bug.
    """
    ctx.obj = {'debug': debug}


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    arguments = list(sys.argv[1:] if args is None else args)
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(run(arguments))


def run(arguments: list[str]) -> int:
    """The exit code of a command line; nothing escapes but SystemExit of a signal."""
    debug = '--debug' in arguments
    try:
        result = cli.main(arguments, prog_name='da4ml-flow', standalone_mode=False)
        code = result if isinstance(result, int) else 0
        sys.stdout.flush()
        return code
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        click.echo('interrupted: finished stages are kept', err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of our output left; the interpreter would complain again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Da4mlError as error:
        return _failed(error, debug)
    except OSError as error:
        from da4ml_flow.workspace import refusal

        refused = refusal(error)
        if refused is not None and error.filename is None and not error.filename2:
            with suppress(OSError):  # our output may be what found no space: the interpreter would complain again
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _failed(refused or error, debug)
    except Exception as error:
        return _failed(error, debug)


def _failed(error: Exception, debug: bool) -> int:
    """Say what went wrong; returns the exit code."""
    if debug:
        traceback.print_exc()
    if not isinstance(error, Da4mlError):
        _report_bug(error)
        return BUG
    show_error(error)
    if error.exit_code == BUG:
        _report_bug(error)
    return error.exit_code


def show_error(error: Da4mlError) -> None:
    """The diagnostic, on stderr."""
    text = str(error)
    if sys.stderr.isatty():
        head, colon, rest = text.partition(':')
        text = click.style(head, fg='red', bold=True) + colon + rest
    click.echo(text, err=True)


def _report_bug(error: Exception) -> None:
    with tempfile.NamedTemporaryFile(
        'w', prefix='da4ml-flow-bug-', suffix='.txt', delete=False, encoding='utf-8'
    ) as file:
        file.write(f'da4ml-flow {" ".join(sys.argv[1:])}\nPython {sys.version}\n\n')
        file.write(''.join(traceback.format_exception(error)))
    place = traceback.extract_tb(error.__traceback__)[-1]
    click.echo(
        f'error[DA2070]: this is a bug of da4ml-flow: {type(error).__name__}: {error}\n'
        f'  --> {Path(place.filename).name}:{place.lineno}\n'
        f'  help: please report it with the file {file.name}',
        err=True,
    )


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(TERMINATED)


if __name__ == '__main__':
    main()
