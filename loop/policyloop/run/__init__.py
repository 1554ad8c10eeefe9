"""One run, from a person's words to the exit code, as a line of five: prepare, clarify, drive, compare, finish.

`policyloop.run.line` shows it. Each stage takes a frozen value and gives the next one. A person is known here only as a
`Person` who is asked, and what is shown only as an `Audience` that is told.
"""
