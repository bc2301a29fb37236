"""``football image``: a bento as a container image, and what that is made of."""

from __future__ import annotations

from pathlib import Path

import click

from cli.build import newest_bento
from cli.options import OutputFile
from cli.releases import place_of
from configs.settings import Settings
from deploy import kept
from deploy.errors import DeployFailed
from deploy.image import BASE, build_image, materials_of


@click.command()
@click.argument("bento_tag", required=False)
@click.option(
    "--tag", "name", default="football", show_default=True, help="Name of the image; its version is the bento's."
)
@click.option("--base", default=BASE, show_default=True, help="Image to start from; needs python3.11 with venv.")
@click.option("--sbom", type=OutputFile(), help="Write what the image is made of to this file, as CycloneDX JSON.")
@click.pass_obj
def image(settings: Settings, bento_tag: str | None, name: str, base: str, sbom: Path | None) -> None:
    """Build a container image of BENTO_TAG, the newest bento by default: small, not root, nothing in it to write to."""
    tag, place = bento_tag or newest_bento(), place_of(settings)
    try:
        place.make()
        release = kept.keep(place, tag)
        built = build_image(release, tag, name, base=base)
        if sbom is not None:
            sbom.write_text(materials_of(built, release, tag), encoding="utf-8")
    except DeployFailed as error:
        raise click.ClickException(str(error)) from error
    click.echo(built)
