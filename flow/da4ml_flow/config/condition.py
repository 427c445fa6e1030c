"""Conditions on the keys of a configuration: comparisons, arithmetic and logic, and nothing that could do harm."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

MAX_LENGTH = 500
COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
}
ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
WORDS = {'true': True, 'false': False, 'null': None}


class Condition:
    """A parsed condition; raises ValueError, in words, for anything else than one."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ValueError(f'longer than {MAX_LENGTH}')
        try:
            self.tree = ast.parse(text.strip(), mode='eval').body
        except (SyntaxError, RecursionError, MemoryError):
            raise ValueError('it cannot be read') from None
        self.text = text
        self._check(self.tree)

    def holds(self, config: Mapping[str, Any]) -> bool:
        """Whether it is true of a resolved configuration; a comparison with a key that is null or absent is false."""
        return bool(self._value(self.tree, config))

    def _check(self, node: ast.AST) -> None:
        if isinstance(node, ast.Attribute | ast.Name):
            _path(node)
            return
        allowed = (
            isinstance(node, ast.BoolOp | ast.List | ast.Tuple)
            or (isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str))
            or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub))
            or (isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC)
            or (isinstance(node, ast.Compare) and all(type(op) in COMPARISONS for op in node.ops))
        )
        if not allowed:
            raise ValueError(f'{type(node).__name__} is not allowed in it')
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.operator | ast.cmpop | ast.unaryop | ast.boolop | ast.expr_context):
                self._check(child)

    def _value(self, node: ast.AST, config: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name() | ast.Attribute():
                return _look_up(_path(node), config)
            case ast.List() | ast.Tuple():
                return [self._value(item, config) for item in node.elts]
            case ast.BoolOp():
                wanted = isinstance(node.op, ast.Or)
                return wanted if any(bool(self._value(v, config)) == wanted for v in node.values) else not wanted
            case ast.UnaryOp():
                value = self._value(node.operand, config)
                if isinstance(node.op, ast.Not):
                    return not value
                return None if value is None else -value
            case ast.BinOp():
                left, right = self._value(node.left, config), self._value(node.right, config)
                try:
                    return ARITHMETIC[type(node.op)](left, right)
                except (TypeError, ZeroDivisionError):
                    return None
            case ast.Compare():
                values = [self._value(item, config) for item in (node.left, *node.comparators)]
                return all(map(_compared, node.ops, values, values[1:]))
        return None


def _compared(comparison: ast.cmpop, left: Any, right: Any) -> bool:
    try:
        return bool(COMPARISONS[type(comparison)](left, right))
    except TypeError:  # null is neither more nor less than a number
        return False


def _path(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        return (*_path(node.value), node.attr)
    raise ValueError(f'{type(node).__name__} is not allowed in it')


def _look_up(path: tuple[str, ...], config: Mapping[str, Any]) -> Any:
    if len(path) == 1 and path[0] in WORDS:
        return WORDS[path[0]]
    value: Any = config
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
