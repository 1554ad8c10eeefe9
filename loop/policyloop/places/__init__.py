"""Paths as keys that a policy can compare: many ways to write one place become one. Lexical and pure.

Only `resolved.py` looks at a disk. Without it links are not seen: `places: lexical` says so among the attributes.
"""
