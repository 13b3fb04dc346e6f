"""`skinfw serve`: the network of a run as a local page and an API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from skinfw.toolkit import echo, network_option, set_option, trust_option

if TYPE_CHECKING:
    from skinfw_serve.policy import Policy

LEAST_TOKEN = 16
"""Letters of a token that nobody guesses."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen; any but this machine itself needs a token.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Where to listen; 0 takes any that is free.",
)
@click.option(
    "--token",
    default="",
    envvar="SKINFW_TOKEN",
    help="What every request must bring; for another host one is made unless given.",
)
@click.option(
    "--rate",
    type=click.IntRange(1),
    default=3_000,
    show_default=True,
    help="Images a minute that one client may send.",
)
@click.option(
    "--similar/--no-similar",
    default=True,
    help="Whether to compare images with those of training, which are looked at once for that.",
)
@network_option("The network of the run's numbers, or its refit; the refit unless given.")
@set_option("view.KEY=VALUE", "Change the run's view, e.g. --set view.use=dihedral.")
@trust_option
def serve(
    run: Path,
    host: str,
    port: int,
    token: str,
    rate: int,
    similar: bool,
    network: Literal["best", "refit"] | None,
    sets: tuple[str, ...],
    trust: bool,
) -> None:
    """Answer for images on a local page and by HTTP with the network of a run.

    RUN is a run folder. Images stay in memory and are forgotten once they are answered. Nobody but
    programs of this machine can ask, unless --host says otherwise. Ctrl-C stops it.

    Research software, not a medical device.
    """
    from skinfw_serve.packages import check_packages

    check_packages()
    from skinfw_serve.listening import address, listen, make_server

    policy = _policy(host, token, rate)
    with listen(host, port) as waiting:
        from skinfw_serve.app import create_app
        from skinfw_serve.loading import load_service

        service, about = load_service(run, sets, trust, network, similar, policy)
        for limit in about.limits:
            echo(f"note: {limit}")
        server = make_server(create_app(service, policy, about), policy)
        if policy.token and not token:
            echo(f"token: {policy.token}")
        echo(f"{about.name} answers at {address(host, waiting.getsockname()[1])}; Ctrl-C stops it")
        try:
            server.run([waiting])
        finally:
            service.stop()


def _policy(host: str, token: str, rate: int) -> Policy:
    """Return what is taken, and from whom."""
    import secrets

    from skinfw import RecipeError
    from skinfw_serve.listening import LOOPBACK, is_loopback
    from skinfw_serve.policy import Policy

    if token and len(token) < LEAST_TOKEN:
        raise RecipeError(
            f"the token has {len(token)} letters",
            "--token",
            "a short one can be guessed",
            f"take at least {LEAST_TOKEN}, or leave --token out for one that is made",
        )
    if is_loopback(host):
        names = () if token else tuple(dict.fromkeys((*LOOPBACK, host)))
        return Policy(token=token, hosts=names, rate=rate)
    return Policy(token=token or secrets.token_urlsafe(24), rate=rate)
