"""Damage to a report: what a full disk, a lost line or a stray byte makes of it, and what a parser makes of that."""

import random
import re
import string
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from da4ml_flow.errors import ReportParseError


class Damaged(NamedTuple):
    """A changed report; ``rewritten`` if its tool could have written it: only digits, blanks, cells or rows changed."""

    text: str
    kind: str
    rewritten: bool = False


class Verdict(NamedTuple):
    """Outcomes by kind of damage: right, refused, lost (a figure is absent, the others right), rewritten or wrong."""

    outcomes: Counter[str]
    wrong: list[tuple[str, str]]

    def share(self, outcome: str) -> int:
        return sum(count for name, count in self.outcomes.items() if name.endswith(outcome))


def damage(text: str, generator: random.Random, places: list[tuple[int, int]]) -> Damaged:
    """One random change; half of them within ``places``, where the figures are."""
    if places and generator.random() < 0.5:
        first, last = generator.choice(places)
        at = generator.randrange(first, last)
    else:
        at = generator.randrange(len(text))
    begin = text.rfind('\n', 0, at) + 1
    end = text.find('\n', at) + 1 or len(text)
    line = text[begin:end]
    kind = generator.choice(KINDS)
    if kind == 'truncate':
        return Damaged(text[:at], kind)
    if kind == 'delete line':
        return Damaged(text[:begin] + text[end:], kind)
    if kind == 'double line':
        return Damaged(text[:begin] + line + text[begin:], kind)
    if kind == 'swap lines':
        other = text.find('\n', end) + 1 or len(text)
        exchanged = all(part.startswith('<table') for part in (line, text[end:other]))  # two cells of XML
        return Damaged(text[:begin] + text[end:other] + line + text[other:], kind, exchanged)
    if kind == 'join lines':
        return Damaged(text[: end - 1] + text[end:], kind)
    if kind == 'delete part':
        part = text[at : at + generator.randint(1, 200)]
        whole_rows = begin > 0 and len(part) % len(line) == 0  # what is left of two rows is one that fits the table
        return Damaged(text[:at] + text[at + len(part) :], kind, _is_figure(part) or whole_rows)
    if kind == 'repeat part':
        part = text[at : at + generator.randint(1, 200)]
        return Damaged(text[:at] + part + text[at:], kind, _is_figure(part))
    if kind == 'zeros':
        return Damaged(text[:at] + '\0' * generator.choice((1, 16, 512)) + text[at + 1 :], kind)
    if kind == 'insert':
        new = generator.choice(STRANGE)
        return Damaged(text[:at] + new + text[at:], kind, _is_figure(new))
    if kind == 'digit':
        found = re.compile('[0-9]').search(text, at)
        at = found.start() if found else at
        new = generator.choice(string.digits)
    elif kind == 'bit':
        new = chr(ord(text[at]) ^ 1 << generator.randrange(7))
    else:
        new = generator.choice(STRANGE)
    return Damaged(text[:at] + new + text[at + 1 :], kind, _is_figure(new + text[at]))


def _is_figure(text: str) -> bool:
    return text.strip(string.digits + ' ') == ''


KINDS = (
    'truncate', 'delete line', 'double line', 'swap lines', 'join lines', 'delete part', 'repeat part', 'zeros',
    'insert', 'replace', 'bit', 'digit',
)  # fmt: skip
STRANGE = string.printable + '\0\x1b\x85\xa0é٣\uff15\u2028\ufeff'


def compare(found: Any, right: Any) -> str:
    """'right' if all numbers are the same, 'lost' if some are absent and the others right, else 'wrong'."""
    if isinstance(right, str) or found == right:
        return 'right'
    if found is None:
        return 'lost'
    if not isinstance(right, tuple) or not isinstance(found, tuple):
        return 'wrong'
    if hasattr(right, '_fields'):
        verdicts = {compare(a, b) for a, b in zip(found, right, strict=True)}
    else:  # records, each with its own name: one that is there must be one of those of the whole report
        verdicts = {min((compare(a, b) for b in right), key=('right', 'lost', 'wrong').index) for a in found}
        verdicts |= {'lost'} if len(found) < len(right) else set()
    return next((verdict for verdict in ('wrong', 'lost') if verdict in verdicts), 'right')


def read(parse: Callable[[str], Any], text: str, right: Any) -> str:
    """What became of the result: as ``compare`` says, or 'refused' by an error that names a line of the text."""
    try:
        return compare(parse(text), right)
    except ReportParseError as error:
        place = error.location
    assert place is not None
    assert place.line is not None
    assert 1 <= place.line <= text.count('\n') + 1
    return 'refused'


def check_truncations(parse: Callable[[str], Any], text: str, step: int = 1) -> None:
    """Whatever is left of a report has all of its figures, or is refused."""
    right = parse(text)
    for end in range(0, len(text.rstrip()), step):
        assert read(parse, text[:end], right) in ('right', 'refused'), text[:end][-200:]


def try_damage(
    parse: Callable[[str], Any],
    text: str,
    hot: str,
    count: int,
    seed: int = 0,
    show: int = 20,
    could_be: Callable[[str, str], bool] = lambda text, damaged: False,
) -> Verdict:
    """What ``parse`` makes of ``count`` damaged reports; lines that match ``hot`` hold the figures.

    ``could_be`` says whether a text is one that the tool could have written of another design. Any other exception
    than ReportParseError comes through.
    """
    generator = random.Random(seed)
    places = [match.span() for match in re.compile(hot, re.MULTILINE).finditer(text)]
    assert places
    right = parse(text)
    outcomes: Counter[str] = Counter()
    wrong: list[tuple[str, str]] = []
    for _ in range(count):
        damaged = damage(text, generator, places)
        outcome = read(parse, damaged.text, right)
        if outcome == 'wrong' and (damaged.rewritten or could_be(text, damaged.text)):
            outcome = 'rewritten'
        if outcome not in ('right', 'refused'):
            wrong.append((f'{damaged.kind}: {outcome}', _difference(text, damaged.text)))
        outcomes[f'{damaged.kind}: {outcome}'] += 1
    return Verdict(outcomes, wrong[:show])


def _difference(text: str, damaged: str) -> str:
    at = next((at for at, (a, b) in enumerate(zip(text, damaged, strict=False)) if a != b), len(damaged))
    begin = text.rfind('\n', 0, at) + 1
    return f'{text[begin : begin + 100]!r} -> {damaged[begin : begin + 100]!r}'
