"""``@cached`` before any async function whose answer can be stored: one computation for equal arguments.

Answers are kept as msgpack and decoded for each caller, so that nobody sees what another has done to his.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import secrets
import typing
import weakref
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

import msgspec

from api.caching.cache import Cache, Instant
from api.caching.keys import key_of

if TYPE_CHECKING:
    from api.caching.redis_layer import RedisLayer

P = ParamSpec("P")
R = TypeVar("R")

_ENCODER = msgspec.msgpack.Encoder(order="deterministic")


def cached(
    ttl_s: float = 300.0,
    *,
    key: Callable[..., str | bytes] | None = None,
    until: Callable[[Any], Instant] = lambda _: None,
    version: str | Callable[[], str] = "",
    force: str | None = None,
    redis: RedisLayer | None = None,
) -> Callable[[Callable[P, Awaitable[R]]], Cached[P, R]]:
    """Keep the answers of an async function for about ``ttl_s`` seconds.

    The function's return annotation says how an answer is stored; exceptions pass and are not kept. Equal arguments
    that arrive together are computed once. The function gains ``cache`` (``stats``, ``delete``, ``redis``) and
    ``refresh``, which computes anew whatever is kept, and keeps that.

    Args:
        key: Names an answer from the same arguments; by default all of them do. In a method, the instance does too:
            equal ones share while the first of them lives, and with an attribute ``cache_token`` across processes.
        until: The time past which an answer must not be used, such as the kick-off of its match.
        version: What else the answer depends on, such as the digest of a model.
        force: Name of a parameter of the function: when it is true, as ``refresh``. It names no answer.
        redis: May also be set later as ``.cache.redis``.

    Raises:
        TypeError: The function is not async, or its return type is absent or cannot be stored.

    >>> import asyncio
    >>> @cached(ttl_s=60)
    ... async def predict(match_id: str) -> dict[str, float]:
    ...     print("computing", match_id)
    ...     return {"home": 0.5, "draw": 0.3, "away": 0.2}
    >>> async def ask() -> bool:
    ...     return await predict("de.1-7") == await predict(match_id="de.1-7")
    >>> asyncio.run(ask())
    computing de.1-7
    True
    >>> predict.cache.stats().hit_rate
    0.5
    """

    def decorate(function: Callable[P, Awaitable[R]]) -> Cached[P, R]:
        return Cached(function, ttl_s=ttl_s, key=key, until=until, version=version, force=force, redis=redis)

    return decorate


class Cached(Generic[P, R]):
    """A function with a cache before it; made by ``cached``."""

    def __init__(
        self,
        function: Callable[P, Awaitable[R]],
        *,
        ttl_s: float,
        key: Callable[..., str | bytes] | None,
        until: Callable[[Any], Instant],
        version: str | Callable[[], str],
        force: str | None,
        redis: RedisLayer | None,
    ) -> None:
        self._function = function
        self._is_method = False
        answer_type = _answer_type(function)
        self._signature = inspect.signature(function)
        if force is not None and force not in self._signature.parameters:
            raise TypeError(f"{function.__qualname__} has no parameter {force!r} that could force a computation.")
        self._decoder = msgspec.msgpack.Decoder(answer_type)
        self._shape = hashlib.blake2b(msgspec.json.encode(_schema(function, answer_type))).hexdigest()
        self._ttl_s, self._key, self._until, self._version, self._force = ttl_s, key, until, version, force
        self._tokens: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self.cache: Cache[bytes] = Cache(
            msgspec.msgpack.Decoder(bytes), is_sound=self._is_sound, size_of=len, redis=redis
        )
        functools.update_wrapper(self, function)

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Give the kept answer, or compute it."""
        return await self._answer(args, kwargs, force=False)

    async def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute the answer whatever is kept, and keep it."""
        return await self._answer(args, kwargs, force=True)

    def __set_name__(self, owner: type, name: str) -> None:
        """Note that the function is a method, and its first argument the instance."""
        self._is_method = True

    def __get__(self, instance: Any, owner: type) -> Any:
        """Bind to an instance, as a function does."""
        return self if instance is None else _Bound(self, instance)

    async def _answer(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, force: bool) -> R:
        arguments = self._signature.bind(*args, **kwargs)
        arguments.apply_defaults()
        named = dict(arguments.arguments)
        if self._force is not None:
            force = bool(named.pop(self._force)) or force
        place = self._place(named, args, kwargs)
        computed: list[R] = []

        async def compute() -> bytes | Exception:
            computed.append(await self._function(*args, **kwargs))
            return self._encoded(computed[0])

        obtained = await self.cache.obtain_one(
            place, compute, ttl_s=self._ttl_s, until=lambda _: self._until(computed[0]), force=force
        )
        if computed:
            return computed[0]
        assert isinstance(obtained.payload, bytes)
        return self._decoded(obtained.payload)

    def _decoded(self, encoded: bytes) -> R:
        answer: R = self._decoder.decode(encoded)
        return answer

    def _place(self, named: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Name the place of the answer; ``named`` are the arguments that tell it apart."""
        version = self._version() if callable(self._version) else self._version
        match_id = named.get("match_id")
        if self._key is not None:
            question: object = self._key(*args, **kwargs)
        else:
            if self._is_method:
                owner = next(iter(named))
                named[owner] = self._token(named[owner])
            question = named
        name = f"{self._function.__module__}.{self._function.__qualname__}"
        try:
            canonical = _ENCODER.encode(question)
        except (TypeError, ValueError, OverflowError) as problem:
            raise TypeError(
                f"The arguments of {name} cannot name its answer ({problem}). Give @cached a key= that makes text of them."
            ) from problem
        return key_of(
            self._function.__name__,
            match_id if isinstance(match_id, str) else None,
            f"{len(name)}:{name}{self._shape}{version}",
            canonical,
        )

    def _token(self, instance: Any) -> str:
        token = getattr(instance, "cache_token", None)
        if token is None:
            # Random, so that it means nothing in another process.
            token = self._tokens.setdefault(instance, secrets.token_hex(16))
        return str(token)

    def _encoded(self, answer: R) -> bytes:
        try:
            encoded = _ENCODER.encode(answer)
            self._decoder.decode(encoded)
        except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as problem:
            raise TypeError(
                f"{self._function.__qualname__} gave a {type(answer).__name__} that cannot be kept as the type it is "
                f"annotated to return ({problem}). Correct one of the two."
            ) from problem
        return encoded

    def _is_sound(self, encoded: bytes) -> bool:
        self._decoder.decode(encoded)
        return True


