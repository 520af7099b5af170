"""The seam for messages in other languages: what people read passes through gettext, in the domain `searchctl`.

A message with values in it is a template, so that a catalogue can hold it: `_("no index '{name}'").format(name=name)`.
"""

from __future__ import annotations

import gettext

DOMAIN = "searchctl"


def _(message: str) -> str:
    """Return a message in the user's language; itself where no catalogue has it."""
    return gettext.dgettext(DOMAIN, message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the form of a message that goes with a number."""
    return gettext.dngettext(DOMAIN, singular, plural, number)
