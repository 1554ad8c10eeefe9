"""What the server does not take, with the HTTP status that says so."""

BUSY = 503
"""The status of what is refused because too much else is being done."""


class Refused(Exception):
    """A request that is none of an agent's client. The text is one sentence for whoever sent it, and for the record."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        self.sentence = sentence
        super().__init__(sentence)
