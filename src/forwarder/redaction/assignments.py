"""`name=value`, `name: value` and their kin in a text: env files, YAML, INI, arguments, HTTP headers, Go's dumps."""

import re
import sys
from collections.abc import Sequence
from enum import Enum

from forwarder.redaction.names import LONGEST_NAME, Names, Telling
from forwarder.redaction.rules import MARK, Rule, Tell, replaced
from forwarder.redaction.values import is_kubernetes_name, is_no_secret, looks_random, names_an_object


class Kind(Enum):
    """What a text is: it decides how far a value reaches."""

    DOCUMENT = "lines of YAML, an env file, any other file"
    SCRIPT = "what a shell runs"
    ARGUMENT = "one argument of a command, or an environment variable's value"
    PROSE = "what a person reads: only words that look like secrets"


# A name, what closes it, and what separates it from its value.
_ASSIGNMENT = re.compile(
    rf"(?:(?<![A-Za-z0-9_.])|(?<=\]\.))(?P<name>[A-Za-z_][\w.-]{{0,{LONGEST_NAME - 1}}}+)"
    r"(?P<close>\\{0,7}+[\"']?\]?)(?P<separator>[ \t]{0,3}(?:=>|::?=|[?+]=|!==?|={1,3}|::(?=[ \t])|:)[ \t]{0,99}+)"
)
# What may stand in front of a quote: Go's `[]byte("…")`, prefixes of Python, C and SQL, Erlang's `<<"…">>`.
_QUOTE = re.compile(
    r"(?:\[\](?:byte|uint8|string|rune)[({]|<<|[bBuUrRfFE$@L](?=[\"']))?+(?P<slashes>\\{0,7}+)(?P<quote>[\"'])"
)
# YAML 1.2, sections 6.9 and 7.1: tags and anchors in front of a value; another name for a value that stands elsewhere.
_PROPERTIES = re.compile(r"(?:(?:!(?:<[^>\s]*>|[\w:/.!-]*)|&[^\s,\[\]{}\"']+)(?:[ \t]+|(?=\r?\n|$)))+")
_ALIAS = re.compile(r"\*[^\s,\[\]{}*]+[ \t]*(?:#.*)?")
# Tags by which a reader looks the value up elsewhere.
_LOOKED_UP = re.compile(r"!(?:secret|env|env_var|include|file|Ref|GetAtt|ImportValue|FindInMap|Select|reference)\b")
# k8s.io/apimachinery, pkg/util/validation/field: `spec.password: Invalid value: "…": must be …`.
_FIELD_ERROR = re.compile(r"(?:Invalid value|Unsupported value|Duplicate value|Not found|Forbidden|Too long): ")
# TypeScript and Python: `apiKey: string = "…"`.
_ANNOTATION = re.compile(r"[A-Za-z][\w.<>\[\]| ]{0,60}?[ \t]*=[ \t]*(?=[\"'])")
_BEFORE_VALUE = (_PROPERTIES, _FIELD_ERROR, _ANNOTATION)
_TYPE_OF_FIELD = re.compile(r"(?:string|integer|number|boolean|object|array|null)(?=\\*\": )")
_HERE_DOCUMENT = re.compile(r"<<[-~]?[ \t]*[\"']?(?P<end>\w+)[\"']?[ \t]*")
_GO_LIST = re.compile(r"\[\][\w.]*\{(?P<inside>[^}\n]*)\}?")
# What the shell takes as one word (POSIX, "Token Recognition").
_SHELL_VALUE = re.compile(
    r"(?:\(redacted\)|[^\s;&|<>()\"'`\\$]|\\.|\"(?:[^\"\\]|\\.)*+\"?|'[^']*+'?|`[^`]*+`?"
    r"|\$\((?:[^()]|\([^()]*+\))*+\)?|\$)++",
    re.DOTALL,
)
_SHELL_QUOTE = re.compile(r"\\.|[\"']", re.DOTALL)
# A line that begins a member of a mapping, so that it continues no value.
_MEMBER = re.compile(r"(?:-[ \t]+)?(?:\"[^\"]*\"|'[^']*'|[\w./-]+)[ \t]*:(?:[ \t]|$)|\?[ \t]|#|\{|---$")
_VALUE_MEMBER = re.compile(
    r"[\"']?(?:value|val|plain(?:[tT]ext)?|content|raw|literal|inline(?:_?[sS]tring)?|string(?:Value)?|data)"
    r"[\"']?:[ \t]+(?P<value>[^{\[\s][^\r\n]*)"
)
_VALUE_IN_FLOW = re.compile(
    r"\{[ \t]*[\"']?(?:value|inline(?:_?[sS]tring)?|plain(?:[tT]ext)?)[\"']?:[ \t]+(?P<value>[^{\[\s,}][^,}\r\n]*)"
)
_LINE_HEAD = re.compile(
    r"[ \t]*(?:#\s*)?(?:-[ \t]+)?(?:(?:export|set|ENV|ARG|declare -x|--env|-e)[ \t]+)?(?:--?)?\\{0,7}[\"']?"
    r"(?:[^\s=]*/[^\s=]*:)?"
)
_LONGEST_HEAD = 300
_AROUND = 400
# A name, what closes it, and the separator with its blanks.
_LONGEST_ASSIGNMENT = 2 * LONGEST_NAME
_BLOCK = re.compile(r"[|>][-+]?[0-9]?[-+]?[ \t]*(?:#[^\n]*)?(?=\r?\n|$)")
_REST_OF_LINE = re.compile(r"[^\r\n]*")
# Not beyond where the next option of a list begins: `--token=…,--port=80`.
_WORD = re.compile(r"(?:[^\s,]|,(?!--?[A-Za-z]))+")
_IN_FLOW = re.compile(r"[^\s,}\]]+")
_PLAIN_IN_FLOW = re.compile(r"[^,}\]\r\n]+")
_OF_PARAMETER = re.compile(r"[^&\s\"']+")
# Of an option at the head of a line: to the next one, or to the end of the line.
_OF_OPTION = re.compile(r"(?:[^\s\\]|[ \t]+(?!--?[A-Za-z]|\\|\r?$)|\\(?!\r?\n))+", re.MULTILINE)
_IN_BRACKETS = re.compile(r"\[[^\]\n]*\]?")
_SCHEME_WORD = re.compile(r"(?:basic|bearer|token|digest|negotiate|apikey)[ \t]+", re.IGNORECASE)
# In a sentence: a word with a digit or an unusual character, or a long one.
SECRET_WORD = re.compile(r"(?=[^\s,;]{0,400}?[0-9!#$%^&*+/=_])[^\s,;]{6,}|[^\s,;]{16,}")
_MAYBE_RANDOM = re.compile(r"[A-Za-z0-9+/_=~-]{20,400}+(?![\w.-])")
_PAIR_NAMES = frozenset(("name", "key", "header", "variable", "parameterkey"))
_PAIR_VALUES = frozenset(("value", "val", "values", "parametervalue"))
_BETWEEN_PAIR = re.compile(r"[\s,;\"'\\]{0,80}(?:-[ \t]+)?[\"'\\]{0,8}")


