"""The guard passes every answer that is asked for, however it is cut, and refuses what claims too much."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.exceptions import InvalidResponse

from api.caching.guard import ReplyGuard

BULKS = st.binary(max_size=40).map(lambda content: b"$%d\r\n%b\r\n" % (len(content), content))
SCALARS = st.sampled_from(
    [b"+OK\r\n", b"-ERR no\r\n", b":7\r\n", b"_\r\n", b"#t\r\n", b",1.5\r\n", b"(99\r\n", b"$-1\r\n"]
)
ANSWERS = st.recursive(
    BULKS | SCALARS | st.just(b"=7\r\ntxt:abc\r\n"),
    lambda inner: st.lists(inner, max_size=4).map(lambda parts: b"*%d\r\n" % len(parts) + b"".join(parts)),
    max_leaves=8,
)


def fed(stream, cuts):
    guard = ReplyGuard()
    ends = sorted({cut % (len(stream) + 1) for cut in cuts} | {len(stream)})
    for start, end in zip([0, *ends], ends, strict=False):
        guard.feed(stream[start:end])


@given(st.lists(ANSWERS, max_size=5), st.lists(st.integers(0, 10_000), max_size=8))
@settings(max_examples=300, deadline=None)
def test_well_formed_answers_pass_however_they_are_cut(answers, cuts):
    """
    Values may hold anything, headers and line ends included.
    """
    fed(b"".join(answers), cuts)


HOSTILE = [
    b"*2147483647\r\n",
    b"%70000\r\n",
    b"~99999999\r\n",
    b"*40000\r\n*40000\r\n",
    b"$2147483647\r\n",
    b"=9999999999\r\n",
    b"!9999999999\r\n",
    b"$abc\r\n",
    b"*?\r\n",
    b">2\r\n",
    b"|1\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"\r\n",
    b"+" + b"x" * 70_000,
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda one: repr(one[:20]))
@given(st.lists(ANSWERS, max_size=3), st.lists(st.integers(0, 10_000), max_size=8))
@settings(max_examples=40, deadline=None)
def test_what_claims_too_much_is_refused_wherever_it_comes(hostile, before, cuts):
    """
    After any well-formed answers, and cut anywhere.
    """
    with pytest.raises(InvalidResponse, match="An answer of Redis"):
        fed(b"".join(before) + hostile, cuts)


def test_each_answer_has_the_elements_for_itself():
    """
    Many long answers in turn are not one too long.
    """
    guard = ReplyGuard()
    for _ in range(10):
        guard.start()
        guard.feed(b"*60000\r\n" + b"_\r\n" * 60_000)
