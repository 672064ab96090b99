"""run, web, work, demo: processes that stay."""

from contextlib import AsyncExitStack
from typing import Annotated

import typer

from bot import loop, settings
from bot.cli.opened import alone, installation, prepare
from bot.cli.output import Trouble
from bot.cli.probing import require_channel, require_providers


def run() -> None:
    """Serve webhooks, console, delivery and jobs in one process."""
    loop.run(_serve(with_web=True, with_work=True))


def web() -> None:
    """Serve webhooks and console only (PostgreSQL: as many processes as you like)."""
    loop.run(_serve(with_web=True, with_work=False))


def work() -> None:
    """Deliver, poll and run jobs only (PostgreSQL: as many processes as you like)."""
    loop.run(_serve(with_web=False, with_work=True))


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Exit after the summary instead of serving the console.")
    ] = False,
    port: Annotated[
        int,
        typer.Option(min=1, max=65000, help="Port of the console; the next free one is taken when it is in use."),
    ] = 8000,
) -> None:
    """Play the whole main job on emulated phones; your own data is not touched."""
    from bot.demo import Stuck, play
    from bot.demo.stage import FolderTaken

    try:
        code = play(once=once, port=port)
    except (FolderTaken, Stuck) as error:
        raise Trouble(str(error)) from None
    raise typer.Exit(code)


async def _serve(*, with_web: bool, with_work: bool) -> None:
    from bot.cli import listening, webhooks

    loaded = settings.load()
    if with_work:
        require_channel(loaded)
    prepare(loaded)
    with alone(loaded), installation() as app:
        require_providers(loaded)
        taken = listening.listen(loaded.host, loaded.port) if with_web else None
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(app.connected())
            if with_work:
                await stack.enter_async_context(app.working())
            await webhooks.register(app)
            if taken is None:
                await listening.sleep_until_told()
                return
            typer.echo(f"Console: {loaded.local_url}/console/", err=True)
            await listening.serve(app.web(), taken)
