"""One file a kind of document: the page that is shown of it."""
