"""A chat reply as the chunks of the OpenAI API."""

import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, RootModel
from sse_starlette import ServerSentEvent

from api.chat_reply import Reply
from api.chat_schemas import (
    Annotation,
    ChatCompletion,
    Choice,
    ReplyMessage,
    UrlCitation,
    Usage,
)
from api.openai_errors import error_of
from api.problems import document_of
from api.schemas import AnswerResponse
from api.streaming import During, Emit, event, streamed
from index.types import Hit
from rag.answer import Found
from rag.types import Citation

DONE = ServerSentEvent("[DONE]", sep="\n")


@dataclass(frozen=True, slots=True)
class Finished:
    """A reply and what it took."""

    reply: Reply
    usage: Usage


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every chunk of one completion says. `base_url` ends with a slash."""

    model: str
    base_url: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def completion(self, finished: Finished) -> ChatCompletion:
        """The reply in one piece."""
        reply = finished.reply
        message = ReplyMessage(content=reply.content, annotations=self.annotations(reply))
        return ChatCompletion(
            id=self.id,
            created=self.created,
            model=self.model,
            choices=[Choice(message=message)],
            usage=finished.usage,
            quoth=AnswerResponse.of(reply.answer, include_passages=True),
        )

    def chunks(self, finished: Finished, *, include_usage: bool) -> list[BaseModel]:
        """The reply in pieces; the last one with a choice holds its citations."""
        reply = finished.reply
        last = {"annotations": [each.model_dump() for each in self.annotations(reply)]}
        answer = AnswerResponse.of(reply.answer, include_passages=True)
        chunks = [
            *(self.chunk({"content": piece}) for piece in reply.pieces),
            self.chunk(last, finish_reason="stop", quoth=answer.model_dump()),
        ]
        if include_usage:
            usage = finished.usage.model_dump()
            chunks.append(_Chunk({**self._head(), "choices": [], "usage": usage}))
        return chunks

    def chunk(
        self, delta: Mapping[str, Any], finish_reason: str | None = None, **more: Any
    ) -> BaseModel:
        """A chunk with one choice."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _Chunk({**self._head(), "choices": [choice], **more})

    def annotations(self, reply: Reply) -> list[Annotation]:
        """Each mark, with a link to the words it stands for."""
        return [
            Annotation(
                url_citation=UrlCitation(
                    start_index=mark.start,
                    end_index=mark.end,
                    title=mark.citation.title or mark.citation.source,
                    url=self._link(mark.citation),
                )
            )
            for mark in reply.marks
        ]

    def _head(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
        }

    def _link(self, citation: Citation) -> str:
        document = quote(citation.document_id, safe="")
        return (
            f"{self.base_url}v1/documents/{document}/text?start={citation.start}&end={citation.end}"
        )


class _Chunk(RootModel[dict[str, Any]]):
    """A chunk of a completion."""


async def chat_events(
    ask: Callable[[Found], Finished], envelope: Envelope, during: During, *, include_usage: bool
) -> AsyncIterator[ServerSentEvent]:
    """The chunks of one reply: the role once passages are found, the text, the citations, and
    `[DONE]`. An error ends it in the shape that clients of the API look for.
    """

    def work(emit: Emit[Finished | Sequence[Hit]]) -> None:
        emit(ask(emit))

    try:
        async with aclosing(streamed(work, during)) as items:
            async for item in items:
                if isinstance(item, Finished):
                    for chunk in envelope.chunks(item, include_usage=include_usage):
                        yield event(chunk)
                else:
                    yield event(envelope.chunk({"role": "assistant", "content": ""}))
    except Exception as error:
        # The status is sent already: this is the edge where errors become documents.
        problem = document_of(error, "POST /v1/chat/completions")
        yield event(_Chunk(error_of(problem.model_dump())))
        return
    yield DONE
