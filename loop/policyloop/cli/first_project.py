"""What `policyloop init` writes: a configuration, a first policy with its suite, and a workflow that checks them."""

CONFIG = """\
# Every key is optional; `policyloop schema config` describes all of them.
policies: policies
"""

POLICY = """\
# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/Policy.schema.json
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: document
  version: default
  importDerivedRoles: [document_roles]
  rules:
    # Whoever works here may read what is published.
    - name: staff-view-published
      actions: [view]
      effect: EFFECT_ALLOW
      roles: [staff]
      condition:
        match:
          expr: R.attr.status == "PUBLISHED"
    # Who wrote it may read and change it.
    - name: authors-view-and-edit
      actions: [view, edit]
      effect: EFFECT_ALLOW
      derivedRoles: [author]
"""

ROLES = """\
# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/Policy.schema.json
apiVersion: api.cerbos.dev/v1
derivedRoles:
  name: document_roles
  definitions:
    - name: author
      parentRoles: [staff]
      condition:
        match:
          expr: R.attr.author == P.id
"""

SUITE = """\
# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/TestSuite.schema.json
name: Documents
description: Who may do what with a document. Each denial differs in one thing from something that is allowed.
principals:
  ann: {id: ann, roles: [staff]}
  bob: {id: bob, roles: [staff]}
  visitor: {id: ann, roles: [visitor]}
resources:
  draft: {kind: document, id: d1, attr: {author: ann, status: DRAFT}}
  published: {kind: document, id: d2, attr: {author: ann, status: PUBLISHED}}
tests:
  - name: authors view and edit their own
    input: {principals: [ann], resources: [draft, published], actions: [view, edit, delete]}
    expected:
      - {principal: ann, resource: draft, actions: {view: EFFECT_ALLOW, edit: EFFECT_ALLOW, delete: EFFECT_DENY}}
      - {principal: ann, resource: published, actions: {view: EFFECT_ALLOW, edit: EFFECT_ALLOW, delete: EFFECT_DENY}}
  - name: others of the staff view what is published
    input: {principals: [bob], resources: [draft, published], actions: [view, edit, delete]}
    expected:
      - {principal: bob, resource: draft, actions: {view: EFFECT_DENY, edit: EFFECT_DENY, delete: EFFECT_DENY}}
      - {principal: bob, resource: published, actions: {view: EFFECT_ALLOW, edit: EFFECT_DENY, delete: EFFECT_DENY}}
  - name: nobody else does anything
    input: {principals: [visitor], resources: [draft, published], actions: [view, edit, delete]}
    expected:
      - {principal: visitor, resource: draft, actions: {view: EFFECT_DENY, edit: EFFECT_DENY, delete: EFFECT_DENY}}
      - {principal: visitor, resource: published, actions: {view: EFFECT_DENY, edit: EFFECT_DENY, delete: EFFECT_DENY}}
"""

WORKFLOW = """\
name: policies
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@v4
        with: {fetch-depth: 0}
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - run: pip install policyloop
      - run: policyloop doctor --install --runner native
      - run: policyloop check --runner native
      - run: policyloop lint --runner native --fail-on warning
      # The tests of the branch that this is to be merged into must all still be as strong.
      - if: github.event_name == 'pull_request'
        run: policyloop check --runner native --baseline "$BASE"
        env: {BASE: "${{ github.event.pull_request.base.sha }}"}
"""

POLICIES = "policies"
FILES = {
    ".github/workflows/policyloop.yml": WORKFLOW,
    "policyloop.yaml": CONFIG,
}
"""Path -> text, in the order in which they are put in place."""
POLICY_FILES = {
    "document.yaml": POLICY,
    "document_roles.yaml": ROLES,
    "document_test.yaml": SUITE,
}
"""The policy directory, which is put in place as a whole, and last."""
