"""The page of `recover`: which write-back was finished."""

from policyloop.documents.recover import RecoverDocument
from policyloop.printing import one_line
from policyloop.view.blocks import Line, Page
from policyloop.workspace import Recovery


def recover_page(done: Recovery | None) -> Page:
    """A write-back that was interrupted was finished; None where none was."""
    document = RecoverDocument(outcome="recovered" if done else "nothing", files_changed=done.paths if done else ())
    if done is None:
        blocks = [Line("No write-back was interrupted.")]
    else:
        blocks = [Line(f"The write-back that was begun at {one_line(done.time)} is finished:")]
        blocks += [Line(one_line(path), depth=1) for path in done.paths]
    return Page(title="policyloop recover", blocks=tuple(blocks), document=lambda: document)
