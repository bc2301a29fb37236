"""Keys are told apart by everything that matters, and a glob means the same in memory and in Redis."""

from __future__ import annotations

import re
import time

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.caching import Cache, KeyPattern, key_of
from api.caching.keys import names_in
from runners.errors import QueryInvalid

NAMES = st.text(alphabet="abc:*?[]\\-%^!ö\n", max_size=6) | st.text(max_size=4)
GLOBS = st.text(alphabet="abc:*?[]\\-%^!ö\n", min_size=1, max_size=8)


def matches_slowly(glob, text):
    """Match by trying every way, with no regular expression."""
    if not glob:
        return not text
    head, rest = glob[0], glob[1:]
    if head == "*":
        return any(matches_slowly(rest, text[n:]) for n in range(len(text) + 1))
    if not text:
        return False
    if head == "?":
        return matches_slowly(rest, text[1:])
    if head == "\\" and rest:
        return rest[0] == text[0] and matches_slowly(rest[1:], text[1:])
    return head == text[0] and matches_slowly(rest, text[1:])


@given(NAMES, st.none() | NAMES)
@settings(max_examples=300, deadline=None)
def test_names_survive_their_key_and_cannot_break_it(model, match):
    """
    Whatever a name holds, the key has five parts, no wildcard, and gives the name back.
    """
    key = key_of(model, match, "v1", b"")

    assert re.fullmatch(r"fp:1:[\w.~%-]*:[\w.~%-]*:[0-9a-f]{32}", key, re.ASCII)
    assert names_in(key) == (model, "-" if match is None else match)


def test_keys_differ_where_answers_may():
    """
    Model, match, none or one called "-", version, question and where one ends: each makes another key.
    """
    told_apart = [
        key_of("m", "7", "v1", b"q"),
        key_of("n", "7", "v1", b"q"),
        key_of("m", "8", "v1", b"q"),
        key_of("m", None, "v1", b"q"),
        key_of("m", "-", "v1", b"q"),
        key_of("m", "7", "v2", b"q"),
        key_of("m", "7", "v1", b"r"),
        key_of("m", "7", "v1q", b""),
        key_of("m", "7", "", b"v1q"),
    ]

    assert len(set(told_apart)) == len(told_apart)
    assert key_of("m", "7", "v1", b"q") == key_of("m", "7", b"v1", b"q")


@given(st.text(alphabet="ab*?\\-ö", min_size=1, max_size=8), st.text(alphabet="ab*?\\-ö", max_size=8))
@settings(max_examples=500, deadline=None)
def test_globs_of_a_match_mean_what_they_say(glob, match):
    """
    Stars, question marks and backslashes agree with a matcher that tries every way.
    """
    assert KeyPattern(f"m:{glob}").matches(key_of("m", match, "v", b"")) == matches_slowly(glob, match)


@pytest.mark.parametrize(
    ("glob", "matched", "unmatched"),
    [
        ("m:[ab]", ["a", "b"], ["c", "ab", ""]),
        ("m:[^ab]", ["c", "^"], ["a", ""]),
        ("m:[!ab]", ["c", "!"], ["a"]),
        ("m:[a-c]x", ["ax", "cx"], ["dx", "-x"]),
        ("m:[c-a]x", ["bx"], ["dx"]),
        ("m:[]a]", ["]", "a"], ["b"]),
        ("m:[a", ["[a"], ["a"]),
        ("m:[\\]]", ["]"], ["\\"]),
        ("m:[a:]b", ["ab", ":b"], ["b"]),
        ("m:a:b", ["a:b"], ["a", "ab"]),
        ("m:-", ["-", None], ["--"]),
        ("m:*", ["", "x", None, "a:b"], []),
        ("7", ["7"], ["77"]),
        ("m", ["anything", None], []),
        ("\\m:\\*", ["*"], ["x"]),
        ("M:*", [], ["x"]),
        ("m:\n?", ["\n\n"], ["\n"]),
    ],
)
def test_classes_colons_and_escapes(glob, matched, unmatched):
    """
    Each kind of token covers what it says and nothing else.
    """
    pattern = KeyPattern(glob)

    assert all(pattern.matches(key_of("m", match, "v", b"")) for match in matched)
    assert not any(pattern.matches(key_of("m", match, "v", b"")) for match in unmatched)


@given(NAMES, NAMES)
@settings(max_examples=300, deadline=None)
def test_the_pattern_of_a_model_covers_that_model_alone(model, other):
    """
    Whatever characters its name has, none acts as a wildcard.
    """
    pattern = KeyPattern.of_model(model)

    assert pattern.matches(key_of(model, "7", "v", b""))
    assert pattern.matches(key_of(other, None, "v", b"")) == (model == other)


def test_many_stars_take_no_time_and_long_patterns_are_refused():
    """
    A pattern that makes other matchers try for years is done at once.
    """
    pattern = KeyPattern("m:" + "*a" * 100 + "*b")
    started = time.process_time()

    assert not pattern.matches(key_of("m", "a" * 3000, "v", b""))
    assert time.process_time() - started < 5
    for text in ("", "x" * 257):
        with pytest.raises(QueryInvalid, match="Give 1 to 256"):
            KeyPattern(text)


@example(["a"], ["-"], "a:-")
@example(["*", "a"], ["b"], "[*]:b")
@example(["ö"], ["b"], "?:b")
@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(NAMES, min_size=1, max_size=4), GLOBS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_glob_deletes_the_same_keys_in_both_layers_and_nothing_of_others(
    redis, layers, string_cache, models, matches, glob
):
    """
    Of the same keys in memory and in a real Redis the same are deleted; keys of other programs stay.
    """
    redis.say("FLUSHALL")
    layer = layers(redis.url)
    in_redis, in_memory = string_cache(layer), string_cache(None)
    keys = {key_of(model, match, "v", b"") for model in models for match in [*matches, None]}
    for key in keys:
        in_redis.put(key, "x", 60)
        in_memory.put(key, "x", 60)
    await layer.flush()
    foreign = ["fp:2:a:b:00", "fp", "a", "session:7", "fp:1:a:b:nothex", f"x{next(iter(keys))}"]
    for name in foreign:
        redis.plant(name, b"theirs")

    deleted, expected = await in_redis.delete(glob), await in_memory.delete(glob)
    await layer.close()

    assert (deleted, deleted.is_complete) == (expected, True)
    assert {key for key in keys if redis.has(key)} == {key for key in keys if in_memory.peek(key)}
    assert all(redis.has(name) for name in foreign)


@pytest.fixture
def string_cache():
    return lambda layer: Cache(msgspec.msgpack.Decoder(str), redis=layer)
