"""`searchctl models fetch`, `export`, `bundle` and `unbundle`: files of encoders."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, echo, print_json, size_of
from searchctl.translation import _

_OUT = click.Path(path_type=Path)


@click.command(
    "fetch",
    cls=Command,
    examples=(
        "searchctl models fetch multilingual-e5-base",
        "searchctl models fetch cointegrated/rubert-tiny2 --revision dad72b8",
        "SEARCHCTL_MODELS=/srv/models searchctl models fetch FRIDA",
    ),
)
@click.argument("name")
@click.option("--revision", metavar="REV", help="Branch, tag or commit of the hub [default: its newest].")
@framed
def fetch_command(frame: Frame, name: str, revision: str | None) -> None:
    """Fetch an encoder of the catalogue, or ORGANISATION/MODEL from the Hugging Face hub, and check it.

    It is put into $SEARCHCTL_MODELS, or ~/.cache/searchctl/models. HF_ENDPOINT, HF_TOKEN and proxies count. What is there already is
    checked again. An interrupted fetch goes on by the same command.
    """
    from searchctl.models.fetch import fetch_model
    from searchctl.models.manifest import read_manifest

    def tell(file: str, size: int) -> None:
        if not frame.quiet:
            say(_("searchctl: fetching {file}").format(file=file) + (f", {size_of(size)}" if size else ""))

    folder = fetch_model(name, revision=revision, tell=tell)
    manifest = read_manifest(folder)
    assert manifest is not None
    size = sum(checked.size for checked in manifest.files.values())
    if frame.reports_json:
        print_json(
            "model-fetched",
            {"name": manifest.name, "folder": str(folder), "revision": manifest.revision, "bytes": size},
        )
        return
    echo(
        _("{folder}: {files}, {size}, checksums right").format(
            folder=folder, files=count_of(len(manifest.files), "file"), size=size_of(size)
        )
    )
    if not frame.quiet:
        say(_("use it: searchctl ingest FOLDER --encoder {name}").format(name=manifest.name))


@click.command(
    "export",
    cls=Command,
    examples=(
        "searchctl models export rubert-tiny2 -o rubert-tiny2-onnx",
        "searchctl models export ./my-model -o ./my-model-onnx",
        "searchctl ingest docs/ --encoder ./my-model-onnx",
    ),
)
@click.argument("name")
@click.option(
    "-o", "--out", "folder", required=True, type=_OUT, metavar="FOLDER", help="Folder to write; it isn't there yet."
)
@framed
def export_command(frame: Frame, name: str, folder: Path) -> None:
    """Write an encoder that takes torch as ONNX, in int8 and fp32, with pooling and normalisation inside.

    NAME is one of the catalogue or the hub that is on this machine, or a folder. Both files are compared with torch before they
    count: where int8 strays, fp32 is what runs; where fp32 strays, nothing is written. Needs the extra 'train'.
    """
    from searchctl.encoders.exporting import export_encoder_to_onnx

    made = export_encoder_to_onnx(name, folder)
    if frame.reports_json:
        print_json(
            "model-exported",
            {"folder": str(made.folder), **made.agreement.to_json(), "least_cosine": made.least_cosine},
        )
        return
    size = (folder / "model.onnx").stat().st_size
    echo(
        _("{folder}: model.onnx is {served}, {size}").format(
            folder=folder, served=made.agreement.served, size=size_of(size)
        )
    )
    echo(
        _("{sentence}; least cosine of the finished folder {least_cosine:.4f}").format(
            sentence=made.agreement.sentence(), least_cosine=made.least_cosine
        )
    )


@click.command(
    "bundle",
    cls=Command,
    examples=("searchctl models bundle FRIDA -o frida.tar", "searchctl models bundle ./my-model-onnx -o my-model.tar"),
)
@click.argument("name")
@click.option("-o", "--out", "path", required=True, type=_OUT, metavar="FILE", help="Archive to write.")
@framed
def bundle_command(frame: Frame, name: str, path: Path) -> None:
    """Pack an encoder of this machine into one file with checksums, for a machine without network."""
    from searchctl.models.bundles import bundle

    manifest = bundle(name, path)
    if frame.reports_json:
        print_json("model-bundled", {"name": manifest.name, "file": str(path), "bytes": path.stat().st_size})
        return
    echo(f"{path}: {manifest.name}, {count_of(len(manifest.files), 'file')}, {size_of(path.stat().st_size)}")
    if not frame.quiet:
        say(_("on the other machine: searchctl models unbundle {name}").format(name=path.name))


@click.command("unbundle", cls=Command, examples=("searchctl models unbundle frida.tar",))
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE")
@framed
def unbundle_command(frame: Frame, path: Path) -> None:
    """Unpack an encoder that `searchctl models bundle` packed, and check it."""
    from searchctl.models.bundles import unbundle

    folder = unbundle(path)
    if frame.reports_json:
        print_json("model-unbundled", {"name": folder.name, "folder": str(folder)})
        return
    echo(_("{folder}: checksums right").format(folder=folder))
    if not frame.quiet:
        say(_("use it: searchctl ingest FOLDER --encoder {name}").format(name=folder.name))
