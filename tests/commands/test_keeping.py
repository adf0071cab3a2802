"""Days and room of one person, set and shown from the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

from tests.installation import a_user, an_asset
from vividflow.config import Settings, bytes_of
from vividflow.db.database import Database
from vividflow.errors import Complaints

Flask = Callable[..., Result]
EMAIL = "ada@example.com"


def test_days_are_set_for_one_person_and_shown(flask: Flask, db: Database) -> None:
    a_user(db, EMAIL)
    done = flask("retention", EMAIL, "--videos", "90", "--uploads", "never")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "video\t90\town\nimage\tnever\tdefault\nexport\tnever\tdefault\nupload\tnever\town\n"
    flask("retention", EMAIL, "--videos", "default", "--images", "7")
    assert flask("retention", EMAIL).stdout.splitlines()[:2] == ["video\tnever\tdefault", "image\t7\town"]


@pytest.mark.parametrize("days", ["0", "-1", "x", "36501", "1.5", ""])
def test_days_that_are_none_are_refused(flask: Flask, db: Database, days: str) -> None:
    a_user(db, EMAIL)
    done = flask("retention", EMAIL, "--videos", days)
    assert done.exit_code == 1
    assert "1 to 36500 days" in done.stderr


def test_room_is_given_shown_and_taken_back(flask: Flask, db: Database) -> None:
    user = a_user(db, EMAIL)
    an_asset(db, user, size=70)
    assert flask("quota", EMAIL).stdout == "70\tnone\n"
    assert flask("quota", EMAIL, "5GB").stdout == "70\t5000000000\n"
    done = flask("quota", EMAIL, "50B")
    assert (done.stdout, "less than is stored" in done.stderr) == ("70\t50\n", True)
    assert flask("quota", EMAIL, "default").stdout == "70\tnone\n"
    assert flask("quota", EMAIL, "none").exit_code == 0
    done = flask("quota", EMAIL, "much")
    assert (done.exit_code, "5GB" in done.stderr) == (1, True)


@pytest.mark.parametrize("command", ["quota", "retention"])
def test_nobody_is_told_as_nobody(flask: Flask, command: str) -> None:
    done = flask(command, "nobody@example.com")
    assert (done.exit_code, "no account" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("text", "size"),
    [("5GB", 5 * 10**9), ("1.5 tb", 15 * 10**11), ("500mb", 5 * 10**8), ("7", 7), ("0", 0), ("2kB", 2000)],
)
def test_a_size_is_read_as_people_write_it(text: str, size: int) -> None:
    assert bytes_of(text) == size
    assert Settings.from_environment(None, user_quota=text).user_quota == size


@pytest.mark.parametrize("text", ["GB", "-1", "5 gigabytes", "1e9", "5GiB", "٥GB"])
def test_a_size_that_is_none_is_a_complaint(text: str) -> None:
    with pytest.raises(Complaints, match=r"USER_QUOTA.*5GB"):
        Settings.from_environment(None, user_quota=text)
