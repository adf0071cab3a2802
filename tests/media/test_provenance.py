"""Manifests of provenance: whose, about what, in which files, and that a changed byte is noticed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.installation import settings_in
from tests.media.films import make_film
from vividflow.media.ffmpeg import ffmpeg_path
from vividflow.media.provenance import Claim, Maker, Parent, Relation, Source
from vividflow.media.provenance_seal import EMBEDS, Seal

AT = 1_800_000_000.0
VEO = Maker(model="veo", provider="vertex", provider_model="veo-3.1")
BY_AI = Claim(title="A video", made_at=AT, source=Source.AI, maker=VEO)


@pytest.fixture(scope="module")
def seal(tmp_path_factory: pytest.TempPathFactory) -> Seal:
    """The seal of an installation that never signed before."""
    return Seal(settings_in(tmp_path_factory.mktemp("studio")))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small file of each kind, `a.<ending>`."""
    folder = tmp_path_factory.mktemp("files")
    for ending in ("mp4", "mov", "webm"):
        make_film(folder / f"a.{ending}", size="128x72", seconds=0.2)
    for ending in ("webp", "jpg", "png", "gif"):
        Image.new("RGB", (64, 36), (200, 90, 40)).save(folder / f"a.{ending}")
    return folder


MIMES = {
    "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "webp": "image/webp", "jpg": "image/jpeg",
    "png": "image/png", "gif": "image/gif",
}  # fmt: skip


@pytest.fixture
def copied(tmp_path: Path, files: Path) -> Callable[[str], Path]:
    """A copy that may be changed."""
    return lambda ending: Path(shutil.copy(files / f"a.{ending}", tmp_path))


