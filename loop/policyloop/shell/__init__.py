"""The text of a command as a tree of our own: what stands there, quotes taken off. Pure; it starts nothing.

tree-sitter-bash says where statements, words and substitutions begin and end; what stands within a word is read by us
(`words.py`), because that grammar leaves quotes as they are. Both must see the same substitutions: where they differ,
where the grammar reports an error, or where a form is not known, the text is `Unparsed` with a reason. Never a guess.
"""
