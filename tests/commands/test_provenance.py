"""`verify`: what a file claims and whether it holds, in words and by exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import Result
from flask import Flask as App

from vividflow.lifecycle.tools import Tools
from vividflow.media.provenance import Claim, Maker, Parent, Source

Flask = Callable[..., Result]
BY_AI = Claim(
    title="A video", made_at=1_800_000_000.0, source=Source.AI, maker=Maker(model="veo", provider="vertex")
)  # fmt: skip


def seal_of(app: App) -> Tools:
    return app.extensions["vividflow"].tools


def test_a_signed_film_is_valid_and_its_chain_is_told(flask: Flask, app: App, tmp_path: Path) -> None:
    seal = seal_of(app).seal
    original, made = tmp_path / "original.webm", tmp_path / "made.webm"
    original.write_bytes(b"an original")
    sidecar = seal.over(original, "video/webm", BY_AI).manifest
    made.write_bytes(b"made of it")
    parent = Parent(title="The original", mime="video/webm", path=original, manifest=sidecar)
    claim = Claim(title="Made", made_at=1.8e9, acts=("c2pa.transcoded",), parents=(parent,))
    assert seal.sign(made, "video/webm", claim).trouble is None

    done = flask("verify", str(made))  # the sidecar lies beside it
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0] == "manifest: valid"
    for line in (
        "signer: This Vivid Flow studio (Vivid Flow (home-made))",
        "this installation: yes",
        "trusted: no: this installation's own home-made certificate, on no trust list",
        "made by AI: yes",
        "actions: c2pa.opened, c2pa.transcoded",
        "made of: The original [parentOf] (valid, signed by This Vivid Flow studio, veo)",
    ):
        assert line in done.stdout.splitlines(), line

    made.write_bytes(b"made of it, and changed")
    wrong = flask("verify", str(made))
    assert (wrong.exit_code, wrong.stdout.splitlines()[:2]) == (
        1,
        ["manifest: invalid", "problems: assertion.dataHash.mismatch"],
    )


def test_a_given_manifest_decides(flask: Flask, app: App, tmp_path: Path) -> None:
    film, sidecar = tmp_path / "film.mp4", tmp_path / "elsewhere.c2pa"
    film.write_bytes(b"a film")
    sidecar.write_bytes(seal_of(app).seal.over(film, "video/mp4", BY_AI).manifest or b"")
    done = flask("verify", str(film), "--manifest", str(sidecar))
    assert (done.exit_code, "model: veo" in done.stdout, "time: 2027-01-15T08:00:00Z" in done.stdout) == (0, True, True)
    film.write_bytes(b"a Film")
    assert flask("verify", str(film), "--manifest", str(sidecar)).exit_code == 1


def test_a_file_without_a_manifest_is_none_and_a_missing_one_is_said(flask: Flask, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"a film")
    none = flask("verify", str(tmp_path / "film.mp4"))
    assert (none.exit_code, none.stdout) == (1, "manifest: none\n")
    assert "not from here, or changed since" in none.stderr
    assert flask("verify", str(tmp_path / "gone.mp4")).exit_code == 1
