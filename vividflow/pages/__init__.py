"""The pages of the studio: one page family a file. Their addresses are in addresses.py, and nowhere else."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Give `app` its pages, its sign-in and its static files; the house must be in place."""
    from vividflow.pages import addresses, key_list, navigation, session, shell

    house = app.extensions["vividflow"]
    session.set_up(app, house.settings, lambda: house.tools.secret)
    shell.set_up(app)
    places = navigation.there({page.path for page in addresses.PAGES})
    app.jinja_env.globals.update(navigation=places, key_groups=key_list.key_groups(places.entries))
    addresses.register(app)
