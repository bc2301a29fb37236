"""The layers hold: imports point down, the service trains nothing, and importing a module does nothing but define it."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
PACKAGES = CONTRACTS["root_packages"]
LINT = "import sys; sys.path.insert(0, '.'); from importlinter import cli; sys.exit(cli.lint_imports(no_cache=True))"


def lint(folder):
    """Run the contracts of a folder's pyproject.toml over the packages in it."""
    return subprocess.run([sys.executable, "-c", LINT], capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture
def copied_project(tmp_path):
    """The packages and their contracts in a folder of the test."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept():
    """
    The project keeps each contract in pyproject.toml.
    """
    answer = lint(ROOT)

    assert answer.returncode == 0, answer.stdout
    assert f"Contracts: {len(CONTRACTS['contracts'])} kept, 0 broken" in answer.stdout


def test_planted_violations_are_caught_by_name(copied_project):
    """
    An import upwards, a frame in the features, a model in deploy and a setting in the store each break a contract.
    """
    planted = {
        "features/elo.py": ("import models.errors", "features.elo -> models.errors"),
        "features/form.py": ("import pandas", "features.form -> pandas"),
        "deploy/__init__.py": ("import features.frame", "deploy -> features.frame"),
        "store/reads.py": ("import configs.settings", "store.reads -> configs.settings"),
        "api/router.py": ("import ingest.errors", "api.router -> ingest.errors"),
    }
    for file, (line, _) in planted.items():
        with (copied_project / file).open("a", encoding="utf-8") as module:
            module.write(f"\n{line}\n")

    answer = lint(copied_project)

    assert answer.returncode == 1
    for _, found in planted.values():
        assert found in answer.stdout


def test_every_package_is_under_the_contracts():
    """
    Each folder of the project that is a package is among those that are checked, and each of those exists.
    """
    folders = {file.parent.name for file in ROOT.glob("*/__init__.py")}

    assert folders == set(PACKAGES)


def imported_packages(source):
    """Names of the top packages that a module imports anywhere in its text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


FORBIDDEN_IN_SERVICE = {"training", "reports", "ingest", "deploy", "cli", "click", "rich"}


def test_the_service_neither_trains_nor_ingests():
    """
    service.py and worker.py import nothing of training, ingest, deploy or the command line, not even inside a function.
    """
    texts = [(ROOT / file).read_text(encoding="utf-8") for file in ("service.py", "worker.py")]
    imported = {package for text in texts for package in imported_packages(text)}

    assert not imported & FORBIDDEN_IN_SERVICE


def test_an_import_inside_a_function_is_seen():
    """
    The check above would see a hidden import.
    """
    assert set(imported_packages("def f():\n    from training.run import train\n    import a.b as c\n")) == {
        "training",
        "a",
    }


LIBRARIES = "import bentoml.xgboost, httpx, matplotlib.figure, scipy.optimize, sqlalchemy, uvicorn\n"
"""What these do when they are imported is not ours to judge."""

WATCHED_IMPORTS = """
import importlib, logging, os, sys

refused = []

def watch(event, arguments):
    if event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        refused.append(f"{event} {arguments[0]}")
    if event in ("socket.connect", "socket.bind", "os.mkdir", "os.remove", "os.rename", "subprocess.Popen"):
        refused.append(f"{event} {arguments[:2]}")

def loggers():
    named = [logging.getLogger(name) for name in sorted(logging.root.manager.loggerDict) if name in ours]
    return [(log.name, log.level, list(log.handlers)) for log in [logging.root, *named]]

modules = sys.argv[1:]
ours = {name.partition(".")[0] for name in modules} | set(modules)
before = logging.root.level, list(logging.root.handlers)
sys.addaudithook(watch)
for name in modules:
    importlib.import_module(name)
    assert not refused, f"importing {name}: {refused}"
    assert (logging.root.level, list(logging.root.handlers)) == before, f"importing {name} configured logging"
    assert not any(handlers or level for _, level, handlers in loggers()[1:]), f"importing {name} configured a logger"
print(len(modules), "modules")
"""


def product_modules():
    """Every module of every package, and the service, by name; a __main__ is run and not imported."""
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    names = (".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files)
    return [*(name.removesuffix(".__init__") for name in names if not name.endswith("__main__")), "service", "worker"]


def import_all(modules, folder, home, before=""):
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "BENTOML_HOME": str(home / "bentoml")}
    command = [sys.executable, "-B", "-c", before + WATCHED_IMPORTS, *modules]
    environment |= {"PYTHONPATH": str(folder), "BENTOML_DO_NOT_TRACK": "True", "FOOTBALL_HOME": str(home / "football")}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=home, env=environment)


def test_importing_a_module_does_nothing_but_define_it(tmp_path):
    """
    No module of the product writes a file, makes a folder, opens a socket or sets up logging when it is imported.
    """
    modules = product_modules()

    answer = import_all(modules, ROOT, tmp_path, before=LIBRARIES)

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == f"{len(modules)} modules"
    assert not (tmp_path / "football").exists()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("open('made.txt', 'w').close()", "made.txt"),
        ("import os; os.mkdir('made')", "os.mkdir"),
        ("import socket; socket.socket().bind(('127.0.0.1', 0))", "socket.bind"),
        ("import logging; logging.basicConfig()", "configured logging"),
        ("import logging; logging.getLogger('planted').setLevel(10)", "configured a logger"),
    ],
)
def test_a_module_that_does_more_is_caught(tmp_path, line, found):
    """
    The check above names a module that writes, makes a folder, binds a socket or sets up logging.
    """
    (tmp_path / "planted.py").write_text(line, encoding="utf-8")

    answer = import_all(["planted"], tmp_path, tmp_path)

    assert answer.returncode == 1
    assert "importing planted" in answer.stderr
    assert found in answer.stderr


def test_a_worker_without_redis_and_collector_does_not_import_their_libraries():
    """
    Which take a tenth of all that starting takes; the cache and what it is made of are there all the same.
    """
    libraries = ("redis", "opentelemetry.exporter")
    told = f"import sys, worker; print(worker.Cache.__name__, *[name for name in {libraries} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["Cache"]
