"""Conditions on annotations, as text: ``class in ("car", "bus") and area > 400 and split == "train"``.

A condition is an expression in Python's words, parsed by :mod:`ast` and never run: comparisons, ``and``, ``or``,
``not``, ``in``, ``+ - * /`` of numbers, constants, and these names:

=========================  ===========================================================================================
``class``                  name of the class, of a classification its own
``shape``                  ``bounding_box``, ``polygon``, …, or ``classification``
``area``                   px², of the shape itself; see :mod:`encord_convert.hub.measures`
``width``, ``height``      px, of the upright box around it
``confidence``             0..1
``frame``                  from 0
``track``                  hash of an object that is on several frames, else empty
``attribute["name"]``      its answer: a text, a number, an option's label
``split``                  as the source says it; ``train``, ``val`` and ``test`` also stand for what means these
``title``, ``file``        of the row (image, video, series), of the image file
``image_width``,           px
``image_height``
=========================  ===========================================================================================

What an annotation does not have (a classification has no area) is missing, and so is what is divided by zero: it equals
nothing but ``None``, and is neither above nor below anything. A ``rotatable_bounding_box`` that is not rotated equals
``bounding_box``, too. The same condition is evaluated for images, of whose annotations nothing is known: there it may
be true, or not, or both (:class:`Truth`).
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np

from encord_convert.errors import OptionError, nearest
from encord_convert.hub.splits import NAMES, standard
from encord_convert.sdk.objects.common import NewerShape, Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from encord_convert.sdk.objects import OntologyStructure

    Bools = NDArray[np.bool_]

NUMBERS = ("area", "width", "height", "confidence", "frame", "image_width", "image_height")
TEXTS = ("class", "shape", "track", "split", "title", "file")
FIELDS = (*TEXTS, *NUMBERS)
CLASSIFICATION = "classification"
UPRIGHT = "upright"
"""A field that no condition names: the shape, of rotatable boxes that are not rotated ``bounding_box``."""
SHAPES = (*(shape.value for shape in Shape), *(shape.value for shape in NewerShape), CLASSIFICATION)

LONGEST = 4000
"""How many characters a condition may have."""
DEEPEST = 60
"""How deeply it may be nested."""


@dataclass(frozen=True, slots=True)
class Coded:
    """Values of annotations, of which few differ: ``vocabulary[code]`` of each; None is missing."""

    codes: NDArray[np.intp]
    vocabulary: Sequence[Any]

    def mapped(self, function: Callable[[Any], Any], kind: Any) -> Any:
        """Return what a function makes of each value."""
        made = np.array([function(value) for value in self.vocabulary], kind)
        return made[self.codes] if len(made) else np.zeros(len(self.codes), kind)

    def values(self) -> list[Any]:
        """Return the value of each."""
        return [self.vocabulary[code] for code in self.codes.tolist()]

    @classmethod
    def of(cls, values: Iterable[Any]) -> Coded:
        """Return the values of a list in this form."""
        known: dict[Any, int] = {}
        codes = [known.setdefault(tuple(value) if isinstance(value, list) else value, len(known)) for value in values]
        return cls(np.array(codes, np.intp), [*known])


@dataclass(frozen=True, slots=True)
class Truth:
    """Whether a condition may be true, and whether it may be false, of each of some annotations or images."""

    may_hold: Bools
    may_fail: Bools

    @classmethod
    def of(cls, holds: Bools) -> Truth:
        """Return the truth of what is known."""
        return cls(holds, ~holds)


Column = Coded | np.ndarray[Any, Any]
"""Values of a field: numbers (NaN is missing) or texts."""


class Fields(Protocol):
    """The values of some annotations, or images."""

    def __len__(self) -> int: ...

    def field(self, name: str) -> Column | None:
        """Return the values of one of :data:`FIELDS`, or :data:`UPRIGHT`; None: not known."""

    def attribute(self, name: str) -> Column | None:
        """Return the answers to the attributes of a name; None: not known."""

    def only(self, some: Bools) -> Fields:
        """Return the values of some of them; of all, where taking some out is no gain."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value that a condition asks for: of a field, or of an attribute."""

    name: str
    value: str | float
    is_part: bool
    """It is part of a text, or one of several options."""
    column: Callable[[Fields], Column | None]
    truth: Callable[[Fields], Truth]


