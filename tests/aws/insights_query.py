"""The Logs Insights query language, as far as log collectors speak it: fields, display, filter, parse, dedup, stats, sort, limit."""

from dataclasses import dataclass, field

from insights_tokens import malformed, pattern, tokens
from insights_rows import FUNCTIONS, compare, stamp

AGGREGATES = ("count", "min", "max", "sum", "avg", "count_distinct", "earliest", "latest")
RESERVED = ("and", "or", "not", "like", "in", "as", "asc", "desc", "by")
PERIODS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


@dataclass
class Query:
    """A query, compiled: `filters` are functions of a row, `columns` pairs of name and function."""

    filters: list = field(default_factory=list)
    makers: list = field(default_factory=list)
    columns: list = field(default_factory=list)
    sort: list = field(default_factory=list)
    limit: int | None = None
    dedup: list = field(default_factory=list)
    stats: tuple | None = None

    def matches(self, row):
        for step in self.filters:
            if not step(row):
                return False
        return True


class Parser:
    """Reads commands between bars."""

    def __init__(self, text):
        self.text, self.words, self.at = text, tokens(text), 0

    def peek(self, *texts):
        word = self.words[self.at] if self.at < len(self.words) else None
        if not texts:
            return word
        return word is not None and word.kind in ("name", "sign") and word.text.lower() in texts

    def take(self, *texts):
        if self.peek(*texts):
            self.at += 1
            return self.words[self.at - 1]
        return None

    def need(self, kind):
        word = self.peek()
        if word is None or (word.kind != kind and word.text != kind):
            self.fail(word)
        self.at += 1
        return word

    def fail(self, word):
        if word is None:
            raise malformed(f"unexpected end of query at position {len(self.text)}", len(self.text))
        raise malformed(f"unexpected symbol found {word.text} at position {word.at}", word.at, word.at + len(word.text))

    def query(self):
        query = Query()
        if not self.words:
            raise malformed("the query is empty", 0, 0)
        while True:
            word = self.need("name")
            command = getattr(self, f"_{word.text.lower()}", None)
            if command is None:
                self.fail(word)
            command(query)
            if self.peek() is None:
                return query
            self.need("|")

    def _fields(self, query):
        while True:
            query.columns.append(self._column(query))
            if not self.take(","):
                return

    def _display(self, query):
        query.columns = []
        self._fields(query)

    def _column(self, query):
        first = self.peek()
        value = self._sum()
        if self.take("as"):
            name = self.need("name").text
            query.makers.append((name, value))
            return name, value
        return self.text[first.at : self.peek().at if self.peek() else len(self.text)].strip().rstrip(",|").strip().strip("`"), value

    def _filter(self, query):
        query.filters.append(self._or())

    def _sort(self, query):
        while True:
            value = self._sum()
            ascending = self.take("asc", "desc")
            query.sort.append((value, ascending is not None and ascending.text.lower() == "asc"))
            if not self.take(","):
                return

    def _limit(self, query):
        word = self.need("number")
        if not word.text.isdigit() or int(word.text) < 1:
            self.fail(word)
        query.limit = int(word.text)

    def _dedup(self, query):
        while True:
            query.dedup.append(self._sum())
            if not self.take(","):
                return

    def _parse(self, query):
        source = self._sum()
        word = self.peek()
        if word is not None and word.kind == "pattern":
            self.at += 1
            found = pattern(word)
            if not found.groupindex:
                raise malformed("a pattern of parse names its groups", word.at)
            for name in found.groupindex:
                query.makers.append((name, _group(source, found, name)))
            return
        glob = self.need("text")
        self.take("as")
        names = [self.need("name").text]
        while self.take(","):
            names.append(self.need("name").text)
        word.text = "".join(
            "(.*?)" if it == "*" else "\\" + it if not it.isalnum() and it != " " else it for it in glob.text
        ) + "$" * glob.text.endswith("*")
        found = pattern(word)
        if found.groups != len(names):
            raise malformed("parse has as many names as stars", glob.at)
        for at, name in enumerate(names, 1):
            query.makers.append((name, _group(source, found, at)))

    def _stats(self, query):
        columns, groups = [], []
        while True:
            function = self.need("name")
            if function.text.lower() not in AGGREGATES:
                self.fail(function)
            self.need("(")
            value = (lambda row: 1) if self.take("*") else self._sum()
            end = self.need(")")
            name = self.text[function.at : end.at + 1]
            if self.take("as"):
                name = self.need("name").text
            columns.append((name, function.text.lower(), value))
            if not self.take(","):
                break
        while self.take("by", ","):
            groups.append(self._column(query))
        query.stats = (columns, groups)

    def _or(self):
        left = self._and()
        while self.take("or"):
            left = (lambda a, b: lambda row: a(row) or b(row))(left, self._and())
        return left

    def _and(self):
        left = self._not()
        while self.take("and"):
            left = (lambda a, b: lambda row: a(row) and b(row))(left, self._not())
        return left

    def _not(self):
        if self.take("not"):
            inner = self._not()
            return lambda row: not inner(row)
        return self._comparison()

    def _comparison(self):
        start = self.at
        if self.take("("):
            inner = self._or()
            self.need(")")
            if self.peek() is None or self.peek(")", "|", "and", "or"):
                return inner
            self.at = start
        left = self._sum()
        negated = bool(self.take("not"))
        found = self._test(left)
        return (lambda row: not found(row)) if negated else found

    def _test(self, left):
        if self.take("like", "=~"):
            word = self.peek()
            if word is not None and word.kind == "pattern":
                self.at += 1
                search = pattern(word).search
                return lambda row: (value := left(row)) is not None and search(str(value)) is not None
            text = self.need("text").text
            return lambda row: (value := left(row)) is not None and text in str(value)
        if self.take("in"):
            self.need("[")
            values = [self._value_of_list()]
            while self.take(","):
                values.append(self._value_of_list())
            self.need("]")
            return lambda row: any(compare("=", left(row), it) for it in values)
        sign = self.take("=", "!=", "<", "<=", ">", ">=")
        if sign is None:
            return left
        right = self._sum()
        return lambda row: compare(sign.text, left(row), right(row))

    def _value_of_list(self):
        word = self.peek()
        if word is None or word.kind not in ("text", "number"):
            self.fail(word)
        self.at += 1
        return word.text if word.kind == "text" else float(word.text)

    def _sum(self):
        left = self._primary()
        while sign := self.take("+", "-", "*", "/", "%"):
            left = (lambda a, b, how: lambda row: _arithmetic(how, a(row), b(row)))(left, self._primary(), sign.text)
        return left

    def _primary(self):
        word = self.peek()
        if word is None:
            self.fail(word)
        self.at += 1
        if word.kind == "text":
            return lambda row: word.text
        if word.kind == "number":
            number = float(word.text) if "." in word.text else int(word.text)
            return lambda row: number
        if word.text == "(":
            inner = self._sum()
            self.need(")")
            return inner
        if word.kind != "name" or word.text.lower() in RESERVED:
            self.fail(word)
        if not self.take("("):
            return lambda row: row.get(word.text)
        if word.text.lower() == "bin":
            return self._bin()
        function = FUNCTIONS.get(word.text.lower())
        if function is None:
            self.fail(word)
        arguments = [self._sum()] if not self.peek(")") else []
        while self.take(","):
            arguments.append(self._sum())
        self.need(")")
        return lambda row: function(*(it(row) for it in arguments))

    def _bin(self):
        word = self.need("period")
        self.need(")")
        digits = word.text.rstrip("abcdefghijklmnopqrstuvwxyz")
        width = int(digits) * PERIODS.get(word.text[len(digits) :], 60_000)
        return lambda row: stamp(row.event.timestamp // width * width)


def _group(source, found, name):
    def value(row):
        text = source(row)
        match = found.search(str(text)) if text is not None else None
        return match[name] if match else None

    return value


def _arithmetic(how, left, right):
    try:
        left, right = float(left), float(right)
        value = {"+": left + right, "-": left - right, "*": left * right}.get(how)
        if value is None:
            value = left / right if how == "/" else left % right
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return int(value) if value == int(value) else value


def compile_query(text):
    """The query in a text; MalformedQueryException where it is none."""
    return Parser(text).query()
