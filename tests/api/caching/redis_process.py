"""A redis-server of the tests' own."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from ports import free_port

BINARY = shutil.which("redis-server")


class RedisProcess:
    """Start and end a redis-server, and talk to it in one-line commands without any client library."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        assert BINARY is not None
        words = [BINARY, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [*words, "--dir", str(self._folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            try:
                if self.say("PING") == b"+PONG\r\n":
                    return
            except OSError:
                time.sleep(0.02)
        raise TimeoutError("redis-server did not start within 4 s")

    def say(self, *words: str | bytes) -> bytes:
        """Send one command and give the beginning of its raw answer."""
        parts = [word.encode() if isinstance(word, str) else word for word in words]
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(p), p) for p in parts))
            return connection.recv(1 << 20)

    def plant(self, key: str, value: bytes) -> None:
        """Set a key to any bytes."""
        assert self.say("SET", key.encode(), value) == b"+OK\r\n"

    def has(self, key: str) -> bool:
        """Tell whether a key is there."""
        return self.say("EXISTS", key) == b":1\r\n"

    def stop(self) -> None:
        """Freeze it: it accepts connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, whatever its state."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
