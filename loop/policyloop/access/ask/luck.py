"""Whether what a bundle answers can be luck: a quick look at the texts, which loads nothing.

`check` looks at every bundle, and hardly one holds what Cerbos overlooks; only then are its policies taken apart.
"""

import re
from typing import TYPE_CHECKING

from policyloop.bundle import Bundle
from policyloop.layout import Kind, kind

if TYPE_CHECKING:
    from policyloop.access.source.alike import Kept

_CAN_DIFFER = re.compile(r"\b(any|none)\b[\"']?\s*:|scopePermissions|\\")


def confused_in(bundle: Bundle) -> "list[tuple[Kept, ...]]":
    """The rules of a bundle that Cerbos 0.55.0 takes for each other (`policyloop.access.source.alike`)."""
    texts = (text for path, text in bundle.files.items() if kind(path) is Kind.POLICY)
    if not any(_CAN_DIFFER.search(text) for text in texts):
        return []
    from policyloop.access.source import policies_of
    from policyloop.access.source.alike import taken_for_each_other

    return taken_for_each_other(policies_of(bundle))


def luck_in(bundle: Bundle) -> tuple[str, ...]:
    """The same, a sentence for each group."""
    groups = confused_in(bundle)
    if not groups:
        return ()
    from policyloop.access.source.alike import in_words

    return tuple(map(in_words, groups))
