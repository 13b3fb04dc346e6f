"""`skinfw doctor`: one page on this installation and this machine."""

from __future__ import annotations

import json
import shutil

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
def doctor(as_json: bool) -> None:
    """Tell on one page what is installed, what is broken and what is slow.

    No user name, path or host name is on it, so that it can be pasted into a report. It takes a few
    seconds, most of them to import torch and to measure it for less than one.

    Exit codes: 0 nothing is broken, 1 something is.
    """
    from importlib.metadata import version

    from skinfw_doctor import computing, machine, packages, storage
    from skinfw_doctor.page import examine, lines, record

    looks = {**machine.LOOKS, **packages.LOOKS, **storage.LOOKS, **computing.looks()}
    sections = [examine(title, look) for title, look in looks.items()]
    page = record(version("skinfw"), sections)
    if as_json:
        click.echo(json.dumps(page, indent=2))
    else:
        width = shutil.get_terminal_size((80, 24)).columns
        click.echo("\n".join(lines(page, width)))
    if any(finding["level"] == "broken" for finding in page["findings"]):
        raise click.exceptions.Exit(1)
