"""Every entry of the list of known weak spots has a test that is marked with it, and no mark is without an entry."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
BETWEEN = r'(?<=[\w)`\'"])[.;]\s'
SECTIONS = {r'## Weak spots (9\.\d)': '{}', r'\* Still broken in (0\.8\.2)': '{}', r'### More of alkaid': 'more'}


def entries(text):
    """The clauses of each entry, by its number: 9.1.1 ..., 9.2 ..., 0.8.2, more.1 ...; lists are cut at commas."""
    found = {}
    section, item = None, None
    for line in text.splitlines():
        heads = [(name, re.match(head, line)) for head, name in SECTIONS.items()]
        head = next(((name, match) for name, match in heads if match), None)
        if head:
            section = item = head[0].format(*head[1].groups())
            line = line.partition(':')[2] if line.startswith('*') else ''
        elif line.startswith(('#', '* ')) or (section == '0.8.2' and not line.strip()):
            section = None
        numbered = re.match(r'(?:(\d+)\.|-) (.*)', line)
        if section and numbered:
            number = numbered[1] or 1 + sum(name.startswith(f'{section}.') for name in found)
            item, line = f'{section}.{number}', numbered[2]
        if section and line.strip():
            found[item] = f'{found.get(item, "")} {line.strip()}'
    return {name: clauses(words, name in ('9.3', '9.4')) for name, words in found.items()}


def clauses(words, is_list):
    """The parts between full stops and semicolons (of a list also between commas), not those within brackets."""
    depth, flat = 0, ''
    for char in words:
        depth += (char == '(') - (char == ')')
        flat += char if not depth or char == '(' else '\0'
    cuts = [0, *(match.end() for match in re.finditer(BETWEEN + (r'|,\s' if is_list else ''), f'{flat} ')), len(words)]
    parts = [words[start:end].strip(' .,;') for start, end in pairwise(cuts)]
    return [part for part in parts if part and not re.fullmatch(r'\(.*\)', part)]


def claims():
    """Every `weak_spot(entry, words)` in the tests, with where it is."""
    for path in sorted(TESTS.rglob('test_*.py')):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, 'id', getattr(node.func, 'attr', '')) == 'weak_spot':
                entry, words = (argument.value for argument in node.args)
                yield entry, words, f'{path.relative_to(TESTS)}:{node.lineno}'


def test_a_list_is_cut_into_its_clauses():
    text = """
## Weak spots 9.1 Wrong
1. One (a. b; c): more. Two, too
   of it.
## Weak spots 9.3 Limits
first (x, y), second; third.

## Others
- no entry

* Still broken in 0.8.2: `x` -> no.
  and (this, too); that.

### More of alkaid
- One.
- Two.
"""
    assert entries(text) == {
        '9.1.1': ['One (a. b; c): more', 'Two, too of it'],
        '9.3': ['first (x, y)', 'second', 'third'],
        '0.8.2': ['`x` -> no', 'and (this, too)', 'that'],
        'more.1': ['One'],
        'more.2': ['Two'],
    }


def test_every_clause_has_a_test_and_every_test_a_clause(shared):
    listed = entries((shared / 'design' / 'peers.md').read_text())
    assert len(listed) == 21
    marked = list(claims())
    for entry, words, place in marked:
        hits = [clause for clause in listed.get(entry, []) if words in clause]
        assert hits, f'{place}: entry {entry} has nothing with {words!r}'
    missing = [
        f'{entry}: {clause}'
        for entry, parts in listed.items()
        for clause in parts
        if not any(entry == claimed and words in clause for claimed, words, _ in marked)
    ]
    assert missing == []


@pytest.mark.parametrize('minimum', [60])
def test_the_marks_are_found(minimum):
    assert len(list(claims())) >= minimum
