"""The outside world that judges: the pinned Cerbos compiler, in Docker or as a native binary.

`select` says which runner there is; `native` runs the binary, `docker` the image in one hardened container; `judge`
makes one validation of it; `install` gets what is pinned, and `probe` tells what is here.
"""
