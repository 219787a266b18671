"""Style sheets and style attributes without what loads anything, written short; tinycss2 reads and writes them.

A declaration stays if every function in its value is one of ``allowed.FUNCTIONS`` and every ``url()`` points into the file
or holds a picture.  Of at-rules stay those that only choose, animate, or bring a font in ``data:``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import tinycss2
from tinycss2 import ast

from proxy.codec.svg.allowed import FUNCTIONS, SELECTORS
from proxy.codec.svg.links import font, fragment

_MOST_DEPTH: Final = 32
_PROPERTY: Final = re.compile(r"--[\w-]{1,100}|-?[a-zA-Z][\w-]{0,100}", re.ASCII)
_HOLDING_RULES: Final = frozenset({"media", "supports", "layer", "container"})
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_BRACKET: Final = re.compile(r"[(\[{]|[)\]}]")

Link = Callable[[str], str | None]
"""What a URL is to be written as, or None if it may not stay."""


def declarations(text: str, link: Link) -> str:
    """What may stay of a style attribute; *link* decides about its URLs, beyond those that point into the file."""
    if too_deep(text):
        return ""
    return _declarations(tinycss2.parse_blocks_contents(text, skip_comments=True, skip_whitespace=True), link)


def sheet(text: str, link: Link) -> str:
    """What may stay of a style sheet."""
    if too_deep(text):
        return ""
    return _rules(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True), link)


def harmless(text: str) -> bool:
    """Whether *text*, the value of an attribute that may be read as CSS, loads nothing."""
    if "(" not in text and "\\" not in text:
        return True
    if too_deep(text):
        return False
    return _value(tinycss2.parse_component_value_list(text, skip_comments=True), FUNCTIONS, lambda _: None) is not None


def too_deep(text: str) -> bool:
    """Whether brackets in *text* lie deeper than any style needs; who reads CSS by recursion would die of it."""
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth = depth + 1 if bracket in "([{" else max(0, depth - 1)
        if depth > _MOST_DEPTH:
            return True
    return False


def _rules(nodes: Iterable[Any], link: Link) -> str:
    return "".join(filter(None, (_rule(node, link) for node in nodes)))


def _rule(node: Any, link: Link) -> str:
    """A rule of a sheet; nothing if it may not stay."""
    if isinstance(node, ast.QualifiedRule):
        return _block(node.prelude, SELECTORS, node.content, link)
    if not isinstance(node, ast.AtRule) or node.content is None:
        return ""
    name = node.lower_at_keyword
    prelude = _value(node.prelude, FUNCTIONS | {"selector", "style"}, lambda _: None)
    if prelude is None:
        return ""
    head = f"@{name} {prelude}" if prelude else f"@{name}"
    if name in _HOLDING_RULES or name.endswith("keyframes"):
        inner = _rules(tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True), link)
        return f"{head}{{{inner}}}" if inner else ""
    if name == "font-face":
        inner = _declarations(_contents(node.content), font)
        return f"{head}{{{inner}}}" if "src:" in inner else ""
    return ""


def _block(prelude: list[Any], functions: frozenset[str], content: list[Any], link: Link) -> str:
    selector = _value(prelude, functions, lambda _: None)
    inner = _declarations(_contents(content), link)
    return f"{selector}{{{inner}}}" if selector and inner else ""


def _contents(content: list[Any]) -> list[Any]:
    return list(tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True))


def _declarations(nodes: Iterable[Any], link: Link) -> str:
    """Declarations, and rules nested among them."""
    parts: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Declaration):
            value = _value(node.value, FUNCTIONS, link)
            if value and _PROPERTY.fullmatch(node.name):
                parts.append(f"{node.name}:{value}{'!important' if node.important else ''}")
        elif isinstance(node, ast.QualifiedRule | ast.AtRule):
            parts.append(_rule(node, link))
    return ";".join(filter(None, parts))


def _value(tokens: Iterable[Any], functions: frozenset[str], link: Link) -> str | None:
    """*tokens* as text; None if one of them may not stay."""
    kept = _kept(tokens, functions, link)
    text = "" if kept is None else str(tinycss2.serialize(kept)).strip()
    # Escapes stand for any character, and tinycss2 writes some of them as they are.
    return None if kept is None or _NOT_XML.search(text) else text


def _kept(tokens: Iterable[Any], functions: frozenset[str], link: Link) -> list[Any] | None:
    kept: list[Any] = []
    for token in tokens:
        match token:
            case ast.ParseError() | ast.AtKeywordToken():
                return None
            case ast.Comment():
                continue
            case ast.WhitespaceToken():
                kept.append(ast.WhitespaceToken(token.source_line, token.source_column, " "))
            case ast.URLToken() | ast.FunctionBlock(lower_name="url"):
                address = _address(token)
                to = fragment(address) or link(address)
                if to is None:
                    return None
                # Neither a fragment (``links.fragment``) nor base64 needs quotes.
                kept.append(ast.URLToken(token.source_line, token.source_column, to, f"url({to})"))
            case ast.FunctionBlock():
                inner = _kept(token.arguments, functions, link) if token.lower_name in functions else None
                if inner is None:
                    return None
                kept.append(ast.FunctionBlock(token.source_line, token.source_column, token.name, inner))
            case ast.ParenthesesBlock() | ast.SquareBracketsBlock() | ast.CurlyBracketsBlock():
                inner = _kept(token.content, functions, link)
                if inner is None:
                    return None
                kept.append(type(token)(token.source_line, token.source_column, inner))
            case _:
                kept.append(token)
    return kept


def _address(token: Any) -> str:
    """What a ``url()`` says; with spaces before its quotes it is a function (CSS Syntax §4.3.4)."""
    if isinstance(token, ast.URLToken):
        return str(token.value)
    words = [each for each in token.arguments if not isinstance(each, ast.WhitespaceToken)]
    return words[0].value if len(words) == 1 and isinstance(words[0], ast.StringToken) else ""