class _Bound(Generic[R]):
    """A cached method of one instance."""

    def __init__(self, method: Cached[..., R], instance: Any) -> None:
        self._method = method
        self.__self__ = instance
        self.cache = method.cache
        functools.update_wrapper(self, method, updated=())

    async def __call__(self, *args: Any, **kwargs: Any) -> R:
        return await self._method(self.__self__, *args, **kwargs)

    async def refresh(self, *args: Any, **kwargs: Any) -> R:
        """Compute the answer whatever is kept, and keep it."""
        return await self._method.refresh(self.__self__, *args, **kwargs)


def _answer_type(function: Callable[..., Any]) -> Any:
    name = function.__qualname__
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{name} is not an async function. @cached is for those: async def {function.__name__}(...).")
    try:
        hints = typing.get_type_hints(function)
    except NameError as problem:
        raise TypeError(
            f"The annotations of {name} cannot be read ({problem}). Define its types in its module."
        ) from problem
    if "return" not in hints:
        raise TypeError(f"{name} does not say what it returns. Annotate it, so that its answers can be stored.")
    return hints["return"]


def _schema(function: Callable[..., Any], answer_type: Any) -> dict[str, Any]:
    """Describe the type, so that answers of another shape are not mistaken for it."""
    try:
        return msgspec.json.schema(answer_type)
    except TypeError as problem:
        raise TypeError(f"{function.__qualname__} returns what cannot be stored as msgpack: {problem}") from problem
