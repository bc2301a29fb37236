"""Fetching one document over HTTP."""

from __future__ import annotations

import httpx

from ingest.errors import DownloadFailed

_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_USER_AGENT = "football-prediction (match results)"


def fetch(url: str) -> bytes:
    """Return the body of a successful answer, following redirects.

    Raises:
        DownloadFailed: If there is no answer in 60 s, or one other than 200.
    """
    try:
        answer = httpx.get(url, timeout=_TIMEOUT, follow_redirects=True, headers={"User-Agent": _USER_AGENT})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DownloadFailed(
            f"{url} cannot be fetched: {error or type(error).__name__}. Check the address and the network."
        ) from error
    if answer.status_code != httpx.codes.OK:
        raise DownloadFailed(
            f"{url} answered {answer.status_code} {answer.reason_phrase}; expected 200. Check the address."
        )
    return answer.content
