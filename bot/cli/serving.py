"""run, web, work, demo: processes that stay."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from bot import logs, loop, migrations, settings
from bot.cli.output import Trouble

if TYPE_CHECKING:
    from bot.app import App


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
        int, typer.Option(help="Port of the console; the next free one is taken when it is in use.")
    ] = 8000,
) -> None:
    """Play the whole main job on emulated phones; your own data is not touched."""
    from bot.demo import play

    raise typer.Exit(play(once=once, port=port))


async def _serve(*, with_web: bool, with_work: bool) -> None:
    from bot.app import App

    loaded = settings.load()
    logs.configure(loaded.log_level)
    with _alone(loaded, needed=with_work or loaded.database.startswith("sqlite")):
        app = App(loaded)
        try:
            _prepare(app)
            async with app.connected(), _maybe(app.working(), with_work):
                await _until_told(app, with_web=with_web)
        finally:
            app.close()


def _prepare(app: "App") -> None:
    if app.database.is_sqlite:
        migrations.upgrade(app.database.engine)
    else:
        migrations.require_current(app.database.engine)
    if not app.channels:
        typer.echo(
            "No channel is switched on: set OUTREACH_TELEGRAM_TOKEN or OUTREACH_TWILIO_ACCOUNT_SID. "
            "The console works meanwhile.",
            err=True,
        )


async def _until_told(app: "App", *, with_web: bool) -> None:
    await app.register_webhooks()
    if with_web:
        import uvicorn

        host, port = app.settings.host, app.settings.port
        _require_free(host, port)
        typer.echo(f"Console: http://{host}:{port}/console/", err=True)
        config = uvicorn.Config(app.web(), host=host, port=port, log_config=None, access_log=False, lifespan="off")
        await uvicorn.Server(config).serve()
        return
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def _require_free(host: str, port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise Trouble(
                f"Port {port} on {host} is taken: stop the other program, or set OUTREACH_PORT to a free one"
            ) from None


@contextmanager
def _alone(loaded: settings.Settings, *, needed: bool) -> Iterator[None]:
    """Keep a second process off a database file: two would poll and send beside each other."""
    if not needed or not loaded.database.startswith("sqlite"):
        yield
        return
    import fcntl

    loaded.data_dir.mkdir(parents=True, exist_ok=True)
    with (loaded.data_dir / "outreach.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Trouble(
                f"Another outreach process uses {loaded.data_dir}: stop it first, or move to PostgreSQL for several"
            ) from None
        yield


@asynccontextmanager
async def _maybe(context: object, wanted: bool) -> AsyncIterator[None]:
    if not wanted:
        yield
        return
    async with context:  # type: ignore[attr-defined]
        yield
