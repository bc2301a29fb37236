"""The driver in a process of its own, so that nothing else that a proof does delays a request.

``python -m proof.driving ORDERS RECORDS`` asks until its standard input ends; so it never outlives who started it.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import msgspec

from proof.driver import Driver, Orders
from proof.errors import ProofFailed
from proof.records import Record

_STARTED: Final = b"driving\n"
_END_S: Final = 60.0


class Driving:
    """Drive while the block lasts; the records are there afterwards.

    Args:
        folder: For what goes to and from the process.

    Raises:
        ProofFailed: If the driver ended too soon.
    """

    def __init__(self, orders: Orders, folder: Path) -> None:
        self.records: list[Record] = []
        self._orders, self._folder = orders, folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it."""
        orders, records = self._folder / "orders", self._folder / "records"
        orders.write_bytes(msgspec.msgpack.encode(self._orders))
        records.unlink(missing_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-m", "proof.driving", str(orders), str(records)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != _STARTED:
            raise ProofFailed(f"The driver did not start; it ended with {self._process.wait()}.")
        return self

    def __exit__(self, *_: object) -> None:
        """Tell it to end, and read its records."""
        self.finish()

    def finish(self) -> list[Record]:
        """Tell it to end, wait for the last answers, and return the records."""
        process, self._process = self._process, None
        if process is None:
            return self.records
        with suppress(BrokenPipeError):
            process.communicate(timeout=self._orders.patience_s + _END_S)
        try:
            self.records = msgspec.msgpack.decode((self._folder / "records").read_bytes(), type=list[Record])
        except (OSError, msgspec.MsgspecError) as error:
            raise ProofFailed(f"The driver left no records; it ended with {process.returncode}.") from error
        return self.records

    def wait(self) -> list[Record]:
        """Wait until it ends by itself, and return the records."""
        assert self._process is not None
        assert self._orders.seconds is not None
        end = time.monotonic() + self._orders.seconds + self._orders.patience_s + _END_S
        while self._process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        return self.finish()


async def _drive(orders: Orders) -> list[Record]:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    told = loop.create_task(_told_to_end(reader, end))
    sys.stdout.buffer.write(_STARTED)
    sys.stdout.buffer.flush()
    records = await Driver(orders).run(end)
    told.cancel()
    return records


async def _told_to_end(reader: asyncio.StreamReader, end: asyncio.Event) -> None:
    await reader.read()
    end.set()


def main() -> None:
    """Drive as the command line says."""
    orders_file, records_file = map(Path, sys.argv[1:])
    orders = msgspec.msgpack.decode(orders_file.read_bytes(), type=Orders)
    gc.freeze()
    gc.disable()  # requests make no cycles that last, and a collection would delay those that are due
    records_file.write_bytes(msgspec.msgpack.encode(asyncio.run(_drive(orders))))


if __name__ == "__main__":
    main()
