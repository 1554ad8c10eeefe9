"""What `--format json` prints: one file a family, each document a frozen dataclass, made there from the result.

`policyloop.shape.to_json` writes one as JSON; `policyloop.documents.published` names them for `policyloop schema`.
"""
