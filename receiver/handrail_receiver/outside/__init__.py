"""A request to somebody else's service → its answer, or the cause it failed of; Prometheus; and how to log in."""

from handrail_receiver.outside.client import (
    LONGEST_ANSWER,
    LONGEST_QUOTE,
    Answer,
    AnswerBody,
    AnswerTooLong,
    Outside,
    RefusedByService,
    meaning_of,
    new_client,
    within,
)

__all__ = [
    "LONGEST_ANSWER",
    "LONGEST_QUOTE",
    "Answer",
    "AnswerBody",
    "AnswerTooLong",
    "Outside",
    "RefusedByService",
    "meaning_of",
    "new_client",
    "within",
]
