"""Keys of the cache, and globs over the model and the match that a key names.

A key is ``fp:{schema}:{model}:{match or -}:{digest}``. Names are percent-escaped, so that nothing in them can end a
part of the key or act as a wildcard. A glob is matched here, against the unescaped names; Redis is only asked for
keys with the glob's literal beginning, so that both layers agree and no glob can reach a key of somebody else.
"""

from __future__ import annotations

import functools
import hashlib
import re
from urllib.parse import quote, unquote

from api.caching.entry import SCHEMA
from runners.errors import QueryInvalid

PREFIX = f"fp:{SCHEMA}:"
LONGEST_PATTERN = 256

_KEY = re.compile(rf"{PREFIX}([^:]*):([^:]*):[0-9a-f]{{32}}")
_NO_MATCH_ID = "-"
_SURROGATES = "surrogatepass"  # a name may hold half a character; it still needs a key


def _escaped(name: str) -> str:
    if name.isascii() and name.isalnum():  # as match ids are: nothing to escape
        return name
    return _quoted(name)


@functools.lru_cache(maxsize=1_024)
def _quoted(name: str) -> str:
    return quote(name, safe="", errors=_SURROGATES)


def _head(model_name: str, match_id: str | None) -> str:
    match = _NO_MATCH_ID if match_id is None else "%2D" if match_id == _NO_MATCH_ID else _escaped(match_id)
    return f"{PREFIX}{_escaped(model_name)}:{match}:"


def key_of(model_name: str, match_id: str | None, version_token: str | bytes, canonical: bytes) -> str:
    """Name the place of one answer in the cache.

    Args:
        match_id: None for a match that was described instead of named.
        version_token: Whatever changes when the same question gets another answer: model digest, feature state.
        canonical: The question in one spelling; equal questions must be equal bytes.

    >>> key_of("default", "de.1:2020", "v1", b"winner")
    'fp:1:default:de.1%3A2020:e6934037d197b6d87fe73afba5078920'
    """
    version = version_token.encode() if isinstance(version_token, str) else version_token
    digest = hashlib.blake2b(b"%d:%b" % (len(version), version), digest_size=16)
    digest.update(canonical)
    return _head(model_name, match_id) + digest.hexdigest()


def names_in(key: str) -> tuple[str, str] | None:
    """Tell the model and the match of a key, ``-`` for none; None if it is no key of ours.

    >>> names_in("fp:1:default:de.1%3A2020:8aff914ca6b61bfa2a75f8eaf36ccb0f")
    ('default', 'de.1:2020')
    """
    found = _KEY.fullmatch(key)
    return (unquote(found[1], errors=_SURROGATES), unquote(found[2], errors=_SURROGATES)) if found else None


class KeyPattern:
    """Match keys by a glob over ``MODEL:MATCH``; without a colon, by a glob over either of the two.

    ``*`` is any text, ``?`` one character, ``[a-z]`` one of a class, ``[^a-z]`` or ``[!a-z]`` one outside of it, and
    a backslash takes away the meaning of the next character. The first colon outside of a class parts the two; a
    match without an id is ``-``.

    >>> key = key_of("default", "de.1-2020-7", "v1", b"")
    >>> [text for text in ("*", "default:*", "default", "de.1-*", "*:de.2-*") if KeyPattern(text).matches(key)]
    ['*', 'default:*', 'default', 'de.1-*']
    """

    def __init__(self, text: str) -> None:
        if not 0 < len(text) <= LONGEST_PATTERN:
            raise QueryInvalid(
                f"The pattern has {len(text)} characters. Give 1 to {LONGEST_PATTERN}, such as 'default:de.1-*'.",
                path="$.pattern",
            )
        self.text = text
        parts = _parted(_tokens(text))
        self._parts = [re.compile(_regex(part), re.DOTALL) for part in parts]
        self.scan_match = (PREFIX + _literal_beginning(parts) + "*").encode()
        """What SCAN is asked for: a pattern without any other wildcard, of which every match begins in our prefix."""

    @classmethod
    def of_model(cls, model_name: str) -> KeyPattern:
        """Match every key of one model, whatever characters its name has."""
        return cls("".join(f"\\{c}" if c in "*?[]\\:^!" else c for c in model_name) + ":*")

    def matches(self, key: str) -> bool:
        """Tell whether the key is one of ours and the glob covers it."""
        names = names_in(key)
        if names is None:
            return False
        if len(self._parts) == 1:
            return any(self._parts[0].fullmatch(name) for name in names)
        return all(part.fullmatch(name) for part, name in zip(self._parts, names, strict=True))


_STAR = ".*"
_COLON = ":"
_TOKEN = re.compile(
    r"(?P<star>\*+)|(?P<one>\?)|\[(?P<negated>[\^!]?)(?P<members>(?:\\.|[^\\])(?:\\.|[^\]\\])*)\]|\\(?P<escaped>.)|(?P<plain>.)",
    re.DOTALL,
)
_MEMBER = re.compile(r"(?:\\(.)|(.))(?:-(?:\\(.)|(.)))?", re.DOTALL)


def _tokens(glob: str) -> list[tuple[str, str | None]]:
    """Give the regular expression of each token, and its text where it can only mean itself; a bare colon is ``:``."""
    tokens: list[tuple[str, str | None]] = []
    for found in _TOKEN.finditer(glob):
        literal = found["escaped"] or found["plain"]
        if found["star"]:
            tokens.append((_STAR, None))
        elif found["one"]:
            tokens.append((".", None))
        elif found["members"]:
            tokens.append((_class(found["negated"], found["members"]), None))
        elif found["plain"] == _COLON:
            tokens.append((_COLON, _COLON))
        else:
            tokens.append((f"(?:{re.escape(literal)})", literal))
    return tokens


def _class(negated: str, members: str) -> str:
    ranges = []
    for found in _MEMBER.finditer(members):
        first = found[1] or found[2]
        low, high = sorted((first, found[3] or found[4] or first))
        ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    return f"[{'^' if negated else ''}{''.join(ranges)}]"


def _parted(tokens: list[tuple[str, str | None]]) -> list[list[tuple[str, str | None]]]:
    """Part at the first bare colon; those after it belong to the match id."""
    colon = next((i for i, token in enumerate(tokens) if token[0] == _COLON), None)
    return [tokens] if colon is None else [tokens[:colon], tokens[colon + 1 :]]


def _regex(tokens: list[tuple[str, str | None]]) -> str:
    """Join tokens so that the time to match grows with the length of the text, not with its power.

    What stands between two stars has a fixed length, so its first place is as good as any later one: an atomic group
    forbids to come back to it.
    """
    chunks = [""]
    for expression, _ in tokens:
        if expression == _STAR:
            chunks.append("")
        else:
            chunks[-1] += expression
    if len(chunks) == 1:
        return chunks[0]
    first, *middle, last = chunks
    return first + "".join(f"(?>.*?{chunk})" for chunk in middle) + _STAR + last


def _literal_beginning(parts: list[list[tuple[str, str | None]]]) -> str:
    """Escape the text that every key must begin with after the prefix."""
    if len(parts) == 1:
        return ""
    model, match = (_leading_text(part) for part in parts)
    if len(model) < len(parts[0]):
        return _escaped(model)
    # "-" alone stands for no match id, and is escaped where it is one.
    return f"{_escaped(model)}:{'' if match == _NO_MATCH_ID else _escaped(match)}"


def _leading_text(tokens: list[tuple[str, str | None]]) -> str:
    text = ""
    for _, literal in tokens:
        if literal is None:
            break
        text += literal
    return text