class Condition:
    """A condition that was parsed.

    Parameters
    ----------
    text : str
    ontology : OntologyStructure
        Of the labels it is about.

    Attributes
    ----------
    classes : list of str
        Names of the classes and classifications there are.
    unknown : list of str
        Sentences on classes it names that the ontology does not have.
    wanted : list of Wanted
        The values of fields of texts and of attributes that it asks for, in the order of the condition.

    Raises
    ------
    OptionError
        It is not a condition; says where and why.
    """

    def __init__(self, text: str, ontology: OntologyStructure) -> None:
        self.text = text
        items = [*ontology.objects, *(item for item in ontology.classifications if item.attributes)]
        self.classes = list(dict.fromkeys(item.title for item in items))
        self._attributes = list(dict.fromkeys(name for item in items for name in _attributes_of(item)))
        self.unknown: list[str] = []
        self.wanted: list[Wanted] = []
        self._of = self._truth(_parsed(text), 0)

    def __repr__(self) -> str:
        return f"Condition({self.text!r})"

    def of(self, fields: Fields) -> Truth:
        """Return whether it holds for each."""
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            return self._of(fields)

    # --- parsing ------------------------------------------------------------------------------------------------------

    def _truth(self, node: ast.expr, depth: int) -> Callable[[Fields], Truth]:
        """Return what evaluates something that is true or false."""
        if depth > DEEPEST:
            self._refuse(node, "it is nested too deeply")
        if isinstance(node, ast.BoolOp):
            parts = [self._truth(one, depth + 1) for one in node.values]
            is_and = isinstance(node.op, ast.And)

            def joined(fields: Fields) -> Truth:
                found = parts[0](fields)
                for part in parts[1:]:
                    # Only for these the rest makes a difference.
                    some = found.may_hold if is_and else found.may_fail
                    if some.all():
                        other = part(fields)
                    elif not some.any():
                        break
                    else:
                        inner = part(fields.only(some))
                        other = Truth(np.zeros_like(some), np.zeros_like(some))
                        other.may_hold[some], other.may_fail[some] = inner.may_hold, inner.may_fail
                    if is_and:
                        found = Truth(found.may_hold & other.may_hold, found.may_fail | other.may_fail)
                    else:
                        found = Truth(found.may_hold | other.may_hold, found.may_fail & other.may_fail)
                return found

            return joined
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self._truth(node.operand, depth + 1)

            def denied(fields: Fields) -> Truth:
                found = inner(fields)
                return Truth(found.may_fail, found.may_hold)

            return denied
        if isinstance(node, ast.Compare):
            left, compared = node.left, []
            for op, right in zip(node.ops, node.comparators, strict=True):
                compared.append(self._comparison(node, left, op, right, depth + 1))
                left = right

            def chained(fields: Fields) -> Truth:
                truths = [one(fields) for one in compared]
                may_hold = np.logical_and.reduce([one.may_hold for one in truths])
                return Truth(may_hold, np.logical_or.reduce([one.may_fail for one in truths]))

            return chained
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            value = node.value
            return lambda fields: Truth.of(np.full(len(fields), value))
        operand = self._operand(node, depth + 1)
        if operand.is_constant:
            self._refuse(node, f"{ast.unparse(node)} alone is neither true nor false; compare it with something")

        def said(fields: Fields) -> Truth:
            column = operand.of(fields)
            if column is None:
                return _unknown(fields)
            if isinstance(column, Coded):
                return Truth.of(column.mapped(_is_said, bool))
            return Truth.of((column != 0) & ~np.isnan(column))

        return said

    def _comparison(
        self, node: ast.expr, left: ast.expr, op: ast.cmpop, right: ast.expr, depth: int
    ) -> Callable[[Fields], Truth]:
        if isinstance(op, ast.In | ast.NotIn):
            if isinstance(right, ast.Tuple | ast.List | ast.Set):
                one = self._operand(left, depth)
                others = [self._operand(part, depth) for part in right.elts]
                pairs = [self._pair(left, one, part, other, ast.Eq()) for part, other in
                         zip(right.elts, others, strict=True)]  # fmt: skip

                def among(fields: Fields) -> Truth:
                    truths = [pair(fields) for pair in pairs]
                    if not truths:
                        return Truth.of(np.zeros(len(fields), bool))
                    may_hold = np.logical_or.reduce([one.may_hold for one in truths])
                    return Truth(may_hold, np.logical_and.reduce([one.may_fail for one in truths]))

                found: Callable[[Fields], Truth] = among
            else:
                found = self._within(left, right, depth)
            if isinstance(op, ast.In):
                return found

            def outside(fields: Fields) -> Truth:
                truth = found(fields)
                return Truth(truth.may_fail, truth.may_hold)

            return outside
        if not isinstance(op, tuple(_OPERATORS)):
            self._refuse(node, f"{type(op).__name__} is not a comparison here")
        return self._pair(left, self._operand(left, depth), right, self._operand(right, depth), op)

    def _within(self, left: ast.expr, right: ast.expr, depth: int) -> Callable[[Fields], Truth]:
        """Return what tells whether a text is in a text, or among the options of an answer."""
        part, whole = self._operand(left, depth), self._operand(right, depth)
        if not part.is_constant and isinstance(whole.value, str):
            one, other = ast.unparse(left).replace(_CLASS, "class"), f'"{whole.value}"'
            self._refuse(right, f"behind `in` stands a list; say {one} == {other} or {one} in ({other}, …)")
        if not (part.is_constant and isinstance(part.value, str)):
            self._refuse(left, "before `in` with a single name stands a text in quotes")
        if whole.is_constant or whole.kind == "number":
            self._refuse(right, 'behind `in` stands a list in brackets, as ("a", "b"), or the name of a text')
        text = part.value

        def found(fields: Fields) -> Truth:
            column = whole.of(fields)
            if column is None:
                return _unknown(fields)
            if not isinstance(column, Coded):
                return Truth.of(np.zeros(len(fields), bool))
            return Truth.of(column.mapped(lambda value: isinstance(value, str | tuple) and text in value, bool))

        self.wanted.append(Wanted(whole.name, text, True, whole.of, found))
        return found

    def _pair(
        self, left: ast.expr, one: _Operand, right: ast.expr, other: _Operand, op: ast.cmpop
    ) -> Callable[[Fields], Truth]:
        """Return what compares two operands."""
        compare = _OPERATORS[type(op)]
        if one.is_constant and not other.is_constant:  # the name first
            left, one, right, other = right, other, left, one
            compare = _MIRRORED.get(compare, compare)
        if {one.kind, other.kind} == {"number", "text"}:
            self._refuse(right, f"{ast.unparse(left)} and {ast.unparse(right)} cannot be compared: one is a number, "
                                "the other a text".replace(_CLASS, "class"))  # fmt: skip
        if other.is_constant:
            self._check_value(right, one.name, other.value)
            as_drawn = one
            if one.name == "shape" and other.value == Shape.BOUNDING_BOX.value:
                as_drawn = replace(one, of=lambda fields: fields.field(UPRIGHT))
            truth = _with_constant(as_drawn, compare, other.value)
            if compare is operator.eq and isinstance(other.value, str | float) and one.kind != "number" and one.name:
                self.wanted.append(Wanted(one.name, other.value, False, one.of, truth))
            return truth

        def compared(fields: Fields) -> Truth:
            first, second = one.of(fields), other.of(fields)
            if first is None or second is None:
                return _unknown(fields)
            if isinstance(first, Coded) and isinstance(second, Coded):
                pairs = zip(first.values(), second.values(), strict=True)
                return Truth.of(np.array([_holds(compare, *pair) for pair in pairs], bool))
            return Truth.of(compare(_as_numbers(first), _as_numbers(second)))

        return compared

    def _check_value(self, node: ast.expr, name: str, value: Any) -> None:
        if name == "class" and isinstance(value, str) and value not in self.classes:
            known = ", ".join(self.classes[:20]) or "none"
            hint = nearest(value, self.classes) or f" There are: {known}."
            self.unknown.append(f"where: there is no class {value!r}.{hint}")
        if name == "shape" and isinstance(value, str) and value not in SHAPES:
            self._refuse(node, f"there is no shape {value!r}.{nearest(value, SHAPES)} Shapes are: {', '.join(SHAPES)}")

    def _operand(self, node: ast.expr, depth: int) -> _Operand:
        if depth > DEEPEST:
            self._refuse(node, "it is nested too deeply")
        if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str | int | float)):
            return self._constant(node, node.value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self._operand(node.operand, depth + 1)
            if inner.is_constant and isinstance(inner.value, float):
                return self._constant(node, -inner.value)
            return self._computed(node, operator.sub, self._constant(node, 0.0), inner)
        if isinstance(node, ast.Name):
            name = "class" if node.id == _CLASS else node.id
            if name in FIELDS:
                return _Operand("number" if name in NUMBERS else "text", name, lambda fields: fields.field(name))
            hint = nearest(name, [*FIELDS, "attribute"])
            if name == "attribute":
                hint = ' It takes a name: attribute["color"].'
            elif not hint and name in self.classes:
                hint = f' A text stands in quotes: "{name}".'
            self._refuse(node, f'there is no name {name!r}.{hint} Names are: {", ".join(FIELDS)}, attribute["name"]')
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "attribute":
            if not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)):
                self._refuse(node, 'attribute takes a name in quotes, as attribute["color"]')
            title = node.slice.value
            if title not in self._attributes:
                known = ", ".join(self._attributes[:20]) or "none"
                hint = nearest(title, self._attributes) or f" There are: {known}."
                self._refuse(node, f"there is no attribute {title!r}.{hint}")
            return _Operand("any", f'attribute["{title}"]', lambda fields: fields.attribute(title))
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            sides = self._operand(node.left, depth + 1), self._operand(node.right, depth + 1)
            return self._computed(node, _ARITHMETIC[type(node.op)], *sides)
        self._refuse(node, f"{ast.unparse(node)[:40].replace(_CLASS, 'class')!r} is not allowed here; a condition has "
                           "names, constants, comparisons, and, or, not, in")  # fmt: skip

    def _constant(self, node: ast.expr, value: Any) -> _Operand:
        if isinstance(value, int) and not isinstance(value, bool):
            try:
                value = float(value)
            except OverflowError:
                self._refuse(node, "the number is too large")
        kind = "number" if isinstance(value, float) else "text" if isinstance(value, str) else "any"
        return _Operand(kind, "", lambda fields: None, value, is_constant=True)

    def _computed(self, node: ast.expr, function: Any, one: _Operand, other: _Operand) -> _Operand:
        for side in (one, other):
            if side.kind == "text" or (side.is_constant and not isinstance(side.value, float)):
                self._refuse(node, "only numbers are added, subtracted, multiplied and divided")

        def computed(fields: Fields) -> Column | None:
            values = []
            for side in (one, other):
                column = np.full(len(fields), side.value) if side.is_constant else side.of(fields)
                if column is None:
                    return None
                values.append(_as_numbers(column))
            made: Column = function(*values)
            return made

        return _Operand("number", "", computed)

    def _refuse(self, node: ast.expr, why: str) -> NoReturn:
        before = self.text.encode()[: node.col_offset].decode(errors="ignore")  # columns of `ast` count bytes
        raise OptionError(f"where, character {len(before) + 1}: {why}{'' if why.endswith('.') else '.'}")


