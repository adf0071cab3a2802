"""Where one can go from everywhere: one table for the sidebar, for the tabs of a narrow window, and for the keys after `g`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One place. `tab` puts it into the bar of a narrow window, `key` is pressed after `g`.

    `ours` is whether this package makes its page, `admin` whether only administrators see it.
    """

    path: str
    icon: str
    name: str
    group: str
    tab: bool = False
    key: str = ""
    ours: bool = True
    admin: bool = False

    def current(self, here: str) -> str:
        """What `aria-current` says on the page `here`: "page" on it, "true" beneath it, else nothing."""
        if here == self.path:
            return "page"
        return "true" if here.startswith(self.path + "/") else ""


ENTRIES: tuple[Entry, ...] = (
    Entry(path="/create", icon="spark", name="Create", group="Studio", tab=True, key="c"),
    Entry(path="/library", icon="lib", name="Library", group="Media", tab=True, key="l"),
    Entry(path="/assets", icon="asset", name="Assets", group="Media", tab=True, key="a"),
    Entry(path="/jobs", icon="clock", name="Jobs", group="Account", tab=True, key="j"),
    Entry(path="/usage", icon="usage", name="Usage", group="Account"),
    Entry(path="/developers/keys", icon="key", name="API keys", group="Account"),
    Entry(path="/docs", icon="book", name="API docs", group="Account", ours=False),
    Entry(path="/settings", icon="gear", name="Settings", group="Account"),
    Entry(path="/admin/review", icon="alert", name="Review", group="Admin", admin=True),
    Entry(path="/admin/providers", icon="bolt", name="Providers", group="Admin", admin=True),
)


@dataclass(frozen=True, kw_only=True)
class Navigation:
    """The places that this installation has."""

    entries: tuple[Entry, ...]

    @property
    def tabs(self) -> tuple[Entry, ...]:
        """Those in the bar of a narrow window."""
        return tuple(each for each in self.entries if each.tab)

    @property
    def rest(self) -> tuple[Entry, ...]:
        """Those behind its last tab, More."""
        return tuple(each for each in self.entries if not each.tab)

    @property
    def groups(self) -> list[tuple[str, list[Entry]]]:
        """The groups of the sidebar and what is in them; no empty ones."""
        names = dict.fromkeys(each.group for each in self.entries)
        return [(name, [each for each in self.entries if each.group == name]) for name in names]

    def seen_by(self, admin: bool) -> Navigation:
        """The places that somebody sees: an administrator all of them."""
        return self if admin else Navigation(entries=tuple(each for each in self.entries if not each.admin))


def there(paths: Collection[str]) -> Navigation:
    """The places whose pages are among `paths`, and those whose pages are made elsewhere."""
    return Navigation(entries=tuple(each for each in ENTRIES if not each.ours or each.path in paths))
