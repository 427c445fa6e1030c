"""Pages that are one file: a template with its styles, its scripts and its data inside, and nothing from elsewhere."""

from __future__ import annotations

import html
import json
import re
from importlib import resources
from typing import Any


def embedded(package: str, template: str, title: str, data: Any) -> str:
    """The page of a template: ``@TITLE@``, ``@STYLE@``, ``@PLOT@`` and ``@DATA@`` are filled in."""
    shared = resources.files('da4ml_flow.report')
    parts = {
        'TITLE': html.escape(title),
        'STYLE': shared.joinpath('page.css').read_text(encoding='utf-8'),
        'PLOT': shared.joinpath('plot.js').read_text(encoding='utf-8'),
        # inside a script only the end of that script, and what looks like a comment around it, must not appear
        'DATA': json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(',', ':')).replace('<', '\\u003c'),
    }
    text = resources.files(package).joinpath(template).read_text(encoding='utf-8')
    return re.sub(f'@({"|".join(parts)})@', lambda match: parts[match[1]], text)
