"""``football``: one command line from results to a served prediction.

Exit codes: 0 done; 1 failed, with a sentence that says what to do; 2 wrong usage; 3 done in part.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from configs.settings import SettingsError, load_settings

# A command is imported when it is asked for: `football ingest` need not wait for the boosting library.
COMMANDS = {
    "ingest": ("cli.ingest", "ingest", "Take results and fixtures into the match store."),
    "fixtures": ("cli.fixtures", "fixtures", "List fixtures that can be asked for."),
    "teams": ("cli.teams", "teams", "List teams; settle unknown names."),
    "train": ("cli.train", "train", "Train a model and save it with its card."),
    "backtest": ("cli.backtest", "backtest", "Predict past matches from what was known before them."),
    "select": ("cli.select", "select", "Search for a better model; promote it if it is shown to be better."),
    "report": ("cli.report", "report", "Draw how good such predictions were, on one page with plots."),
    "predict": ("cli.predict", "predict", "Predict one match here and now, without a server."),
    "diff": ("cli.diff", "diff", "Say why two saved models answer differently about a match."),
    "models": ("cli.models", "models", "List saved models."),
    "keys": ("cli.keys", "keys", "Keys of callers, and keys that sign bentos: make, trust, revoke."),
    "build": ("cli.build", "build", "Build an immutable bento around a saved model."),
    "verify": ("cli.verify", "verify", "Compare a bento with what was signed."),
    "serve": ("cli.serve", "serve", "Serve a bento over HTTP."),
    "settle": ("cli.settle", "settle_command", "Compare served forecasts with the results that are in."),
    "release": ("cli.releases", "release", "Serve a bento in place of another, losing no request."),
    "gate": ("cli.releases", "gate", "Examine a bento as a release does, and release nothing."),
    "rollback": ("cli.releases", "rollback", "Serve what served before, at once."),
    "status": ("cli.releases", "status", "Say what serves, since when, and why."),
    "history": ("cli.releases", "history", "List releases, refusals and rollbacks."),
    "down": ("cli.releases", "down", "Stop the proxy and its servers."),
    "watch": ("cli.releases", "watch", "Build and release every model as soon as it is trained."),
    "gc": ("cli.gc", "gc", "List bentos and models that nothing needs; remove them."),
    "image": ("cli.image", "image", "Build a container image of a bento."),
    "keep": ("cli.releases", "keep", "Start again what dies behind the proxy."),
    "prove": ("cli.prove", "prove", "Change bentos under load; count every answer lost or wrong."),
    "top": ("cli.top", "top", "Show what a service does just now: load, latency, models."),
    "doctor": ("cli.doctor", "doctor", "Check all that serving needs, and say what mends it."),
    "up": ("cli.up", "up", "Do all of it: sample data, training, bento, server, one prediction."),
}


class LazyGroup(click.Group):
    """Know all commands by name and help, and import one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the base class fixes the signature
        """Return the commands in the order of a match's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - see above
        """Return the command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - see above
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="football-prediction")
@click.pass_context
def main(context: click.Context) -> None:
    """Predict football matches: ingest results, train, build, serve.

    State lives in FOOTBALL_HOME (matches, downloads, keys) and BENTOML_HOME (models,
    bentos); FOOTBALL_DATABASE_URL names another match store.
    """
    os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
    # Training threads that spin while they wait slow each other down threefold when the machine has other work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        context.obj = load_settings().located()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
