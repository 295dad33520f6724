"""`quoth mcp`: the tools of an assistant."""

from pathlib import Path
from types import ModuleType

import click

from api.errors import MissingExtra
from api.options import data_dir_option
from api.settings import load_settings


@click.command("mcp")
@click.option(
    "--http", is_flag=True, help="Serve streamable HTTP at /mcp, in place of standard input."
)
@click.option("--host", metavar="ADDRESS", help="With --http: address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="With --http: port.")
@data_dir_option
def mcp_command(http: bool, host: str | None, port: int | None, data_dir: Path | None) -> None:
    """Run a Model Context Protocol server: assistants ask, search and read the documents.

    An assistant starts it by itself and talks over standard input and output; its configuration
    names the command `quoth` with the argument `mcp`. Needs the extra `mcp`.
    """
    if not http and (host is not None or port is not None):
        raise click.UsageError("--host and --port go with --http.")
    settings = load_settings(data_dir=data_dir, host=host, port=port)
    from api.wiring import set_up_logging

    tools = _tools()
    set_up_logging(settings)
    if not http:
        tools.build_server(settings).run()
        return
    from api.serving import listen, require_key_where_exposed

    require_key_where_exposed(settings)
    click.echo(f"Quoth's tools are at http://{settings.host}:{settings.port}/mcp", err=True)
    listen(tools.build_app(settings), settings)


def _tools() -> ModuleType:
    try:
        from api import mcp
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise MissingExtra(
            "The MCP SDK is not installed: install the extra with `pip install 'quoth[mcp]'`."
        ) from error
    return mcp
