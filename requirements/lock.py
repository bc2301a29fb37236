"""Pin all dependencies with hashes: ``make lock``.

Writes serving.txt (what the bento carries), dev.txt (everything), and bench.txt
and mlserver.txt (load tests and the benchmark's peers). All are installed with
``--no-deps``, so what is left out here is left out for good: XGBoost's GPU
collectives are 200 MB that a CPU never loads.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LEFT_OUT = ("nvidia-nccl-cu12",)


def main() -> None:
    """Compile all files."""
    for name in ("serving", "dev", "bench", "mlserver"):
        command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--upgrade", "--generate-hashes"]
        command += ["--python-version", "3.11", "--universal", "--no-emit-index-url", "--no-annotate"]
        command += ["--custom-compile-command", "make lock", f"{name}.in", "--output-file", f"{name}.txt"]
        for package in LEFT_OUT:
            command += ["--no-emit-package", package]
        subprocess.run(command, cwd=HERE, check=True)  # noqa: S603 - the command is built above


if __name__ == "__main__":
    main()
