"""The JSON of ``nft -j list ruleset``, written as nft's own text (libnftables-json(5), nftables src/json.c)."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

LARGEST = 8 << 20
"""Bytes of one document."""

_WORDS = {"accept", "drop", "continue", "return", "notrack"}
_BARE_META = {"iif", "oif", "iifname", "oifname", "iifgroup", "oifgroup", "skuid", "skgid"}
_QUOTED = {"iifname", "oifname", "iif", "oif"}


def is_nft_json(head: str) -> bool:
    """Whether a text that begins so is such a document."""
    return head.lstrip()[:1] == "{" and '"nftables"' in head[:200]


def nft_text(document: str) -> str:
    """The same rules as ``nft -a list ruleset`` prints them; empty for what is no such document.

    An expression that is not known stands there as JSON: the rule is not lost, but cannot be typed.
    """
    try:
        listed = json.loads(document[:LARGEST])["nftables"]
        items = [(kind, each) for item in listed for kind, each in item.items() if isinstance(each, dict)]
        return "\n".join(_lines(items)) + "\n"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def _lines(items: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    parts: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    rules: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    tables: dict[tuple[str, str], Any] = {}
    for kind, each in items:
        family, table = str(each.get("family", "")), str(each.get("table", ""))
        if kind == "table":
            tables[family, str(each.get("name", ""))] = each.get("handle")
        elif kind == "rule":
            rules[family, table, str(each.get("chain", ""))].append(each)
        elif kind in {"chain", "set"}:
            parts[family, table].append((kind, each))
    for (family, table), handle in tables.items():
        yield _handled(f"table {_word(family)} {_word(table)} {{", handle)
        for kind, each in parts[family, table]:
            name = str(each.get("name", ""))
            yield _handled(f"\t{kind} {_word(name)} {{", each.get("handle"))
            if kind == "set":
                yield from _set(each)
            else:
                if "hook" in each:
                    yield (
                        f"\t\ttype {_word(each.get('type'))} hook {_word(each['hook'])}"
                        f" priority {_word(each.get('prio', 0))}; policy {_word(each.get('policy', 'accept'))};"
                    )
                for rule in rules[family, table, name]:
                    yield _handled(f"\t\t{_rule(rule)}", rule.get("handle"))
            yield "\t}"
        yield "}"


def _handled(line: str, handle: Any) -> str:
    return f"{line} # handle {handle}" if isinstance(handle, int) else line


def _word(value: Any) -> str:
    """One word of a line, whatever it is: text from outside must not begin a line of its own."""
    return "".join(str(value).split()) or "?"


def _set(each: dict[str, Any]) -> Iterator[str]:
    kind = each.get("type")
    yield f"\t\ttype {' . '.join(map(_word, kind)) if isinstance(kind, list) else _word(kind)}"
    if isinstance(each.get("elem"), list):
        yield f"\t\telements = {{ {', '.join(_expression(item) for item in each['elem'])} }}"


def _rule(rule: dict[str, Any]) -> str:
    said = [_statement(each) for each in rule.get("expr", ()) if isinstance(each, dict)]
    if isinstance(rule.get("comment"), str):
        said.append(f"comment {_quoted(rule['comment'])}")
    return " ".join(part for part in said if part).replace("\n", "\\n")


def _quoted(text: Any) -> str:
    return '"' + str(text).replace('"', "'") + '"'


def _statement(statement: dict[str, Any]) -> str:
    ((kind, what), *_) = statement.items()
    fields = what if isinstance(what, dict) else {}
    if kind in _WORDS:
        return str(kind)
    if kind == "match":
        op = fields.get("op", "==")
        relation = "" if op in {"==", "in"} else f"{op} "
        return f"{_expression(fields.get('left'))} {relation}{_value(fields.get('left'), fields.get('right'))}"
    if kind == "counter":
        return f"counter packets {fields['packets']} bytes {fields['bytes']}" if "packets" in fields else "counter"
    if kind in {"jump", "goto"}:
        return f"{kind} {_word(fields.get('target'))}"
    if kind == "reject":
        return (
            f"reject with {fields['type']}{' ' + str(fields['expr']) if 'expr' in fields else ''}" if fields else kind
        )
    if kind == "mangle":
        return f"{_expression(fields.get('key'))} set {_value(fields.get('key'), fields.get('value'))}"
    if kind in {"snat", "dnat", "redirect", "masquerade", "tproxy"}:
        where = _expression(fields["addr"]) if "addr" in fields else ""
        port = f":{_expression(fields['port'])}" if "port" in fields else ""
        return f"{kind} to {where}{port}" if where or port else str(kind)
    if kind == "log":
        return f"log prefix {_quoted(fields['prefix'])}" if "prefix" in fields else "log"
    if kind == "limit":
        return f"limit rate {fields.get('rate')}/{fields.get('per')}"
    if kind == "vmap":
        return f"{_expression(fields.get('key'))} vmap {_expression(fields.get('data'))}"
    if kind == "xt":
        return f'xt {_word(fields.get("type"))} "{_word(fields.get("name"))}"'
    return json.dumps(statement)


def _value(left: Any, right: Any) -> str:
    """Marks are written in hexadecimal, names of devices in quotes."""
    key = (
        next((each.get("key") for each in left.values() if isinstance(each, dict)), "")
        if isinstance(left, dict)
        else ""
    )
    if isinstance(right, int) and not isinstance(right, bool) and key == "mark":
        return f"0x{right:08x}"
    if isinstance(right, str) and key in _QUOTED and not right.startswith("@"):
        return _quoted(right)
    return _expression(right)


def _expression(value: Any) -> str:
    if isinstance(value, list):
        return "{ " + ", ".join(map(_expression, value)) + " }"
    if not isinstance(value, dict) or not value:
        return str(value)
    ((kind, what), *_) = value.items()
    fields = what if isinstance(what, dict) else {}
    if kind == "payload":
        if "protocol" in fields:
            return f"{fields['protocol']} {fields.get('field')}"
        return f"@{fields.get('base')},{fields.get('offset')},{fields.get('len')}"
    if kind == "meta":
        return str(fields.get("key")) if fields.get("key") in _BARE_META else f"meta {fields.get('key')}"
    if kind == "ct":
        return " ".join(str(part) for part in ("ct", fields.get("dir"), fields.get("key")) if part)
    if kind == "concat" and isinstance(what, list):
        return " . ".join(map(_expression, what))
    if kind == "prefix":
        return f"{_expression(fields.get('addr'))}/{fields.get('len')}"
    if kind == "range" and isinstance(what, list):
        return "-".join(map(_expression, what))
    if kind == "set":
        return _expression(what if isinstance(what, list) else [what])
    if kind == "elem":
        return _expression(fields.get("val"))
    if kind in {"|", "&", "^", "<<", ">>"} and isinstance(what, list):
        return f" {kind} ".join(map(_expression, what))
    return json.dumps(value)