@dataclass(frozen=True, slots=True)
class _Operand:
    kind: str
    name: str
    of: Callable[[Fields], Column | None]
    value: Any = math.nan
    is_constant: bool = False


def _divided(one: Any, other: Any) -> Any:
    """Return quotients; what is divided by zero is missing."""
    return np.divide(one, np.where(np.equal(other, 0), math.nan, other))


_CLASS = "_CLS_"
"""Stands for ``class``, which is no name in Python, and is as long."""
_WORDS = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\bclass\b""", re.DOTALL)
_OF_OTHERS = re.compile(r"=|&|\||(?:AND|OR)\b")
"""What SQL and C write where a condition has a word of its own."""
_WRITTEN = {"=": "==", "&": "and", "|": "or"}

_OPERATORS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.eq, ast.IsNot: operator.ne,
}  # fmt: skip
_MIRRORED = {operator.lt: operator.gt, operator.gt: operator.lt, operator.le: operator.ge, operator.ge: operator.le}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: _divided,
}  # fmt: skip


def _parsed(text: str) -> ast.expr:
    if not text.strip():
        raise OptionError("where: the condition is empty.")
    if len(text) > LONGEST:
        raise OptionError(f"where: the condition has {len(text)} characters; {LONGEST} are allowed.")
    source = _WORDS.sub(lambda found: _CLASS if found[0] == "class" else found[0], re.sub(r"[\r\n]", " ", text))
    try:
        return ast.parse(source, mode="eval").body
    except SyntaxError as error:
        position = min(max(error.offset or 1, 1), len(text) + 1)
        word = _OF_OTHERS.match(text, position - 1)
        why = error.msg.replace(_CLASS, "class")
        if word and why.startswith("invalid syntax"):
            why = f"{word[0]!r} is not an operator here. Write {_WRITTEN.get(word[0], word[0].lower())}"
        raise OptionError(f"where, character {position}: {why}.") from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise OptionError("where: the condition cannot be parsed: it is nested too deeply, or not a text.") from error


def _attributes_of(item: Any) -> Iterable[str]:
    for attribute in item.attributes or ():
        yield attribute.title
        for option in getattr(attribute, "options", None) or ():
            yield from _attributes_of(option)


def _unknown(fields: Fields) -> Truth:
    both = np.ones(len(fields), bool)
    return Truth(both, both)


def _with_constant(operand: _Operand, compare: Callable[[Any, Any], Any], value: Any) -> Callable[[Fields], Truth]:
    """Return what compares an operand with a constant."""
    is_split = operand.name == "split" and value in NAMES

    def compared(fields: Fields) -> Truth:
        column = _constant_column(operand.value, len(fields)) if operand.is_constant else operand.of(fields)
        if column is None:
            return _unknown(fields)
        if isinstance(column, Coded):
            if is_split:
                return Truth.of(column.mapped(lambda one: _holds(compare, standard(one or "") or one, value), bool))
            return Truth.of(column.mapped(lambda one: _holds(compare, one, value), bool))
        if value is None:
            return Truth.of(np.isnan(column) if compare is operator.eq else ~np.isnan(column))
        holds = compare(column, value) if isinstance(value, float) else np.full(len(column), compare is operator.ne)
        return Truth.of(np.asarray(holds))

    return compared


def _constant_column(value: Any, length: int) -> Column:
    return np.full(length, value) if isinstance(value, float) else Coded(np.zeros(length, np.intp), [value])


def _holds(compare: Callable[[Any, Any], Any], one: Any, other: Any) -> bool:
    """Tell how a value of an annotation compares with another: of their own kind, and missing values with nothing."""
    if isinstance(other, bool) and one is not None:
        one = _is_said(one)
    elif isinstance(other, float) and not isinstance(one, float):
        one = _number(one)
    elif isinstance(other, str) and isinstance(one, tuple):
        one = one[0] if len(one) == 1 else one
    elif isinstance(other, str) and isinstance(one, int | float):
        other = _number(other)
    if compare in (operator.eq, operator.ne):
        return bool(compare(one, other))
    if type(one) is not type(other) or one is None:
        return False
    return bool(compare(one, other))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _as_numbers(column: Column) -> Any:
    return column.mapped(_number, float) if isinstance(column, Coded) else column


def _is_said(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() not in ("", "false", "no", "0")
    return bool(value)
