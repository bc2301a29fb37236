"""The command line as a whole: help, versions, settings, and nothing heavy before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from cli.main import COMMANDS, main

HEAVY = ("xgboost", "bentoml", "scipy", "sqlalchemy", "matplotlib")


def test_help_lists_every_command():
    """
    `football --help` names each command with a line on what it does.
    """
    told = CliRunner().invoke(main, ["--help"]).output

    assert all(name in told and text in told for name, (_, _, text) in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name):
    """
    Each command can be asked what it does and says it in a sentence.
    """
    done = CliRunner().invoke(main, [name, "--help"])

    assert done.exit_code == 0
    assert "Usage:" in done.output
    assert len(done.output.splitlines()) > 5


def test_help_is_quick_because_it_loads_nothing_heavy():
    """
    Asking for help imports neither the boosting library nor the server.
    """
    program = f"""
import sys
from cli.main import main
try:
    main(["--help"])
except SystemExit:
    pass
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert told.splitlines()[-1] == "[]"


def test_the_version_is_that_of_the_package():
    """
    `football --version` prints it.
    """
    assert "0.1.0" in CliRunner().invoke(main, ["--version"]).output


def test_bad_settings_are_said_in_a_line():
    """
    A setting that makes no sense stops every command with its name, not with a traceback.
    """
    done = CliRunner().invoke(main, ["fixtures"], env={"FOOTBALL_SERVICE__WORKERS": "many"})

    assert done.exit_code == 1
    assert "service.workers" in done.output


def test_an_unknown_command_is_wrong_usage():
    """
    A command that does not exist ends with code 2, like every wrong usage.
    """
    assert CliRunner().invoke(main, ["bet"]).exit_code == 2
