"""Accounts, their keys, a link to sign in, and credit."""

from __future__ import annotations

import secrets
import sys
from decimal import Decimal, InvalidOperation

import click
from flask.cli import with_appcontext

from vividflow.commands.at_work import Command, at_work, say
from vividflow.errors import Problem
from vividflow.lifecycle.accounts import accept_email, keep_account, new_account
from vividflow.lifecycle.invites import INVITED_SECONDS, make_invite
from vividflow.lifecycle.tools import Tools
from vividflow.records import api_keys, ledger, sessions, users
from vividflow.records.users import User
from vividflow.timing import now

LINK_SECONDS = 900.0
MICRO = 1_000_000
MOST_USD = 1_000_000


@click.command("create-user", cls=Command)
@click.argument("email")
@click.option("--password", help="10 characters or more; asked for when neither this nor --generate is given.")
@click.option("--generate", is_flag=True, help="Make a password and print it, once, on stdout.")
@click.option("--admin", is_flag=True, help="An account that sees and changes what belongs to the installation.")
@with_appcontext
def create_user(email: str, password: str | None, generate: bool, admin: bool) -> None:
    """Make an account."""
    if generate and password is not None:
        raise click.ClickException("Give --password or --generate, not both.")
    with at_work() as tools:
        text = secrets.token_urlsafe(15) if generate else password if password is not None else _asked()
        user = new_account(tools.settings, email=email, password=text, role="admin" if admin else "user")
        with tools.db.transaction() as connection:
            keep_account(connection, user)
    say(f"Made the {'administrator' if admin else 'account'} {user.email}.")
    if generate:
        click.echo(text)


@click.command("create-key", cls=Command)
@click.argument("email")
@click.option("--name", default="Command line", show_default=True, help="What the key is for.")
@with_appcontext
def create_key(email: str, name: str) -> None:
    """Make an API key and print it, once, as the only line on stdout."""
    if not 1 <= len(name.strip()) <= 100:
        raise click.ClickException("A key's name has 1 to 100 characters.")
    with at_work() as tools:
        user = known(tools, email)
        key, bare = api_keys.mint(user.id, name.strip(), now())
        with tools.db.transaction() as connection:
            api_keys.insert(connection, key)
    click.echo(bare)


@click.command("sign-in-link", cls=Command)
@click.argument("email")
@with_appcontext
def sign_in_link(email: str) -> None:
    """Print a link that signs its first visitor in, once, within 15 minutes."""
    with at_work() as tools:
        user = known(tools, email)
        with tools.db.transaction() as connection:
            secret = sessions.make_link(connection, user.id, "sign-in", now() + LINK_SECONDS)
        click.echo(f"{tools.settings.public}/login/link/{secret}")


@click.command("invite", cls=Command)
@click.argument("email")
@with_appcontext
def invite(email: str) -> None:
    """Print a link with which EMAIL can make an account within 7 days, where sign-up is by invitation."""
    with at_work() as tools:
        if tools.settings.registration == "closed":
            raise click.ClickException("Sign-up is closed. Set REGISTRATION=invite, or make the account: create-user.")
        address = accept_email(email)
        with tools.db.reading() as connection:
            if users.by_email(connection, address) is not None:
                raise Problem(409, "email_taken", f"There is an account for {address} already.")
        token = make_invite(tools.secret, address, now() + INVITED_SECONDS)
        click.echo(f"{tools.settings.public}/signup?invite={token}")


@click.command("grant-credits", cls=Command)
@click.argument("email")
@click.argument("usd")
@with_appcontext
def grant_credits(email: str, usd: str) -> None:
    """Give credit worth USD dollars; a negative amount (after --) takes it back."""
    amount = _micro(usd)
    with at_work() as tools:
        user = known(tools, email)
        with tools.db.transaction() as connection:
            ledger.grant(connection, user.id, amount, "grant-credits", now())
            left = ledger.account(connection, user.id).available
    say(f"{user.email} now has ${left / MICRO:,.2f} to spend.")


def known(tools: Tools, email: str) -> User:
    """The account with an address. Raises `Problem` 404."""
    with tools.db.reading() as connection:
        user = users.by_email(connection, email)
    if user is None:
        raise Problem(404, "unknown_user", f"There is no account for {email}.")
    return user


def _asked() -> str:
    if sys.stdin.isatty():
        return click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return sys.stdin.readline().rstrip("\r\n")


def _micro(usd: str) -> int:
    try:
        amount = Decimal(usd) * MICRO
    except InvalidOperation:
        raise click.ClickException(f"USD is an amount such as 5 or 2.50, not {usd!r}.") from None
    if not amount.is_finite() or not amount or abs(amount) > MOST_USD * MICRO or amount != amount.to_integral_value():
        raise click.ClickException(
            f"USD is an amount of at most {MOST_USD:,} dollars that is not 0, such as 5 or 2.50."
        )
    return int(amount)


COMMANDS = (create_user, create_key, sign_in_link, invite, grant_credits)
