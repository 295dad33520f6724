"""`quoth backup` and `quoth restore`."""

from pathlib import Path

import click

from api.options import data_dir_option, settings_of
from index.backup import BackupReport, backup, restore

_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command("backup")
@_file
@click.option("--force", is_flag=True, help="Overwrite FILE where it exists.")
@data_dir_option
def backup_command(file: Path, force: bool, data_dir: Path | None) -> None:
    """Copy the data folder into FILE, also while a service works on it.

    In it are the documents with their vectors, waiting jobs, and the keys' hashes: keep it as safe
    as the documents.
    """
    report = backup(settings_of(data_dir).data_dir, file, overwrite=force)
    click.echo(f"wrote {file}: {_told(report)}")


@click.command("restore")
@_file
@click.option("--force", is_flag=True, help="Replace what is in the data folder.")
@data_dir_option
def restore_command(file: Path, force: bool, data_dir: Path | None) -> None:
    """Put the backup FILE back into an empty data folder.

    Its checksums are compared before anything is replaced. Stop the service first, and whatever
    else works on the folder. Keys come back too: look at `quoth keys list` afterwards.
    """
    folder = settings_of(data_dir).data_dir
    report = restore(file, folder, force=force)
    click.echo(f"restored {folder}: {_told(report)}, of {report.made_at}")


def _told(report: BackupReport) -> str:
    return f"{report.documents} documents, {sum(report.files.values()):,} bytes"
