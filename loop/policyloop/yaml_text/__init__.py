"""The one reader of YAML: what a text is to Cerbos, and where that is not certain. Lock, diff, proofs, mutants and lint
read by it. And the one writer (`writing`), whose text no reader takes for anything else.
"""
