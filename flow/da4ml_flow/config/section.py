"""What every section of a configuration shares."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


def problem(kind: str, message: str, hint: str = '', key: str = '') -> PydanticCustomError:
    """A mistake for a validator to raise; the reader turns its kind into a code and points at its value or key."""
    # the message is a template to pydantic: braces in it are the user's own text
    return PydanticCustomError(kind, '{text}', {'text': message, 'hint': hint, 'key': key})


class Section(BaseModel):
    """A mapping of the file: immutable, and every key it has is one of ours."""

    model_config = ConfigDict(frozen=True, extra='forbid', strict=False, validate_default=False)
