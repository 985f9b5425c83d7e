"""Words of the Logs Insights query language: names, numbers, texts, patterns, signs; comments are left out."""

import re
from dataclasses import dataclass

from wire import AwsError

TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      |(?P<number>\d+(?:\.\d+)?(?![\w.]))
      |(?P<period>\d+(?:ms|s|m|h|d|w|mo|q|y)\b)
      |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      |(?P<quoted>`[^`]+`)
      |(?P<name>@{0,2}[A-Za-z_][\w.@]*)
      |(?P<sign>=~|!=|<=|>=|[=<>(),|\[\]*+/%-])""",
    re.VERBOSE,
)
PATTERN = re.compile(r"/((?:[^/\\\n]|\\.)+)/")


@dataclass
class Token:
    kind: str
    text: str
    at: int


def malformed(message, at, end=None):
    return AwsError(
        "MalformedQueryException",
        message,
        queryCompileError={"location": {"startCharOffset": at, "endCharOffset": at + 1 if end is None else end}, "message": message},
    )


def tokens(query):
    """All words of a query. A slash begins a pattern where one may stand: after like, =~ and parse."""
    found, at = [], 0
    while at < len(query):
        before = found[-1].text.lower() if found else ""
        wants_pattern = before in ("like", "=~") or (len(found) > 1 and found[-2].text.lower() == "parse")
        if query[at] == "/" and wants_pattern and (match := PATTERN.match(query, at)):
            found.append(Token("pattern", match[1].replace("\\/", "/"), at))
            at = match.end()
            continue
        match = TOKEN.match(query, at)
        if not match:
            raise malformed(f"unexpected symbol found {query[at]} at position {at}", at)
        kind = match.lastgroup
        if kind == "text":
            found.append(Token("text", re.sub(r"\\(.)", r"\1", match[0][1:-1]), at))
        elif kind == "quoted":
            found.append(Token("name", match[0][1:-1], at))
        elif kind != "space":
            found.append(Token(kind, match[0], at))
        at = match.end()
    return found


def pattern(token):
    """The pattern of a token, compiled; `(?<n>…)` is the language's way of naming a group."""
    try:
        return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", token.text))
    except re.error as error:
        raise malformed(f"invalid regular expression: {error}", token.at, token.at + len(token.text)) from error
