"""The configuration's JSON Schema, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from da4ml_flow.config.model import BuildConfig


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a configuration file."""
    return {
        '$schema': 'https://json-schema.org/draft/2020-12/schema',
        **BuildConfig.model_json_schema(),
        'title': 'da4ml-flow build configuration',
    }
