"""A text of shell as our tree: `read(text)`. What the grammar calls by a name that is not listed here is `Unparsed`."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from policyloop.shell.grammar import parsed
from policyloop.shell.tree import (
    Assignment,
    Background,
    Block,
    Case,
    Chain,
    Check,
    Declaration,
    Function,
    If,
    Loop,
    Part,
    Pipeline,
    ProcessFile,
    Redirect,
    Redirected,
    Simple,
    Statement,
    Substitution,
    Unparsed,
    Word,
)
from policyloop.shell.words import WordReader

if TYPE_CHECKING:
    from tree_sitter import Node

DEEPEST = 40
"""Statements within statements, substitutions counted along."""
_RESERVED = {
    "if", "then", "elif", "else", "fi", "do", "done", "case", "esac", "while", "until", "for", "select", "function",
    "in", "{", "}", "!", "[[", "]]", "((", "))",
}  # fmt: skip
_SEPARATORS = {";", "\n", "comment", "{", "}", "(", ")", "do", "done", ";;", ";&", ";;&", "then", "fi"}
_ESCAPED_IN_BACKTICKS = re.compile(r"\\([`\\$])")


def read(text: str, depth: int = 0, *, marked: bool = False) -> Block:
    """The statements of a text. Raises `Unparsed`; `depth` is how deep in another text it stands, `marked` whether that
    one put it together, with marks for what is not known.
    """
    root, position = parsed(text, marked=marked)
    return _Statements(text, position, depth).block(root)


class _Statements:
    def __init__(self, text: str, position: Callable[[int], int], depth: int) -> None:
        self._text, self._depth = text, depth
        self._descriptor = ""
        self._words = WordReader(text, position, self._substitution)

    def block(self, node: "Node") -> Block:
        """All statements among the children of a node."""
        return Block(self._statements(node.children))

    def _statements(self, nodes: "list[Node]") -> tuple[Statement, ...]:
        statements: list[Statement] = []
        for node in nodes:
            kind = node.type
            if kind in _KINDS:
                statements.append(self._statement(node))
            elif kind == "&":
                if statements:
                    statements[-1] = Background(statements[-1])
            elif kind not in _SEPARATORS:
                raise Unparsed(f"form: {kind}")
        return tuple(statements)

    def _statement(self, node: "Node") -> Statement:
        convert = _KINDS.get(node.type)
        if convert is None:
            raise Unparsed(f"form: {node.type}")
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unparsed("too-deep")
        statement = convert(self, node)
        self._depth -= 1
        return statement

    def _substitution(self, node: "Node", quoted: bool) -> Part:  # noqa: FBT001 - called by the reader of words alone
        children = node.children
        opening = children[0].type
        if opening == "`":
            start, end = self._words.span(node)
            inner = self._text[start + 1 : end - 1]
            if "\\" in inner:
                return Substitution(read(_ESCAPED_IN_BACKTICKS.sub(r"\1", inner), self._depth + 1, marked=True), quoted)
        if opening not in {"$(", "`", "<(", ">("}:
            raise Unparsed(f"form: {opening}")
        if opening == "$(" and children[1].type == "file_redirect":
            return self._contents(node, quoted)
        block = Block(self._statements(children[1:-1]), apart=True)
        return ProcessFile(block, opening == ">(") if opening in {"<(", ">("} else Substitution(block, quoted)

    def _contents(self, node: "Node", quoted: bool) -> Part:  # noqa: FBT001 - of `_substitution` alone
        """`$(<file)`: the text of a file."""
        redirects = tuple(self._redirects(node.children[1:-1], []))
        return Substitution(Block((Simple((), ("cat",), redirects),), apart=True), quoted)

    def _command(self, node: "Node") -> Statement:
        assignments, words, redirects, extra = list[Assignment](), list[Word](), list[Redirect](), list[Word]()
        for child in node.children:
            kind = child.type
            if kind == "variable_assignment":
                assignments.append(self._assignment(child))
            elif kind == "command_name":
                raw = self._raw(child)
                if raw in _RESERVED:
                    raise Unparsed(f"form: {raw}")
                words.extend(self._words.words(child))
            elif kind.endswith("_redirect"):
                redirects.extend(self._redirects([child], extra))
            else:
                if kind in {"(", ")"} or (kind == "word" and self._raw(child) in {"{", "}"}):
                    raise Unparsed(f"form: {kind} among words")
                words.extend(self._words.words(child))
        return Simple(tuple(assignments), (*words, *extra), tuple(redirects))

    def _raw(self, node: "Node") -> str:
        start, end = self._words.span(node)
        return self._text[start:end]

    def _assignment(self, node: "Node") -> Assignment:
        name, sign = node.children[0], node.children[1].type
        partly = name.type == "subscript"
        plain = self._raw(name).partition("[")[0]
        value: Word | list[Word] = ""
        for child in node.children[2:]:
            if child.type == "array":
                value = [word for item in child.children[1:-1] for word in self._item(item)]
            else:
                value = self._words.value(child)
        if partly:  # an index is arithmetic, and may run something
            index = self._words.value(name, "loose")
            if not isinstance(index, str) and isinstance(value, str):
                value = (value, *(part for part in index if not isinstance(part, str)))
        return Assignment(plain, value, sign == "+=", partly)

    def _item(self, node: "Node") -> list[Word]:
        return [] if node.type == "comment" else self._words.words(node)

    def _redirects(self, nodes: "list[Node]", extra: list[Word]) -> list[Redirect]:
        """Redirections; words that the grammar counts to the target of one go to `extra`."""
        redirects: list[Redirect] = []
        for node in nodes:
            descriptor, operator, targets = self._descriptor, "", list[Word]()
            self._descriptor = ""
            for child in node.children:
                kind = child.type
                if kind == "file_descriptor":
                    descriptor = self._raw(child)
                elif not child.is_named:
                    operator = kind
                elif targets and self._opens_next(child):
                    self._descriptor = self._raw(child)
                else:
                    targets.extend([self._words.value(child)] if not targets else self._words.words(child))
            if operator not in {"<", ">", ">>", "&>", "&>>", ">|", "<&", ">&", "<<<", "<&-", ">&-"}:
                raise Unparsed(f"form: {operator}")
            redirects.append(Redirect(descriptor, operator, targets[0] if targets else "-"))
            extra.extend(targets[1:])
        return redirects

    def _opens_next(self, node: "Node") -> bool:
        """`> file 0>&1`: the grammar counts the `0` to the words behind `file`; it belongs to what follows."""
        raw, end = self._raw(node), self._words.span(node)[1]
        return raw.isdigit() and self._text[end : end + 1] in {"<", ">"}

    def _redirected(self, node: "Node") -> Statement:
        body: Statement | None = None
        redirects, extra = list[Redirect](), list[Word]()
        behind: list[tuple[str, Node]] = []
        for index, child in enumerate(node.children):
            kind = child.type
            if node.field_name_for_child(index) == "body":
                body = self._statement(child)
            elif kind == "heredoc_redirect":
                self._here_document(child, redirects, extra, behind)
            else:
                redirects.extend(self._redirects([child], extra))
        statement = _with_redirects(body, tuple(redirects), tuple(extra))
        for operator, follower in behind:
            statement = self._followed(statement, operator, follower)
        return statement

    def _here_document(
        self, node: "Node", redirects: list[Redirect], extra: list[Word], behind: "list[tuple[str, Node]]"
    ) -> None:
        """`<<END`, and what stands in the rest of its line: words, redirections, `| sh`, `&& rm`."""
        parts = {child.type: child for child in node.children}
        if ";" in parts or "&" in parts:
            raise Unparsed("form: a here-document with a statement behind it")
        self._check_end(parts.get("heredoc_end"))
        start, body, descriptor = (
            self._raw(parts["heredoc_start"]),
            parts.get("heredoc_body"),
            parts.get("file_descriptor"),
        )
        literal = any(quote in start for quote in "'\"\\")
        text = "" if body is None else self._body(body, literal, "<<-" in parts)
        redirects.append(Redirect("" if descriptor is None else self._raw(descriptor), "<<", text, literal))
        chain = ""
        for child in node.children:
            kind = child.type
            if kind.endswith("_redirect"):
                redirects.extend(self._redirects([child], extra))
            elif kind in {"&&", "||"}:
                chain = kind
            elif kind == "pipeline" or chain:
                behind.append((chain or "|", child))
                chain = ""
            elif kind not in _OF_HERE_DOCUMENT:
                extra.extend(self._words.words(child))

    def _check_end(self, node: "Node | None") -> None:
        """The end stands alone in its line for the shell; for the grammar something may stand behind it."""
        after = "" if node is None else self._text[self._words.span(node)[1] :][:1]
        if after not in {"", "\n"}:
            raise Unparsed("disagreement: where a here-document ends")

    def _body(self, node: "Node", literal: bool, indented: bool) -> Word:  # noqa: FBT001 - of a here-document alone
        start, end = self._words.span(node)
        text = self._text[start:end]
        if indented:
            text = re.sub(r"^\t+", "", text, flags=re.MULTILINE)
        if literal or not any(sign in text for sign in "$`\\"):
            return text
        return self._words.here([node], start, end)

    def _followed(self, first: Statement, operator: str, node: "Node") -> Statement:
        if operator == "|":
            return Pipeline((first, *self._statements([child for child in node.children if child.type not in _PIPES])))
        return Chain(first, ((operator, self._statement(node)),))

    def _list(self, node: "Node") -> Statement:
        rest: list[tuple[str, Statement]] = []
        while node.type == "list":  # `a && b && c` leans to the left
            first, operator, last = (child for child in node.children if child.type not in {"\n", "comment"})
            rest.append((operator.type, self._statement(last)))
            node = first
        return Chain(self._statement(node), tuple(reversed(rest)))

    def _pipeline(self, node: "Node") -> Statement:
        return Pipeline(self._statements([child for child in node.children if child.type not in _PIPES]))

    def _compound(self, node: "Node") -> Statement:
        if node.children[0].type == "((":
            return self._check(node)
        return self.block(node)

    def _subshell(self, node: "Node") -> Statement:
        return Block(self._statements(node.children), apart=True)

    def _check(self, node: "Node") -> Statement:
        return Check(self._words.value(node, "loose"))

    def _negated(self, node: "Node") -> Statement:
        return self._statement(node.children[1])

    def _if(self, node: "Node") -> Statement:
        branches: list[tuple[Block, Block]] = []
        otherwise: Block | None = None
        own: list[Node] = []
        for child in node.children:
            if child.type == "elif_clause":
                branches.append(self._branch(child.children))
            elif child.type == "else_clause":
                otherwise = Block(self._statements(child.children[1:]))
            else:
                own.append(child)
        return If((self._branch(own), *branches), otherwise)

    def _branch(self, nodes: "list[Node]") -> tuple[Block, Block]:
        then = next(index for index, child in enumerate(nodes) if child.type == "then")
        return Block(self._statements(nodes[1:then])), Block(self._statements(nodes[then + 1 :]))

    def _while(self, node: "Node") -> Statement:
        *condition, body = node.children[1:]
        return Loop(Block(self._statements(condition)), "", None, self.block(body))

    def _for(self, node: "Node") -> Statement:
        name, words, body = "", list[Word](), Block(())
        listed = False
        for child in node.children[1:]:
            kind = child.type
            if kind == "variable_name" and not name:
                name = self._raw(child)
            elif kind == "in":
                listed = True
            elif kind in {"do_group", "compound_statement"}:
                body = self.block(child)
            elif kind not in {";", "\n"}:
                words.extend(self._words.words(child))
        return Loop(None, name, tuple(words) if listed else None, body)

    def _counted_for(self, node: "Node") -> Statement:
        closing = next(index for index, child in enumerate(node.children) if child.type == "))")
        heads = [Check(self._words.value(child, "loose")) for child in node.children[2:closing] if child.is_named]
        rest = [child for child in node.children[closing + 1 :] if child.type not in {";", "\n"}]
        return Loop(Block(tuple(heads)), "", None, self.block(rest[0]))

    def _case(self, node: "Node") -> Statement:
        items: list[tuple[tuple[Word, ...], Block]] = []
        word: Word = ""
        for index, child in enumerate(node.children):
            if child.type == "case_item":
                items.append(self._case_item(child))
            elif node.field_name_for_child(index) == "value":
                word = self._words.value(child)
        return Case(word, tuple(items))

    def _case_item(self, node: "Node") -> tuple[tuple[Word, ...], Block]:
        closing = next(index for index, child in enumerate(node.children) if child.type == ")")
        patterns = [self._words.value(child) for child in node.children[:closing] if child.is_named]
        return tuple(patterns), Block(self._statements(node.children[closing + 1 :]))

    def _function(self, node: "Node") -> Statement:
        body = node.children[-1]
        redirects: list[Redirect] = []
        name = ""
        for index, child in enumerate(node.children):
            field = node.field_name_for_child(index)
            if field == "name":
                name = self._raw(child)
            elif field == "body":
                body = child
            elif child.type.endswith("_redirect"):
                redirects.extend(self._redirects([child], []))
        statement = self._statement(body)
        return Function(name, Redirected(statement, tuple(redirects)) if redirects else statement)

    def _declaration(self, node: "Node") -> Statement:
        words, assignments = list[Word](), list[Assignment]()
        for child in node.children[1:]:
            if child.type == "variable_assignment":
                assignments.append(self._assignment(child))
            else:
                words.extend(self._words.words(child))
        return Declaration(node.children[0].type, tuple(words), tuple(assignments))

    def _unset(self, node: "Node") -> Statement:
        words = [word for child in node.children for word in self._words.words(child)]
        return Simple((), tuple(words), ())

    def _assignments(self, node: "Node") -> Statement:
        nodes = [node] if node.type == "variable_assignment" else node.children
        return Simple(tuple(self._assignment(child) for child in nodes), (), ())


_KINDS: dict[str, Callable[[_Statements, Any], Statement]] = {
    "command": _Statements._command,
    "redirected_statement": _Statements._redirected,
    "list": _Statements._list,
    "pipeline": _Statements._pipeline,
    "compound_statement": _Statements._compound,
    "subshell": _Statements._subshell,
    "if_statement": _Statements._if,
    "while_statement": _Statements._while,
    "for_statement": _Statements._for,
    "c_style_for_statement": _Statements._counted_for,
    "case_statement": _Statements._case,
    "function_definition": _Statements._function,
    "negated_command": _Statements._negated,
    "test_command": _Statements._check,
    "declaration_command": _Statements._declaration,
    "unset_command": _Statements._unset,
    "variable_assignment": _Statements._assignments,
    "variable_assignments": _Statements._assignments,
}
_OF_HERE_DOCUMENT = {"<<", "<<-", "file_descriptor", "heredoc_start", "heredoc_body", "heredoc_end", "\n"}
_PIPES = {"|", "|&", "\n", "comment"}


def _with_redirects(body: Statement | None, redirects: tuple[Redirect, ...], extra: tuple[Word, ...]) -> Statement:
    """As the shell binds them: to the last command of a line, not to the whole line."""
    if body is None:
        return Simple((), extra, redirects)
    if isinstance(body, Simple):
        return Simple(body.assignments, body.words + extra, body.redirects + redirects)
    if isinstance(body, Pipeline):
        return Pipeline((*body.parts[:-1], _with_redirects(body.parts[-1], redirects, extra)))
    if isinstance(body, Chain):
        *others, (operator, last) = body.rest
        return Chain(body.first, (*others, (operator, _with_redirects(last, redirects, extra))))
    if isinstance(body, Declaration) and extra:
        return Redirected(Declaration(body.keyword, body.words + extra, body.assignments), redirects)
    if extra:
        raise Unparsed("form: words behind a redirection")
    return Redirected(body, redirects)
