"""What the tools of a stage cost, as metrics."""

from __future__ import annotations

from pathlib import Path

from da4ml_flow.eda.usage import read_usage
from da4ml_flow.results.metrics import Metric, measure


def cost_metrics(directory: Path, *, stage: str, part: str = '') -> tuple[Metric, ...]:
    """CPU seconds and peak memory of each tool that a backend ran in a directory."""
    return tuple(
        measure(name, value, stage=stage, tool=usage.tool, part=part)
        for usage in read_usage(directory)
        for name, value in (('cpu_s', usage.cpu_s), ('peak_mb', usage.peak_mb))
    )
