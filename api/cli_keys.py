"""`quoth keys`: who may use the service."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from api.keys import SCOPES, Key, KeyStore, Scope, utc_now
from api.options import data_dir_option, json_option, print_json, settings_of, valid_collection
from index.errors import InvalidRequest

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@click.group("keys", no_args_is_help=True)
def keys_group() -> None:
    """Create, list and revoke the keys of the HTTP service."""


@keys_group.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may do, given once for each (default: read).",
)
@click.option(
    "--collection",
    "collections",
    multiple=True,
    metavar="NAME",
    help="A collection it may see, given once for each (default: all).",
)
@click.option(
    "--expires", metavar="WHEN", default="", help="As 12h, 30d, 8w or 2030-01-31 (default: never)."
)
@click.option(
    "--rate",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Requests a minute at most (default: no limit).",
)
@json_option
@data_dir_option
def keys_create(
    name: str,
    scopes: tuple[Scope, ...],
    collections: tuple[str, ...],
    expires: str,
    rate: int | None,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """Create a key and print it. It is shown this once: only its hash is kept.

    NAME says who it is for. Once there is a key, every request needs one, from this machine too.
    """
    for collection in collections:
        valid_collection(collection)
    store = KeyStore(settings_of(data_dir).data_dir)
    key, text = store.create(
        name, scopes or ("read",), collections or None, expiry(expires, utc_now()), rate
    )
    if as_json:
        print_json({"key": text, **_shown(key)})
        return
    click.echo(text)
    click.echo(f"Key {key.id} for {key.name}: keep it now, it is not shown again.", err=True)


@keys_group.command("list")
@json_option
@data_dir_option
def keys_list(as_json: bool, data_dir: Path | None) -> None:
    """Print the keys, never their secrets."""
    keys = KeyStore(settings_of(data_dir).data_dir).list()
    if as_json:
        print_json({"keys": [_shown(key) for key in keys]})
        return
    for key in keys:
        shown = _shown(key)
        collections = "all collections" if key.collections is None else ", ".join(key.collections)
        parts = [
            key.id,
            key.name,
            shown["state"],
            "+".join(shown["scopes"]),
            collections,
            f"{key.rate_per_minute}/min" if key.rate_per_minute else "no rate limit",
            f"expires {shown['expires_at']}" if key.expires_at else "never expires",
            f"last used {shown['last_used_at']}" if key.last_used_at else "never used",
        ]
        click.echo("  ".join(parts))
    if not keys:
        click.echo("There are no keys: make one with `quoth keys create NAME`.", err=True)


@keys_group.command("revoke")
@click.argument("key_ids", nargs=-1, required=True, metavar="ID...")
@data_dir_option
def keys_revoke(key_ids: tuple[str, ...], data_dir: Path | None) -> None:
    """Revoke keys: from the next request on they open nothing."""
    store = KeyStore(settings_of(data_dir).data_dir)
    for key_id in key_ids:
        key = store.revoke(key_id)
        click.echo(f"revoked {key.id} ({key.name})")


def expiry(text: str, now: datetime) -> datetime | None:
    """The moment that `12h`, `30d`, `8w` or an ISO date means; None for nothing.

    Raises:
        InvalidRequest: it means none.
    """
    if not text:
        return None
    try:
        duration = re.fullmatch(r"(\d{1,6})([hdw])", text)
        if duration:
            return now + timedelta(**{_UNITS[duration[2]]: int(duration[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"{text!r} is no expiry: write 12h, 30d, 8w or a date such as 2030-01-31."
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _shown(key: Key) -> dict[str, Any]:
    def moment(value: datetime | None) -> str | None:
        return value.isoformat() if value else None

    return {
        "id": key.id,
        "name": key.name,
        "state": key.state(utc_now()),
        "scopes": sorted(key.scopes),
        "collections": None if key.collections is None else sorted(key.collections),
        "rate_per_minute": key.rate_per_minute,
        "created_at": moment(key.created_at),
        "expires_at": moment(key.expires_at),
        "last_used_at": moment(key.last_used_at),
    }
