"""The record of decisions: append-only, in a Merkle tree, signed; searched, verified, proved, exported, pruned."""
