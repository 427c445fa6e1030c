"""XML reports as a tree of elements that know their lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from da4ml_flow.errors import Location, ReportParseError

_MAX_DEPTH = 200


@dataclass(slots=True)
class Element:
    """A tag with what is in it; ``text`` is that of an element without children, as it is: blanks in it are damage."""

    tag: str
    attributes: Mapping[str, str]
    line: int
    children: list[Element] = field(default_factory=list)
    text: str = ''

    def descendants(self, tag: str) -> Iterator[Element]:
        """All elements of that tag below this one, in the order of the file."""
        for child in self.children:
            if child.tag == tag:
                yield child
            yield from child.descendants(tag)


def read_xml(text: str, source: str, tool: str) -> Element:
    """The root of a report; raises ReportParseError for what is not XML, or has a document type (no report has)."""
    parser = expat.ParserCreate('utf-8')  # of the bytes below, whatever the file declares
    parser.buffer_text = True
    above: list[Element] = []
    roots: list[Element] = []

    def error(message: str, line: int) -> ReportParseError:
        return ReportParseError(f'{tool} report: {message}', location=Location(source, line))

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes, parser.CurrentLineNumber)
        (above[-1].children if above else roots).append(element)
        above.append(element)
        if len(above) > _MAX_DEPTH:
            raise error('not such XML: nested too deeply', element.line)

    def end(tag: str) -> None:
        element = above.pop()
        if element.children:
            element.text = ''

    def characters(data: str) -> None:
        above[-1].text += data

    def document_type(*_: object) -> None:
        raise error('not such XML: it has a document type', parser.CurrentLineNumber)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = document_type
    try:
        parser.Parse(text.encode('utf-8', 'surrogatepass'), True)
    except expat.ExpatError as problem:
        raise error(f'not XML: {expat.ErrorString(problem.code)}', problem.lineno) from problem
    except ValueError as problem:
        if isinstance(problem, ReportParseError):
            raise
        raise error(f'not XML: {problem}', 1) from problem
    return roots[0]
