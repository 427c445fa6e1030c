"""What each tool of a build cost: CPU seconds and peak memory, as `shims/meter.py` wrote them down."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

USAGE_FILE = 'usage.jsonl'
_NOT_TOOLS = ('mv', 'cp', 'rm')


class Usage(NamedTuple):
    """The cost of a tool with the processes that it waited for, over all its calls; the peak is of one process."""

    tool: str
    wall_s: float
    cpu_s: float
    peak_mb: float


def read_usage(directory: Path) -> tuple[Usage, ...]:
    """The tools in the order of their first call; none where nothing was measured."""
    try:
        lines = (directory / USAGE_FILE).read_text().splitlines()
    except OSError:
        return ()
    found: dict[str, Usage] = {}
    for line in lines:
        try:
            cost = json.loads(line)
        except ValueError:
            continue  # cut off by a full disk
        tool = re.split('[-_]', cost['tool'])[0]  # nextpnr-ecp5 is nextpnr for one device, quartus_sh one of Quartus'
        if tool in _NOT_TOOLS:
            continue
        before = found.get(tool, Usage(tool, 0.0, 0.0, 0.0))
        found[tool] = Usage(
            tool,
            round(before.wall_s + cost['wall_s'], 3),
            round(before.cpu_s + cost['cpu_s'], 3),
            round(max(before.peak_mb, cost['peak_kb'] / 1024), 1),
        )
    return tuple(found.values())
