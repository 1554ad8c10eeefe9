"""`policyloop audit`: the record of decisions. Search, show, verify, prove, export, prune, report, coverage."""

from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.coercion import LightCommand, LightGroup
from policyloop.cli.options import FormatOption, directory, new_page, text
from policyloop.errors import Exit

app = typer.Typer(
    cls=LightGroup,
    name="audit",
    help="The record of every decision: search it, verify it, prove one entry to somebody else.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

StoreOption = Annotated[
    str,
    typer.Option(
        "--store", help="The store: a file, or the URL of a PostgreSQL database.", metavar="STORE", parser=text
    ),
]
STORE = ".policyloop/audit.db"
WhoOption = Annotated[str | None, typer.Option("--who", help="Of this person.", metavar="SUBJECT", parser=text)]
ToolOption = Annotated[str | None, typer.Option("--tool", help="Of this tool.", metavar="NAME", parser=text)]
DecisionOption = Annotated[
    str | None, typer.Option("--decision", help="allow, ask or deny.", metavar="DECISION", parser=text)
]
SessionOption = Annotated[str | None, typer.Option("--session", help="Of this session.", metavar="ID", parser=text)]
SinceOption = Annotated[
    str | None, typer.Option("--since", help="From then on: 90d, 24h, 2026-11-28.", metavar="WHEN", parser=text)
]
UntilOption = Annotated[
    str | None, typer.Option("--until", help="Before then: 90d, 24h, 2026-11-28.", metavar="WHEN", parser=text)
]
PlaceOption = Annotated[
    str | None,
    typer.Option("--place", help="That touch this path or host, or what lies below it.", metavar="PLACE", parser=text),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", help="The log's public key, or the file it stands in.", metavar="KEY", parser=text),
]

AnchorOption = Annotated[
    list[Path] | None,
    typer.Option("--anchor", help="Checkpoints that were kept elsewhere; may be given again.", metavar="FILE"),
]


@app.command(short_help="Find entries by person, tool, decision, time, place and words.", cls=LightCommand)
def search(
    words: Annotated[
        list[str] | None, typer.Argument(help="Words that all stand in an entry.", metavar="[WORDS]...")
    ] = None,
    *,
    store: StoreOption = STORE,
    who: WhoOption = None,
    tool: ToolOption = None,
    decision: DecisionOption = None,
    session: SessionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    place: PlaceOption = None,
    limit: Annotated[int, typer.Option(help="The newest so many.", min=1, max=100_000)] = 50,
    output: FormatOption = None,
) -> None:
    """Show the newest entries that fit, whether or not the log is whole: `audit verify` says that. It ends in 0."""
    from policyloop.audit.asked import query
    from policyloop.audit.store import open_reader
    from policyloop.audit.told import entry_lines
    from policyloop.cli.options import Format
    from policyloop.documents.audit import search_document
    from policyloop.printing import say, say_document

    asked = query(
        who=who, tool=tool, decision=decision, session=session, since=since, until=until, place=place,
        words=words or [], limit=limit + 1,
    )  # fmt: skip
    with open_reader(store) as reader:
        found = list(reader.search(asked))
    if output is Format.JSON:
        say_document(search_document(found[:limit], more=len(found) > limit))
        return
    for entry in found[:limit]:
        for line in entry_lines(entry):
            say(line)
    more = f"; there are more: --limit {limit * 10}" if len(found) > limit else ""
    say(f"{min(len(found), limit)} entries{more}", err=True)


@app.command(short_help="One entry, whole.", cls=LightCommand)
def show(
    name: Annotated[str, typer.Argument(help="A record's id, or an entry's number.", metavar="ID", parser=text)],
    *,
    store: StoreOption = STORE,
    output: FormatOption = None,
) -> None:
    """Show all of one entry."""
    import json

    from policyloop.audit.asked import entries_of
    from policyloop.audit.store import open_reader
    from policyloop.cli.options import Format
    from policyloop.documents.audit import search_document
    from policyloop.printing import say, say_document, say_lines

    with open_reader(store) as reader:
        found = entries_of(reader, name, store)
    if output is Format.JSON:
        say_document(search_document(found, more=False))
        return
    for entry in found:
        say(f"entry {entry.seq} of {entry.log}")
        say_lines(json.dumps(entry.record(), indent=2, ensure_ascii=False))


@app.command(short_help="Is the log whole? Or: does a proof hold?", cls=LightCommand)
def verify(
    *,
    store: StoreOption = STORE,
    key: KeyOption = None,
    anchor: AnchorOption = None,
    index: Annotated[
        bool, typer.Option("--index", help="Look at the indices of a SQLite store, too: three times as long.")
    ] = False,
    proof: Annotated[
        Path | None,
        typer.Option("--proof", help="Check this proof of one entry instead; needs --key alone.", metavar="FILE"),
    ] = None,
    output: FormatOption = None,
) -> None:
    """Hash every entry anew and hold each checkpoint and anchor against it: 0 whole, 5 not, with the first bad entry.

    What words and places are found by is not covered by the log.
    """
    from policyloop.audit.checking import checked_logs, checked_proof
    from policyloop.audit.told import log_lines, proved_lines
    from policyloop.cli.options import Format
    from policyloop.documents.audit import AuditProvedDocument, entry_document, log_document, verify_document
    from policyloop.printing import say, say_document

    if proof is not None:
        entry = checked_proof(proof, key)
        if output is Format.JSON:
            say_document(AuditProvedDocument(entry=entry_document(entry)))
            return
        for line in proved_lines(entry):
            say(line)
        return
    checked = checked_logs(store, key, anchor or [], index=index)
    document = verify_document([log_document(verified, trusted) for verified, trusted in checked])
    if output is Format.JSON:
        say_document(document)
    else:
        for verified, trusted in checked:
            for line in log_lines(verified, trusted):
                say(line)
    raise typer.Exit(int(document.exit_code))


@app.command(short_help="A proof of one entry, for somebody else.", cls=LightCommand)
def prove(
    name: Annotated[str, typer.Argument(help="A record's id, or an entry's number.", metavar="ID", parser=text)],
    *,
    out: Annotated[Path, typer.Option("--out", help="The file to write.", metavar="FILE", parser=directory)],
    store: StoreOption = STORE,
    output: FormatOption = None,
) -> None:
    """Write a file with which anybody can check, by the log's public key alone, that the entry is in the log."""
    from policyloop.audit.asked import entries_of
    from policyloop.audit.checking import write_proof
    from policyloop.audit.store import open_reader
    from policyloop.cli.options import Format
    from policyloop.documents.audit import AuditDoneDocument
    from policyloop.printing import say, say_document

    with open_reader(store) as reader:
        entry = entries_of(reader, name, store)[-1]
        key = write_proof(reader, entry, out)
    if output is Format.JSON:
        say_document(AuditDoneDocument(outcome="written", file=str(out), entries=1))
        return
    say(f"written: {out}")
    say(f"Anybody checks it with: policyloop audit verify --proof {out} --key PUB")
    # Not behind `--key` at once: what stands there is taken for a secret, and hidden.
    say(f"PUB is the log's public half, or a file with this line: {key}")


@app.command(short_help="Entries as OCSF events or as CSV.", cls=LightCommand)
def export(
    *,
    out: Annotated[Path, typer.Option("--out", help="The file to write.", metavar="FILE", parser=new_page)],
    kind: Annotated[str, typer.Option("--as", help="ocsf (one JSON object a line) or csv.", parser=text)] = "ocsf",
    store: StoreOption = STORE,
    who: WhoOption = None,
    tool: ToolOption = None,
    decision: DecisionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    place: PlaceOption = None,
    output: FormatOption = None,
) -> None:
    """Write the entries that fit, oldest first: OCSF 1.9 events with the `record_integrity` profile, or CSV."""
    from policyloop.audit.asked import query
    from policyloop.audit.export import export as write
    from policyloop.audit.store import open_reader
    from policyloop.cli.options import Format
    from policyloop.documents.audit import AuditDoneDocument
    from policyloop.printing import say, say_document

    asked = query(
        who=who, tool=tool, decision=decision, since=since, until=until, place=place, limit=None, oldest_first=True
    )
    with open_reader(store) as reader:
        count = write(reader, asked, kind, out)
    if output is Format.JSON:
        say_document(AuditDoneDocument(outcome="written", file=str(out), entries=count))
        return
    say(f"written: {out}, {count} entries")


@app.command(short_help="Take out what is older than it must be kept.", cls=LightCommand)
def prune(
    *,
    keep: Annotated[
        str, typer.Option("--keep", help="What is younger stays: 400d, 26w, or a date.", metavar="AGE", parser=text)
    ],
    store: StoreOption = STORE,
    key: Annotated[
        Path | None, typer.Option("--private-key", help="The log's private key, where it is named.", metavar="FILE")
    ] = None,
    output: FormatOption = None,
) -> None:
    """Take out whole segments of 1,024 entries, all of them older. Their hashes stay, and the log records it.

    The log must not be written by another process meanwhile.
    """
    from policyloop.audit.pruning import prune_store
    from policyloop.cli.options import Format
    from policyloop.documents.audit import AuditDoneDocument
    from policyloop.printing import say, say_document

    count = prune_store(store, keep, key)
    if output is Format.JSON:
        say_document(AuditDoneDocument(outcome="pruned" if count else "nothing", file=None, entries=count))
        return
    say(f"{count} entries are taken out; their hashes stay." if count else "Nothing is old enough: nothing changed.")


@app.command(short_help="What agents did, on one page.", cls=LightCommand)
def report(
    *,
    html: Annotated[
        Path, typer.Option("--html", help="The page to write, self-contained.", metavar="FILE", parser=new_page)
    ],
    store: StoreOption = STORE,
    since: Annotated[
        str, typer.Option("--since", help="From then on: 90d, 24h, 2026-11-28.", metavar="WHEN", parser=text)
    ] = "90d",
    key: KeyOption = None,
    anchor: AnchorOption = None,
    output: FormatOption = None,
) -> None:
    """Write a page: by person, tool and place, what was denied and why, gaps, and whether the log is whole.

    0 written, 5 written of a log that is not whole.
    """
    from policyloop.audit.asked import query
    from policyloop.audit.checking import checked_logs
    from policyloop.audit.store import open_reader
    from policyloop.audit.summary import summed
    from policyloop.cli.options import Format
    from policyloop.documents.audit import audit_report_document
    from policyloop.printing import say, say_document
    from policyloop.view.html import html as drawn
    from policyloop.view.pages.audit import report_page
    from policyloop.workspace.named import write_page

    asked = query(since=since, oldest_first=True)
    checked = checked_logs(store, key, anchor or [])
    with open_reader(store) as reader:
        summary = summed(reader.search(asked))
    write_page(html, drawn(report_page(summary, checked, since)), "--html")
    whole = all(verified.bad is None for verified, _ in checked)
    if output is Format.JSON:
        say_document(audit_report_document(str(html), summary.entries, whole=whole))
    else:
        say(f"written: {html}, {summary.entries} entries")
        if not whole:
            say("The log is not whole: policyloop audit verify", err=True)
    raise typer.Exit(int(Exit.GREEN if whole else Exit.PERSON))


@app.command(short_help="An agent's session files held against the record.", cls=LightCommand)
def coverage(
    transcripts: Annotated[
        list[Path], typer.Argument(help="The client's session files (JSON, one a line).", metavar="TRANSCRIPTS...")
    ],
    *,
    store: StoreOption = STORE,
    output: FormatOption = None,
) -> None:
    """List each call that an agent made and that was never decided: 0 none, 5 some, or lines that cannot be read."""
    from policyloop.audit.coverage import coverage as compared
    from policyloop.audit.store import open_reader
    from policyloop.audit.told import coverage_lines
    from policyloop.cli.options import Format
    from policyloop.documents.audit import coverage_document
    from policyloop.printing import say, say_document

    with open_reader(store) as reader:
        covered = compared(reader, transcripts)
    document = coverage_document(covered)
    if output is Format.JSON:
        say_document(document)
    else:
        for line in coverage_lines(covered):
            say(line)
    raise typer.Exit(int(document.exit_code))
