"""Lines of hardware text that a reviewer can read: none longer than a screen is wide, if its words allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

WIDTH = 120


def fitted(lines: Iterable[str], comment: str) -> Iterator[str]:
    """The same text with long lines broken at spaces, after a comma or before an operator where there is one.

    Verilog and VHDL read a line break as a space; what ``comment`` starts goes on behind another of its kind, and a
    comment behind code too long for it goes above.
    """
    for line in lines:
        if len(line) <= WIDTH:
            yield line
        else:
            yield from _broken(line, comment)


def _broken(line: str, comment: str) -> Iterator[str]:
    text = line.lstrip()
    margin = line[: len(line) - len(text)]
    if text.startswith(comment):
        text, margin, hanging = text.removeprefix(comment).lstrip(), f'{margin}{comment} ', f'{margin}{comment}     '
    else:
        text, mark, note = text.partition(f'  {comment} ')
        if mark:
            yield from fitted([f'{margin}{comment} {note}'], comment)
        hanging = f'{margin}        '
    while len(margin) + len(text) > WIDTH:
        end = _break(text, WIDTH - len(margin))
        if end == len(text):
            break
        yield f'{margin}{text[:end]}'
        margin, text = hanging, text[end:].lstrip()
    yield f'{margin}{text}'


def _break(text: str, room: int) -> int:
    """Where the first line of a text ends; the whole text if it has no space."""
    after_comma, before_operator = text.rfind(', ', 0, room) + 1, text.rfind(' & ', 0, room)
    best = max(after_comma, before_operator)
    if best <= 0:
        best = text.rfind(' ', 0, room + 1)
    if best <= 0:
        best = text.find(' ')
    return best if best > 0 else len(text)
