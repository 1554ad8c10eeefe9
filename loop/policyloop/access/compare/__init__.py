"""Old and new side by side: what a change lets in, by which rule, and what is proved of it."""
