"""What programs do with their arguments: a table, one row a program (`table.py`), and a file for each family whose
arguments are a language of their own.
"""
