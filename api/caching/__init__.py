"""The cache of predictions: memory over Redis, and the decorator that puts it before a function.

The layer in Redis is in ``redis_layer``, apart: only those that have one pay for importing its library.
"""

from api.caching.cache import Cache, Purge
from api.caching.decorator import Cached, cached
from api.caching.entry import EntryCodec
from api.caching.epoch import Epoch
from api.caching.flights import Obtained
from api.caching.keys import KeyPattern, key_of
from api.caching.memory import MemoryLayer
from api.caching.secret import load_secret
from api.caching.statistics import COUNTERS, CacheStats
from api.caching.tallies import Tallies

__all__ = [
    "COUNTERS",
    "Cache",
    "CacheStats",
    "Cached",
    "EntryCodec",
    "Epoch",
    "KeyPattern",
    "MemoryLayer",
    "Obtained",
    "Purge",
    "Tallies",
    "cached",
    "key_of",
    "load_secret",
]
