"""Which runs are meant: by uid, by conditions on figures, facts and configuration, sorted by any of them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import sqlalchemy as sa

from da4ml_flow.config.condition import WORDS, Condition
from da4ml_flow.config.nearest import nearest
from da4ml_flow.errors import Location, ResultsError
from da4ml_flow.results import tables
from da4ml_flow.results.metrics import METRICS

FACTS = ('uid', 'name', 'status', 'started', 'wall_s', 'host', 'user', 'git_commit', 'git_dirty', 'package_version')
IMPORTED = ('imported_from', 'reports', 'designs', 'parameters', 'metadata')  # sections of runs that were imported
OPERATORS: dict[type[ast.AST], Any] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.In: lambda a, b: a.in_(b),
    ast.NotIn: lambda a, b: a.not_in(b),
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: sa.cast(a, sa.Float) / sa.func.nullif(b, 0),
}
HINT = """write it as in 'luts < 5000 and name == "jet"', 'luts/implement <= 3000' or 'rtl.clock_ns == 5'"""


@dataclass(frozen=True, slots=True)
class Selection:
    """Runs that fulfil everything said here; of a figure of several parts the first counts, which is the whole."""

    uids: tuple[str, ...] = ()  # or their beginnings, or names, of each its newest run
    name: str | None = None
    conditions: tuple[str, ...] = ()
    sort_by: str = ''  # a figure or fact; '' is as the uids are given, or the newest first
    descending: bool = False
    limit: int | None = None


EVERY = Selection()


def selected(connection: sa.Connection, selection: Selection, where: str) -> list[int]:
    """The ids of the runs, in order; raises ResultsError for a condition, a key or a run that there is not."""
    run = tables.run
    newest = (run.c.started.desc(), run.c.id.desc())
    query = sa.select(run.c.id)
    named = [_resolve(connection, uid, where) for uid in selection.uids]
    if named:
        query = query.where(run.c.id.in_(named))
    if selection.name is not None:
        query = query.where(run.c.name == selection.name)
    for text in selection.conditions:
        query = query.where(_Translation(text, connection.dialect.name).clause)
    if selection.sort_by:
        query, key = _sorted_by(query, selection.sort_by)
        query = query.order_by(key.is_(None), key.desc() if selection.descending else key, *newest)
    else:
        given = {number: place for place, number in enumerate(dict.fromkeys(named))}
        query = query.order_by(*([sa.case(given, value=run.c.id)] if given else []), *newest)
    if selection.limit is not None:
        query = query.limit(selection.limit)
    return [int(number) for number in connection.scalars(query)]


def _resolve(connection: sa.Connection, uid: str, where: str) -> int:
    """The run with this uid, the newest with this name, or the only one whose uid begins so."""
    run = tables.run
    query = sa.select(run.c.id, run.c.uid).where(run.c.uid.startswith(uid, autoescape=True))
    query = query.order_by(run.c.uid).limit(3)  # one that is exactly this comes first
    found = connection.execute(query).all()
    exact = [row.id for row in found if row.uid == uid]
    if not exact:
        of_name = sa.select(run.c.id).where(run.c.name == uid).order_by(run.c.started.desc(), run.c.id.desc()).limit(1)
        exact = list(connection.scalars(of_name))
    if len(exact) == 1 or len(found) == 1:
        return int((exact or [found[0].id])[0])
    if not found:
        hint = '`da4ml-flow report` lists the runs'
        raise ResultsError(f'there is no run {uid!r}', location=Location(where), hint=hint)
    names = ', '.join(row.uid for row in found)
    raise ResultsError(f'more than one run begins with {uid!r}', location=Location(where), hint=names)


def _sorted_by(query: sa.Select[Any], key: str) -> tuple[sa.Select[Any], sa.ColumnElement[Any]]:
    name, _, stage = key.partition('/')
    if name in FACTS and not stage:
        return query, tables.run.c[name]
    if name not in METRICS:
        near = nearest(name, [*METRICS, *FACTS])
        hint = f'did you mean {near!r}?' if near else f'known: {", ".join([*FACTS, *METRICS])}'
        raise ResultsError(f'runs cannot be sorted by {key!r}', hint=hint)
    figures = _figures(name, stage, 'run_id', 'value').subquery()
    return query.outerjoin(figures, figures.c.run_id == tables.run.c.id), figures.c.value


def _figures(name: str, stage: str, *columns: str) -> sa.Select[Any]:
    metric = tables.metric
    query = sa.select(*(metric.c[column] for column in columns)).where(metric.c.name == name)
    return query.where(metric.c.rank <= 1, metric.c.stage == stage) if stage else query.where(metric.c.rank == 0)


class _Translation:
    """A condition as a clause of SQL that means what `Condition` says: whatever is compared with nothing is false."""

    def __init__(self, text: str, dialect: str) -> None:
        self.dialect = dialect
        try:
            self.clause = self._truth(Condition(text).tree)
        except ValueError as error:
            if isinstance(error, ResultsError):
                raise
            raise ResultsError(f'--where {text!r}: {error}', hint=HINT) from None

    def _truth(self, node: ast.AST) -> sa.ColumnElement[bool]:
        match node:
            case ast.BoolOp():
                parts = [self._truth(value) for value in node.values]
                return sa.or_(*parts) if isinstance(node.op, ast.Or) else sa.and_(*parts)
            case ast.UnaryOp(op=ast.Not()):
                return sa.not_(self._truth(node.operand))
            case ast.Compare():
                sides = [node.left, *node.comparators]
                return sa.and_(*(self._comparison(*item) for item in zip(node.ops, sides, sides[1:], strict=False)))
            case ast.Constant(value=bool()):
                return sa.true() if node.value else sa.false()
            case ast.Name() | ast.Attribute():
                return self._comparison(ast.Eq(), node, ast.Constant(True))
        raise ValueError('it is no comparison')

    def _comparison(self, operation: ast.cmpop, left: ast.expr, right: ast.expr) -> sa.ColumnElement[bool]:
        for this, other in ((left, right), (right, left)):
            if isinstance(other, ast.Name) and other.id == 'null':
                absent: sa.ColumnElement[bool] = self._value(this, sa.types.NullType).is_(None)
                if not isinstance(operation, ast.Eq | ast.NotEq):
                    raise ValueError('null is neither more nor less than anything')
                return absent if isinstance(operation, ast.Eq) else sa.not_(absent)
        figure = _figure(left)
        if figure and isinstance(right, ast.Constant) and isinstance(right.value, int | float):
            # this form has an index that answers it
            fitting = _figures(*figure, 'run_id').where(OPERATORS[type(operation)](tables.metric.c.value, right.value))
            within: sa.ColumnElement[bool] = tables.run.c.id.in_(fitting)
            return within
        kind = _kind(left) or _kind(right) or sa.Float
        one, two = self._value(left, kind), self._value(right, kind)
        if isinstance(operation, ast.In | ast.NotIn) is not isinstance(right, ast.List | ast.Tuple):
            raise ValueError('`in` is for lists, as in `name in ["a", "b"]`')
        found: sa.ColumnElement[bool] = sa.func.coalesce(OPERATORS[type(operation)](one, two), sa.false())
        return found

    def _value(self, node: ast.expr, kind: type[sa.types.TypeEngine[Any]]) -> Any:
        figure = _figure(node)
        if figure:
            return _figures(*figure, 'value').where(tables.metric.c.run_id == tables.run.c.id).scalar_subquery()
        match node:
            case ast.Constant():
                return sa.literal(node.value)
            case ast.List() | ast.Tuple():
                return [self._value(item, kind) for item in node.elts]
            case ast.UnaryOp(op=ast.USub()):
                return -self._value(node.operand, sa.Float)
            case ast.BinOp():
                return OPERATORS[type(node.op)](self._value(node.left, sa.Float), self._value(node.right, sa.Float))
            case ast.Name() if node.id in WORDS:
                return sa.literal(WORDS[node.id])
            case ast.Name() | ast.Attribute():
                path = _known_path(ast.unparse(node))
                return tables.run.c[path[0]] if path[0] in FACTS else self._setting(path, kind)
        raise ValueError(f'{ast.unparse(node)!r} is no value')

    def _setting(self, path: Sequence[str], kind: type[sa.types.TypeEngine[Any]]) -> sa.ColumnElement[Any]:
        """A key of the configuration if it is of this kind, else nothing."""
        if self.dialect == 'sqlite':
            at = '$.' + '.'.join(f'"{part}"' for part in path)
            value, of = sa.func.json_extract(tables.run.c.config, at), sa.func.json_type(tables.run.c.config, at)
            kinds = {sa.Float: ['integer', 'real'], sa.Boolean: ['true', 'false']}.get(kind, ['text'])
            return value if kind is sa.types.NullType else sa.case((of.in_(kinds), value))
        document = sa.cast(tables.run.c.config, sa.JSON)
        value = sa.func.json_extract_path_text(document, *path)
        if kind is sa.types.NullType:
            return value
        of = sa.func.json_typeof(sa.func.json_extract_path(document, *path))
        name = {sa.Float: 'number', sa.Boolean: 'boolean'}.get(kind, 'string')
        return sa.case((of == name, sa.cast(value, kind)))


def _figure(node: ast.AST) -> tuple[str, str] | None:
    """The metric and the stage of `luts` or `luts/implement`."""
    if isinstance(node, ast.Name) and node.id in METRICS:
        return node.id, ''
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        left, right = node.left, node.right
        if not isinstance(left, ast.Name) or not isinstance(right, ast.Name):
            return None
        if left.id in METRICS and right.id not in METRICS and right.id not in WORDS:
            return left.id, right.id
    return None


def _kind(node: ast.AST) -> type[sa.types.TypeEngine[Any]] | None:
    """What a constant, or the first of a list, is."""
    if isinstance(node, ast.List | ast.Tuple):
        return _kind(node.elts[0]) if node.elts else None
    if isinstance(node, ast.Name) and node.id in ('true', 'false'):
        return sa.Boolean
    if isinstance(node, ast.Constant):
        return sa.Boolean if isinstance(node.value, bool) else sa.Text if isinstance(node.value, str) else sa.Float
    return None


def _known_path(text: str) -> tuple[str, ...]:
    """A fact or a key of the configuration; raises ResultsError for a name that is neither."""
    path = tuple(text.split('.'))
    if (len(path) == 1 and path[0] in FACTS) or path[0] in IMPORTED:
        return path
    from pydantic import BaseModel

    from da4ml_flow.config.model import BuildConfig

    model: type[BaseModel] | None = BuildConfig
    for depth, part in enumerate(path):
        if model is None:
            break
        if part not in model.model_fields:
            at = '.'.join(path[:depth])
            known = list(model.model_fields) if depth else [*METRICS, *FACTS, *model.model_fields]
            near = nearest(part, known)
            hint = f'did you mean {near!r}?' if near else '' if depth else f'text stands in quotes; {HINT}'
            what = f'no key {part!r} in {at}' if depth else f'no figure, fact or section {part!r}'
            raise ResultsError(f'--where: {what}', hint=hint)
        field = model.model_fields[part].annotation
        options = [field, *get_args(field)]
        model = next((item for item in options if isinstance(item, type) and issubclass(item, BaseModel)), None)
    return path