@pytest.mark.parametrize("ending", MIMES)
def test_a_signed_file_of_every_kind_says_who_made_it_and_a_changed_byte_is_noticed(
    seal: Seal, copied: Callable[[str], Path], ending: str
) -> None:
    file, mime = copied(ending), MIMES[ending]
    before = file.read_bytes()
    sealed = seal.sign(file, mime, BY_AI)
    assert (sealed.trouble, sealed.embedded) == (None, mime in EMBEDS)
    if sealed.sidecar is not None:
        assert (file.read_bytes(), sealed.sidecar.read_bytes()) == (before, sealed.manifest)
    facts = seal.read(file, mime, None if sealed.embedded else sealed.manifest)
    assert (facts.state, facts.source, facts.ai_generated) == ("valid", "trainedAlgorithmicMedia", True)
    assert (facts.model, facts.provider, facts.provider_model) == ("veo", "vertex", "veo-3.1")
    assert (facts.made_at, facts.prompt) == ("2027-01-15T08:00:00Z", None)
    assert facts.actions[0]["action"] == "c2pa.created"
    content = bytearray(file.read_bytes())
    at = content.rfind(before[len(before) // 2 :][:12])  # in the picture itself, not in the manifest
    assert at > 0
    content[at] ^= 1
    file.write_bytes(content)
    changed = seal.read(file, mime, None if sealed.embedded else sealed.manifest)
    assert changed.state == "invalid"
    assert any(code.endswith(".mismatch") for code in changed.problems), changed.problems
    assert list(file.parent.glob("*.signing")) == []


@pytest.mark.parametrize("at", [0, 6, 30, -1])
def test_a_manifest_over_an_untouched_file_covers_its_every_byte(
    seal: Seal, copied: Callable[[str], Path], at: int
) -> None:
    file = copied("mp4")
    sealed = seal.over(file, "video/mp4", BY_AI)
    assert seal.read(file, "video/mp4", sealed.manifest).valid
    assert seal.read(file).state == "none"
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    assert seal.read(file, "video/mp4", sealed.manifest).state == "invalid"


def test_a_manifest_holds_or_not_without_its_file_too(seal: Seal, copied: Callable[[str], Path]) -> None:
    manifest = seal.over(copied("mp4"), "video/mp4", BY_AI).manifest
    assert manifest is not None
    facts = seal.read_alone(manifest)
    assert facts.valid
    assert facts.signer is not None
    assert facts.signer.ours
    forged = manifest.replace(b"veo-3.1", b"veo-9.9")
    assert forged != manifest
    assert seal.read_alone(forged).state == "invalid"
    assert seal.read_alone(b"no manifest").state == "invalid"


def test_a_file_made_again_and_again_tells_the_whole_chain(
    seal: Seal, copied: Callable[[str], Path], tmp_path: Path
) -> None:
    original, small, smaller = copied("mp4"), tmp_path / "small.mp4", tmp_path / "smaller.mp4"
    sidecar = seal.over(original, "video/mp4", BY_AI).manifest
    _encode(original, small)
    of_it = Parent(title="The original", mime="video/mp4", path=original, manifest=sidecar)
    done = ("c2pa.transcoded", "c2pa.resized")
    assert seal.sign(small, "video/mp4", Claim(title="Small", made_at=AT, acts=done, parents=(of_it,))).embedded
    _encode(small, smaller)
    of_that = Parent(title="The small one", mime="video/mp4", path=small)
    assert seal.sign(smaller, "video/mp4", Claim(title="Smaller", made_at=AT, acts=done, parents=(of_that,))).embedded

    facts = seal.read(smaller, "video/mp4")
    assert (facts.state, facts.source, facts.ai_generated) == ("valid", "trainedAlgorithmicMedia", True)
    assert [act["action"] for act in facts.actions] == ["c2pa.opened", *done]
    (parent,) = facts.ingredients
    (grandparent,) = parent["ingredients"]
    assert (parent["title"], parent["relationship"], parent["state"]) == ("The small one", "parentOf", "valid")
    assert (grandparent["title"], grandparent["state"], grandparent["model"]) == ("The original", "valid", "veo")


def test_what_was_changed_before_it_was_made_into_something_shows_in_the_chain(
    seal: Seal, copied: Callable[[str], Path], tmp_path: Path
) -> None:
    original, made = copied("mp4"), tmp_path / "made.mp4"
    sidecar = seal.over(original, "video/mp4", BY_AI).manifest
    original.write_bytes(original.read_bytes() + b"\0\0\0\x08free")
    shutil.copy(copied("mov"), made)
    parent = Parent(title="Changed", mime="video/mp4", path=original, manifest=sidecar)
    assert seal.sign(made, "video/mp4", Claim(title="Made", made_at=AT, parents=(parent,))).trouble is None
    assert seal.read(made, "video/mp4").ingredients[0]["state"] == "invalid"


def test_a_film_of_parts_names_each_part_and_a_picture_that_was_given(
    seal: Seal, copied: Callable[[str], Path]
) -> None:
    parts = tuple(Parent(title=f"Part {n}", mime="video/mp4", relation=Relation.PART) for n in (1, 2))
    given = Parent(title="Start picture", mime="image/png", relation=Relation.GIVEN, sha256="ab" * 32)
    film, claim = copied("mp4"), Claim(title="M", made_at=AT, source=Source.PARTLY_AI, parents=(*parts, given))
    assert seal.sign(film, "video/mp4", claim).embedded
    facts = seal.read(film)
    assert [act["action"] for act in facts.actions] == ["c2pa.created", "c2pa.placed", "c2pa.placed"]
    assert [(each["title"], each["relationship"]) for each in facts.ingredients] == [
        ("Part 1", "componentOf"), ("Part 2", "componentOf"), ("Start picture", "inputTo"),
    ]  # fmt: skip
    assert (facts.ai_generated, facts.ingredients[2]["instance_id"]) == (True, f"urn:sha256:{'ab' * 32}")


def test_a_claim_is_of_something_new_or_of_one_thing_changed() -> None:
    parent = Parent(title="p", mime="video/mp4")
    for parents in ((), (parent, parent)):
        with pytest.raises(ValueError, match="one changed parent"):
            Claim(title="x", made_at=AT, parents=parents)


def test_a_preview_is_not_said_to_be_ai(seal: Seal, copied: Callable[[str], Path]) -> None:
    film = copied("mp4")
    maker = Maker(model="local", provider="local", note="A preview, not by AI.")
    seal.sign(film, "video/mp4", Claim(title="A video", made_at=AT, source=Source.DRAWN, maker=maker))
    facts = seal.read(film)
    assert (facts.ai_generated, facts.source, facts.note) == (False, "algorithmicMedia", "A preview, not by AI.")


def test_somebody_elses_signature_may_hold_but_is_not_ours(
    seal: Seal, copied: Callable[[str], Path], tmp_path: Path
) -> None:
    film = copied("mp4")
    other = Seal(settings_in(tmp_path / "other"))
    assert other.sign(film, "video/mp4", BY_AI).embedded
    mine, theirs = other.read(film), seal.read(film)
    assert mine.signer is not None
    assert theirs.signer is not None
    assert (mine.valid, mine.signer.ours, mine.trusted) == (True, True, False)
    assert (theirs.valid, theirs.signer.ours, theirs.trusted) == (True, False, None)


def test_a_file_that_cannot_be_signed_stays_as_it_is_and_says_why(seal: Seal, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no film")
    sealed = seal.sign(broken, "video/mp4", BY_AI)
    assert sealed.trouble == "It was not signed: the signing library refused it."
    assert broken.read_bytes() == b"this is no film"
    assert [each.name for each in tmp_path.iterdir()] == ["broken.mp4"]
    assert "No such file" in (seal.sign(tmp_path / "gone.mp4", "video/mp4", BY_AI).trouble or "")
    assert seal.read(tmp_path / "gone.mp4").state == "unread"


@pytest.mark.parametrize(
    "junk", [b"", b"RIFF", b"\0\0\0\x14ftypisom" + b"\0" * 8, b"text\n" * 40, b"\x89PNG\r\n\x1a\n"]
)
def test_whatever_is_read_is_answered(seal: Seal, tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "junk").write_bytes(junk)
    assert seal.read(tmp_path / "junk").state in ("none", "invalid")
    assert seal.read(tmp_path / "junk", "video/mp4", junk).state == "invalid"


def test_a_very_large_file_is_signed_beside_and_not_loaded(
    seal: Seal, copied: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    film = copied("mp4")
    monkeypatch.setattr("vividflow.media.provenance_seal.EMBED_MOST_BYTES", 100)
    sealed = seal.sign(film, "video/mp4", BY_AI)
    assert sealed.sidecar == film.with_name("a.mp4.c2pa")
    assert seal.read(film, None, sealed.manifest).valid
    monkeypatch.setattr("vividflow.media.provenance_seal.READ_MOST_BYTES", 100)
    assert seal.read(film, None, sealed.manifest).problems == ("file.tooLarge",)


def _encode(source: Path, out: Path) -> None:
    words = [ffmpeg_path(), "-v", "error", "-i", str(source), "-vf", "scale=iw/2:-2", "-y", str(out)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, timeout=60)
