"""The plan of a training run from the settings, and the choices that the newest model was trained with."""

from __future__ import annotations

import click

from configs.settings import Settings
from models.choices import ChoicesInvalid
from training.configuration import Configuration, newest_configuration
from training.run import Plan

default_choices_option = click.option(
    "--default-choices",
    is_flag=True,
    help="Make the model with the default choices, whatever `football select` has promoted.",
)


def plan_of(
    settings: Settings, *, name: str | None = None, seed: int | None = None, default_choices: bool = False
) -> Plan:
    """Return the plan for models of a name: seed and windows of the settings, choices of the newest model of that name.

    Args:
        name: None for the name in the settings.
        seed: None for the seed in the settings.
        default_choices: Take the defaults instead of the newest model's choices.
    """
    chosen = settings.training
    model_name = name or chosen.model_name
    try:
        configuration = Configuration() if default_choices else newest_configuration(model_name)[0]
    except ChoicesInvalid as error:
        raise click.ClickException(str(error)) from error
    return Plan(
        model_name=model_name,
        seed=chosen.seed if seed is None else seed,
        validation_days=chosen.validation_days,
        warm_up_days=chosen.warm_up_days,
        threads=chosen.threads,
        configuration=configuration,
    )
