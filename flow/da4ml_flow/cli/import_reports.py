"""`da4ml-flow import-reports`: reports of tools that someone else ran, into the database."""

from __future__ import annotations

from pathlib import Path

import click

from da4ml_flow.cli.ingest import FOLDERS, put
from da4ml_flow.cli.options import CONFIG, DATABASE, JSON


@click.command('import-reports')
@FOLDERS
@CONFIG
@DATABASE
@JSON
def import_reports(folders: tuple[Path, ...], config_file: Path | None, database: str | None, as_json: bool) -> int:
    """Read the reports in project folders, however deep, and record a run for each project.

    Reports of Vivado (utilization, timing summary, power), Quartus (fit, sta), Vitis HLS (csynth), Yosys and nextpnr
    are known by what is in them, and the metadata.json of da4ml and alkaid. The same reports are the same run. A
    damaged report is shown, and the rest is recorded; exit code 1 then.
    """
    from da4ml_flow.runner.imports import read_reports

    return put(read_reports, folders, config_file, database, as_json)
