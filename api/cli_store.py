"""`quoth documents` and `quoth collections`: they look into the store and need no model."""

from pathlib import Path

import click

from api.options import (
    collection_option,
    data_dir_option,
    json_option,
    open_store,
    print_json,
    settings_of,
    valid_collection,
)


@click.group("documents", no_args_is_help=True)
def documents_group() -> None:
    """List, show and remove documents."""


@documents_group.command("list")
@collection_option
@json_option
@data_dir_option
def documents_list(collection: str, as_json: bool, data_dir: Path | None) -> None:
    """Print the documents of a collection."""
    from api.console import print_documents
    from api.schemas import DocumentOut

    store = open_store(settings_of(data_dir))
    records = store.documents(collection, limit=2**31)
    if as_json:
        print_json({"documents": [DocumentOut.of(r).model_dump(mode="json") for r in records]})
    else:
        print_documents(records)


@documents_group.command("show")
@click.argument("document_id", metavar="ID")
@json_option
@data_dir_option
def documents_show(document_id: str, as_json: bool, data_dir: Path | None) -> None:
    """Print a document: what is known of it, and the text that quotes point into."""
    from api.console import print_document
    from api.schemas import DocumentOut, DocumentWithText

    store = open_store(settings_of(data_dir))
    record = store.document(document_id)
    text = store.text_range(document_id, 0, record.characters)
    if as_json:
        shown = DocumentWithText(**DocumentOut.of(record).model_dump(), text=text)
        print_json(shown.model_dump(mode="json"))
    else:
        print_document(record, text)


@documents_group.command("remove")
@click.argument("document_ids", nargs=-1, required=True, metavar="ID...")
@data_dir_option
def documents_remove(document_ids: tuple[str, ...], data_dir: Path | None) -> None:
    """Remove documents with everything found through them."""
    store = open_store(settings_of(data_dir))
    for document_id in document_ids:
        store.remove(document_id)
        click.echo(f"removed {document_id}")


@click.group("collections", no_args_is_help=True)
def collections_group() -> None:
    """List, create and remove collections."""


@collections_group.command("list")
@json_option
@data_dir_option
def collections_list(as_json: bool, data_dir: Path | None) -> None:
    """Print the collections and their sizes."""
    from api.console import print_collections
    from api.schemas import CollectionList, CollectionOut

    records = open_store(settings_of(data_dir)).collections()
    if as_json:
        shown = CollectionList(collections=[CollectionOut.of(record) for record in records])
        print_json(shown.model_dump(mode="json"))
    else:
        print_collections(records)


@collections_group.command("create")
@click.argument("name")
@data_dir_option
def collections_create(name: str, data_dir: Path | None) -> None:
    """Create an empty collection."""
    from index.store import Store

    valid_collection(name)
    made = Store(settings_of(data_dir).data_dir).create_collection(name)
    click.echo(f"created {name}" if made else f"{name} is there already")


@collections_group.command("remove")
@click.argument("name")
@data_dir_option
def collections_remove(name: str, data_dir: Path | None) -> None:
    """Remove a collection with all its documents. Its jobs are cancelled."""
    from index.jobs import JobStore

    settings = settings_of(data_dir)
    store = open_store(settings)
    store.collection_id(name)
    JobStore(settings.data_dir).cancel_all(name)
    store.delete_collection(name)
    click.echo(f"removed {name}")
