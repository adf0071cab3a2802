"""Accounts, keys, links and credit from the command line: what is printed where, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.installation import a_user, migrated, settings_in
from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.lifecycle.invites import invited
from vividflow.passwords import check_password
from vividflow.records import api_keys, ledger, sessions, users
from vividflow.records.users import User
from vividflow.timing import now
from web_app import create_app

Flask = Callable[..., Result]
ROOT = Path(__file__).resolve().parents[2]


def kept(db: Database, email: str) -> User:
    with db.reading() as connection:
        user = users.by_email(connection, email)
    assert user is not None
    return user


def test_a_generated_password_is_the_only_line_on_stdout_and_opens_the_account(
    flask: Flask, db: Database, settings: Settings
) -> None:
    done = flask("create-user", "Ada@Example.com", "--generate", "--admin")
    assert done.exit_code == 0, done.stderr
    (password,) = done.stdout.splitlines()
    user = kept(db, "ada@example.com")
    assert (user.email, user.role) == ("ada@example.com", "admin")
    assert check_password(settings, password, user.password_hash)
    assert password not in done.stderr
    with db.reading() as connection:
        assert ledger.account(connection, user.id).available == 0


@pytest.mark.parametrize("typed", [None, "correct horse battery\n"])
def test_a_password_may_be_given_or_typed(flask: Flask, db: Database, settings: Settings, typed: str | None) -> None:
    given = () if typed else ("--password", "correct horse battery")
    done = flask("create-user", "ada@example.com", *given, typed=typed)
    assert (done.exit_code, done.stdout) == (0, "")
    user = kept(db, "ada@example.com")
    assert user.role == "user"
    assert check_password(settings, "correct horse battery", user.password_hash)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create-user", "taken@example.com", "--generate"), "There is an account for taken@example.com already."),
        (("create-user", "TAKEN@example.com", "--generate"), "already"),
        (("create-user", "nobody", "--generate"), "no e-mail address"),
        (("create-user", "a@b", "--generate"), "no e-mail address"),
        (("create-user", "ada@example.com", "--password", "too short"), "10 to 1,024 characters"),
        (("create-user", "ada@example.com", "--password", "x" * 1025), "10 to 1,024 characters"),
        (("create-user", "ada@example.com", "--password", "long enough it is", "--generate"), "not both"),
        (("create-user",), "Missing argument"),
        (("create-user", "ada@example.com", "--what"), "No such option"),
        (("create-key", "unknown@example.com"), "no account for unknown@example.com"),
        (("create-key", "taken@example.com", "--name", " "), "1 to 100 characters"),
        (("sign-in-link", "unknown@example.com"), "no account"),
        (("invite", "taken@example.com"), "There is an account for taken@example.com already."),
        (("invite", "nobody"), "no e-mail address"),
        (("grant-credits", "taken@example.com", "much"), "amount such as 5 or 2.50"),
        (("grant-credits", "taken@example.com", "nan"), "not 0"),
        (("grant-credits", "taken@example.com", "0"), "not 0"),
        (("grant-credits", "taken@example.com", "0.0000001"), "not 0"),
        (("grant-credits", "taken@example.com", "9e99"), "at most"),
        (("grant-credits", "unknown@example.com", "5"), "no account"),
    ],
)
def test_what_cannot_be_done_ends_with_1_and_a_sentence_and_nothing_on_stdout(
    flask: Flask, db: Database, arguments: tuple[str, ...], sentence: str
) -> None:
    a_user(db, "taken@example.com")
    done = flask(*arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    with db.reading() as connection:
        assert users.count(connection) == 1


def test_the_bare_key_is_the_only_line_on_stdout_and_works(flask: Flask, db: Database) -> None:
    user = a_user(db)
    done = flask("create-key", user.email, "--name", "laptop")
    assert done.exit_code == 0
    (bare,) = done.stdout.splitlines()
    with db.reading() as connection:
        key = api_keys.by_bare_key(connection, bare)
    assert key is not None
    assert (key.user_id, key.name, key.usable(now())) == (user.id, "laptop", True)


def test_the_link_is_the_only_line_on_stdout_and_signs_in_once_within_15_minutes(flask: Flask, db: Database) -> None:
    user = a_user(db)
    done = flask("sign-in-link", user.email)
    assert done.exit_code == 0
    (link,) = done.stdout.splitlines()
    start, _, secret = link.rpartition("/")
    assert start == "https://studio.example.com/login/link"
    with db.transaction() as connection:
        assert sessions.peek_link(connection, secret, "sign-in", now() + 850) == user.id
        assert sessions.peek_link(connection, secret, "sign-in", now() + 950) is None
        assert sessions.use_link(connection, secret, "sign-in", now()) == user.id
        assert sessions.use_link(connection, secret, "sign-in", now()) is None


def test_the_invitation_is_the_only_line_on_stdout_and_names_its_address_for_7_days(
    flask: Flask, settings: Settings
) -> None:
    done = flask("invite", "Ada@Example.com")
    assert done.exit_code == 0
    (link,) = done.stdout.splitlines()
    start, _, token = link.partition("?invite=")
    assert start == "https://studio.example.com/signup"
    assert settings.secret_key is not None
    secret = settings.secret_key.get_secret_value()
    assert invited(secret, token, now() + 6.9 * 86400) == "ada@example.com"
    assert invited(secret, token, now() + 7.1 * 86400) is None


def test_where_sign_up_is_closed_nobody_is_invited(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, registration="closed")
    migrated(settings).close()
    done = create_app(settings).test_cli_runner().invoke(args=["invite", "ada@example.com"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Set REGISTRATION=invite" in done.stderr


def test_credit_is_given_and_taken_back_and_the_books_stay_even(flask: Flask, db: Database) -> None:
    user = a_user(db)
    assert "$2.50" in flask("grant-credits", user.email, "2.5").stderr
    assert "$1.50" in flask("grant-credits", user.email, "--", "-1").stderr
    with db.reading() as connection:
        assert ledger.account(connection, user.id).available == 1_500_000
        assert ledger.total(connection) == 0


def test_a_command_of_a_fresh_installation_makes_its_database_and_no_worker(tmp_path: Path) -> None:
    env = os.environ | {"DATA_DIR": str(tmp_path / "data"), "PASSWORD_MEMORY_KIB": "64"}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "web_app", "create-user", "ada@example.com", "--generate"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert (tmp_path / "data" / "jobs.db").exists()
    assert not (tmp_path / "data" / "worker.lock").exists()
