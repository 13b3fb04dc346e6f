"""Options that several commands have."""

from __future__ import annotations

import click

replicates_option = click.option(
    "--replicates",
    type=click.IntRange(100, 100_000),
    default=1000,
    show_default=True,
    help="How often lesions are drawn again.",
)