class Assignments:
    """Finds `name=value`, `name: value` and their kin in one text, from its beginning to its end.

    Args:
        text: what to look through.
        kind: how far values reach: in a document to the end of the line, in a sentence to the end of the word.
        names: which names tell.
    """

    def __init__(self, text: str, kind: Kind, names: Names) -> None:
        self._text = text
        self._kind = kind
        self._names = names
        self._line_begin = 0
        self._line_seen = 0
        # Of a pair (`- name: X`, `value: Y`): whether the name tells, and where it ends; and the value.
        self._pair_name: tuple[bool, int] = (False, -1)
        self._pair_value: re.Match[str] | None = None
        # Of a script: how far quotes were looked for, and the one that is open there.
        self._quotes_seen = 0
        self._open_quote = ""
        self._edits: list[tuple[int, int]] = []

    def redacted(self, places: Sequence[int], tell: Tell) -> str:
        """The text with MARK for every value of a telling name; `places` are those of literals."""
        position = searched = 0
        for place in places:
            # Only around them, since most of a long text is of no interest; and there only once.
            if place + _LONGEST_ASSIGNMENT <= searched:
                continue
            position, searched = max(position, place - _AROUND), place + 4 * _AROUND
            while (match := _ASSIGNMENT.search(self._text, position, searched)) is not None:
                position = max(self._follow(match), match.end("name") + 1)
        if not self._edits:
            return self._text
        tell(Rule.TELLING_NAME)
        return replaced(self._text, ((begin, end, MARK) for begin, end in self._edits))

    def _follow(self, match: re.Match[str]) -> int:
        """What one name tells; where to go on."""
        name, begin = match["name"], match.end()
        lowered = name.lower()
        if lowered in _PAIR_NAMES:
            return self._remember_name(match)
        telling = self._names.telling(name)
        if lowered in _PAIR_VALUES:
            self._pair_value = match
            tells, end = self._pair_name
            telling = Telling.YES if tells and self._is_beside(end, match.start()) else telling
        if telling is Telling.NO:
            return begin
        if telling is Telling.IF_RANDOM:
            quote = _QUOTE.match(self._text, begin)
            span = self._word(begin if quote is None else quote.end(), _MAYBE_RANDOM)
            if span is None or not looks_random(self._text[span[0] : span[1]]):
                return begin
        elif (span := self._value(match)) is None or self._is_no_secret(name, span):
            return begin
        self._edits.append(span)
        return span[1]

    def _is_no_secret(self, name: str, span: tuple[int, int]) -> bool:
        value = self._text[span[0] : span[1]]
        if is_no_secret(name, value) or _TYPE_OF_FIELD.match(self._text, span[0]) is not None:
            return True
        if self._kind is Kind.PROSE:
            return names_an_object(name, value)
        return name == "secretKey" and "remoteRef" in self._text and is_kubernetes_name(value)

    def _remember_name(self, match: re.Match[str]) -> int:
        span = self._quoted(match.end()) or self._word(match.end(), _IN_FLOW)
        if span is None:
            return match.end()
        name = self._text[span[0] : span[1]]
        tells = len(name) <= LONGEST_NAME and self._names.telling(name) is Telling.YES
        self._pair_name = (tells, span[1])
        before = self._pair_value
        if tells and before is not None and match.start() - before.end() < _AROUND:
            value = self._value(before)
            if (
                value is not None
                and self._is_beside(value[1], match.start())
                and not is_no_secret(name, self._text[value[0] : value[1]])
            ):
                self._edits.append(value)
        return span[1]

    def _is_beside(self, end: int, begin: int) -> bool:
        return 0 <= end <= begin and _BETWEEN_PAIR.fullmatch(self._text, end, begin) is not None

    def _value(self, match: re.Match[str]) -> tuple[int, int] | None:
        """Where the value is, without its quotes; None where the separator separates no value."""
        begin, separator = match.end(), match["separator"]
        is_colon = separator.strip() in (":", "::")
        is_apart = separator.endswith((" ", "\t"))
        if is_colon and is_apart:
            if _LOOKED_UP.match(self._text, begin) is not None:
                return None
            before = next(filter(None, (pattern.match(self._text, begin) for pattern in _BEFORE_VALUE)), None)
            begin = before.end() if before is not None else begin
        return self._quoted(begin) or self._unquoted(match, begin, is_colon=is_colon, is_apart=is_apart)

    def _unquoted(self, match: re.Match[str], begin: int, *, is_colon: bool, is_apart: bool) -> tuple[int, int] | None:
        if self._kind is Kind.SCRIPT and match["separator"] in ("=", "+=") and self._before(match, 1) not in ("&", "?"):
            return self._shell_word(match, begin)
        if is_colon and not is_apart and self._text[begin : begin + 1] not in ("", "\r", "\n"):
            return self._tight(match)
        if self._is_at_line_head(match):
            is_option = self._kind is Kind.DOCUMENT and self._before(match, 1) == "-"
            return self._word(begin, _OF_OPTION) if is_option else self._to_line_end(begin, is_colon=is_colon)
        scheme = _SCHEME_WORD.match(self._text, begin)
        begin = scheme.end() if scheme is not None else begin
        if not is_colon:
            return self._word_of_assignment(match, begin)
        if self._before(match, 8).rstrip(" \t\\\"'").endswith(("{", ",")):
            return self._in_flow(begin)
        return self._word(begin, SECRET_WORD)

    def _before(self, match: re.Match[str], length: int) -> str:
        return self._text[max(0, match.start() - length) : match.start()]

    def _shell_word(self, match: re.Match[str], begin: int) -> tuple[int, int] | None:
        """Where the word ends that the shell reads; between quotes at the next blank, or where the quotes end."""
        while (quote := _SHELL_QUOTE.search(self._text, self._quotes_seen, match.start())) is not None:
            self._quotes_seen = quote.end()
            if not self._open_quote:
                self._open_quote = quote[0][-1:] if len(quote[0]) == 1 else ""
            elif quote[0] == self._open_quote:
                self._open_quote = ""
        self._quotes_seen = max(self._quotes_seen, match.start())
        if not self._open_quote:
            return self._word(begin, _SHELL_VALUE)
        end = self._text.find(self._open_quote, begin)
        if self._text[match.start() - 1] == self._open_quote and end > begin:
            return begin, end
        return self._word(begin, _WORD, end=len(self._text) if end < 0 else end)

    def _in_flow(self, begin: int) -> tuple[int, int] | None:
        """A value between the brackets of YAML, or of a dump: with blanks where the brackets open in the same line."""
        line = self._text[max(0, begin - _LONGEST_HEAD) : begin].rpartition("\n")[2]
        if self._kind is Kind.PROSE or "{" not in line:
            return self._word(begin, _IN_FLOW)
        return self._word(begin, _PLAIN_IN_FLOW)

    def _quoted(self, begin: int) -> tuple[int, int] | None:
        quote = _QUOTE.match(self._text, begin)
        if quote is None:
            return None
        if not quote["slashes"]:
            if self._text.startswith(quote["quote"] * 2, quote.end()):
                # Of TOML and Python, over several lines.
                end = self._text.find(quote["quote"] * 3, quote.end() + 2)
                return quote.end() + 2, len(self._text) if end < 0 else end
            end = _end_of_quoted(self._text, quote.end(), quote["quote"])
        else:
            end = self._text.find(quote[0], quote.end())
            while end > 0 and self._text[end - 1] == "\\":
                end = self._text.find(quote[0], end + 1)
        return quote.end(), len(self._text) if end < 0 else end

    def _tight(self, match: re.Match[str]) -> tuple[int, int] | None:
        """`Password:…` and `X-Api-Key:[…]` in Go's dumps, `map[password:…]`, JSON's numbers; not `host:port`."""
        begin = match.end()
        before = self._text[max(0, match.start() - 4) : match.start()]
        if not (match["name"][0].isupper() or match["close"] or before.endswith(("map[", " ", ",", "{"))):
            return None
        if (items := _GO_LIST.match(self._text, begin)) is not None:
            return items.span("inside")
        if self._text.startswith("[", begin):
            return self._word(begin, _IN_BRACKETS, inside=True)
        return self._word(begin, _IN_FLOW)

    def _word_of_assignment(self, match: re.Match[str], begin: int) -> tuple[int, int] | None:
        before = match.start()
        for _ in range(len("--")):
            if self._text[before - 1 : before] == "-":
                before -= 1
        opening = self._text[before - 1 : before]
        if opening in ("&", "?"):
            return self._word(begin, _OF_PARAMETER)
        end = self._text.find(opening, begin) if opening in ('"', "'") else -1
        if end > begin and self._kind is not Kind.PROSE:
            return begin, end
        return self._word(begin, _WORD, end=end if end > begin else len(self._text))

    def _word(
        self, begin: int, pattern: re.Pattern[str], *, inside: bool = False, end: int = sys.maxsize
    ) -> tuple[int, int] | None:
        word = pattern.match(self._text, begin, end)
        if word is None:
            return None
        return (begin + 1, word.end() - word[0].endswith("]")) if inside else (begin, word.end())

    def _is_at_line_head(self, match: re.Match[str]) -> bool:
        """Whether nothing stands before the name in its line but what makes it an assignment."""
        if self._kind is Kind.PROSE:
            return False
        line = self._text.rfind("\n", self._line_seen, match.start())
        self._line_begin = line + 1 if line >= 0 else self._line_begin
        self._line_seen = match.start()
        begin = self._line_begin
        return (
            match.start() - begin <= _LONGEST_HEAD
            and _LINE_HEAD.fullmatch(self._text, begin, match.start()) is not None
        )

    def _to_line_end(self, begin: int, *, is_colon: bool) -> tuple[int, int] | None:
        rest = _REST_OF_LINE.match(self._text, begin)
        end = rest.end() if rest is not None else begin
        line = self._text[begin:end].rstrip()
        if not line or (is_colon and _BLOCK.match(self._text, begin) is not None):
            return self._block(end, is_block=bool(line))
        if (here := _HERE_DOCUMENT.fullmatch(line)) is not None:
            return self._here_document(end, here["end"])
        if is_colon and (line.startswith("{") or _ALIAS.fullmatch(line) is not None):
            member = _VALUE_IN_FLOW.match(self._text, begin)
            return member.span("value") if member is not None else None
        return begin, self._end_of_continuation(end) if is_colon or line.endswith("\\") else begin + len(line)

    def _end_of_continuation(self, position: int) -> int:
        """Where a plain value of several lines ends: those below that are indented further and begin no member."""
        indent = _indent(self._text, self._line_begin)
        end = position
        while (line := NEXT_LINE.match(self._text, position)) is not None:
            if line["content"]:
                if line.end("indent") - line.start("indent") <= indent or _MEMBER.match(line["content"]) is not None:
                    break
                end = line.end("content")
            position = line.end()
        return end

    def _here_document(self, position: int, terminator: str) -> tuple[int, int] | None:
        """The lines below, up to the one that has nothing but the word which ends them."""
        begin = position
        while (line := NEXT_LINE.match(self._text, position)) is not None:
            if line["content"].strip() == terminator:
                return (begin, line.start()) if line.start() > begin else None
            begin = line.start("content") if begin == position else begin
            position = line.end()
        return (begin, position) if position > begin else None

    def _block(self, position: int, *, is_block: bool) -> tuple[int, int] | None:
        """The lines below that are indented further; below a name without a value not the members of a mapping."""
        indent = _indent(self._text, self._line_begin)
        first = last = None
        while (line := NEXT_LINE.match(self._text, position)) is not None:
            content = line["content"]
            if content:
                is_item = not is_block and (content.startswith("- ") or content == "-")
                if line.end("indent") - line.start("indent") < indent + (0 if is_item else 1):
                    break
                if not is_block and (not is_item or first is None) and _MEMBER.match(content) is not None:
                    return self._value_below(position, indent) if first is None else (first, last or first)
                first = line.start("content") + (2 if is_item else 0) if first is None else first
                last = line.end("content")
            position = line.end()
        return (first, last) if first is not None and last is not None and first < last else None

    def _value_below(self, position: int, indent: int) -> tuple[int, int] | None:
        """In a mapping below a telling name: the member that is called `value`, or similarly."""
        while (line := NEXT_LINE.match(self._text, position)) is not None:
            if line["content"] and line.end("indent") - line.start("indent") <= indent:
                return None
            member = _VALUE_MEMBER.match(self._text, line.start("content"), line.end("content"))
            if member is not None:
                return member.span("value")
            position = line.end()
        return None


NEXT_LINE = re.compile(r"\r?\n(?P<indent>[ \t]*+)(?P<content>[^\r\n]*+)")
_INDENT = re.compile(r"[ \t]*+(?:-[ \t]+)*")


def _indent(text: str, begin: int) -> int:
    match = _INDENT.match(text, begin)
    return match.end() - match.start() if match is not None else 0


def _end_of_quoted(text: str, begin: int, quote: str) -> int:
    r"""Where a quoted text ends: before the quote that no backslash escapes."""
    match = (_IN_DOUBLE if quote == '"' else _IN_SINGLE).match(text, begin)
    return match.end() if match is not None and match.end() < len(text) else -1


_IN_DOUBLE = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_IN_SINGLE = re.compile(r"(?:[^'\\]|\\.|'')*+", re.DOTALL)
