"""What reports of Vivado share: the head that says what made them, and numbered sections of framed tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from da4ml_flow.eda.parsers.text_table import Box, ReportText, read_boxes

_KEY = re.compile(r'\| (?P<key>[A-Z][A-Za-z ]*?) *: ?(?P<value>.*)')
_VERSION = re.compile(r'Vivado v\.(?P<version>[0-9]{4}\.[0-9]+(?:\.[0-9]+)?)\b', re.ASCII)
_HEADING = re.compile(r'(?P<number>[0-9]+\.(?:[0-9]+(?:\.[0-9]+)*)?) (?P<title>\S.*)', re.ASCII)


class VivadoHead(NamedTuple):
    """Who wrote a report, and of what; ``state`` is that of the design, empty where it is not said."""

    version: str
    command: str
    design: str
    device: str
    state: str


@dataclass(frozen=True, slots=True)
class Section:
    """A section that the table of contents lists; ``line`` is that of its heading."""

    title: str
    line: int
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class VivadoReport:
    """A report with its sections by title, in the order of its table of contents."""

    text: ReportText
    head: VivadoHead
    sections: Mapping[str, Section]


def read_head(report: ReportText, command: str) -> tuple[VivadoHead, int]:
    """The head of a report that ``command`` wrote, and the number of the line after it."""
    number = next((at for at, line in enumerate(report.lines[:8], 1) if _is_rule(line)), None)
    if number is None:
        raise report.error('it does not begin as the reports of Vivado do', 1)
    keys: dict[str, str] = {}
    for at in range(number + 1, len(report.lines) + 1):
        line = report.lines[at - 1]
        if _is_rule(line):
            break
        match = _KEY.fullmatch(line)
        if match is None or match['key'] in keys:
            raise report.error('this line does not belong to the head of a report', at)
        keys[match['key']] = match['value'].strip(' ')
    else:
        raise report.error('it ends within its head: is it truncated?', len(report.lines))
    missing = [key for key in ('Tool Version', 'Command', 'Design', 'Device') if not keys.get(key)]
    if missing:
        raise report.error(f'its head does not say {missing[0]!r}', number)
    version = _VERSION.match(keys['Tool Version'])
    if version is None:
        raise report.error(f'it is of an unknown tool: {keys["Tool Version"]!r}', number)
    if keys['Command'].split()[0] != command:
        raise report.error(f'it is not of {command}: {keys["Command"]!r}', number)
    head = VivadoHead(version['version'], keys['Command'], keys['Design'], keys['Device'], keys.get('Design State', ''))
    return head, at + 1


def read_sections(report: ReportText, command: str) -> VivadoReport:
    """The sections of a report; raises where they are not those of its table of contents, all of them in order."""
    head, start = read_head(report, command)
    try:
        contents = report.lines.index('Table of Contents', start - 1) + 1
    except ValueError:
        raise report.error('it has no table of contents', start) from None
    listed: list[str] = []
    number = contents + 2
    while number <= len(report.lines) and _HEADING.fullmatch(report.lines[number - 1]) is not None:
        listed.append(report.lines[number - 1])
        number += 1
    if not listed:
        raise report.error('its table of contents is empty', contents)
    headings = [at for at in range(number, len(report.lines)) if _is_heading(report, at)]
    found = [report.lines[at - 1] for at in headings]
    for entry, at in zip(listed, headings, strict=False):
        if entry != report.lines[at - 1]:
            raise report.error(f'the table of contents has {entry!r} here', at)
    if len(found) != len(listed):
        missing = listed[len(found)] if len(found) < len(listed) else found[len(listed)]
        raise report.error(f'section {missing!r} is only in one of contents and report: is it truncated?', contents)
    if any(line.startswith(('+', '|')) for line in report.lines[start - 1 : headings[0] - 1]):
        raise report.error('there is a table before the first section', start)
    sections: dict[str, Section] = {}
    for at, end in zip(headings, [*headings[1:], len(report.lines) + 1], strict=True):
        title = report.lines[at - 1].split(' ', 1)[1]
        if title in sections:
            raise report.error(f'there are two sections {title!r}', at)
        sections[title] = Section(title, at, read_boxes(report, at + 2, end - 1))
    return VivadoReport(report, head, sections)


def _is_rule(line: str) -> bool:
    return len(line) >= 20 and set(line) == {'-'}


def _is_heading(report: ReportText, number: int) -> bool:
    line, rule = report.lines[number - 1], report.lines[number]
    return len(rule) == len(line) and set(rule) == {'-'} and _HEADING.fullmatch(line) is not None
