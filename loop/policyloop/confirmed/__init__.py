"""A spec that a person confirmed: whose word that is (`believed`), its file, and what it means for the tests there are.

Nothing here asks anybody.
"""
