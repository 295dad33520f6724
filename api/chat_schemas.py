"""Chat completions as the OpenAI API shapes them, with what Quoth adds."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from api.schemas import MAX_TURN_CHARACTERS, AnswerResponse, FiltersIn
from rag.chat import Turn

MODEL = "quoth"
"""The model of the default collection; `quoth/NAME` is that of another."""
MAX_MESSAGES = 2000

Content = Annotated[str, Field(max_length=MAX_TURN_CHARACTERS)]


class _Lenient(BaseModel):
    """Parameters that are not named here are accepted and change nothing."""

    model_config = ConfigDict(extra="ignore")


class Part(_Lenient):
    """A part of a message: text."""

    type: str
    text: Content = ""
    refusal: Content = ""

    @field_validator("type")
    @classmethod
    def _text_only(cls, kind: str) -> str:
        if kind not in ("text", "refusal"):
            raise ValueError(f"only text is read, not {kind}: leave this part out")
        return kind


class Message(_Lenient):
    """One message. `system`, `developer` and `tool` messages are accepted and not read."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Content | Annotated[list[Part], Field(max_length=200)] | None = None

    @property
    def text(self) -> str:
        """What it says."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text)
        return self.content or ""


class StreamOptions(_Lenient):
    """What a stream holds besides."""

    include_usage: bool = False


class ResponseFormat(_Lenient):
    """The form of the answer: text."""

    type: str = "text"


class Extension(BaseModel):
    """What Quoth takes besides: the options of `POST /v1/answer`."""

    model_config = ConfigDict(extra="forbid")

    filters: FiltersIn = FiltersIn()
    limit: int = Field(10, ge=1, le=100)
    min_confidence: float | None = Field(None, ge=0, le=1)


class ChatRequest(_Lenient):
    """A conversation; its last `user` message is the question.

    `temperature`, `top_p`, `max_tokens`, `seed`, `stop`, `user` and other parameters of the OpenAI
    API are accepted and change nothing, since nothing is sampled. What would change the kind of
    answer (`n` above 1, tools, JSON, audio) is refused.
    """

    model: str = Field(MODEL, max_length=100, examples=[MODEL, "quoth/reports"])
    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = 1
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    response_format: ResponseFormat | None = None
    modalities: list[str] | None = None
    quoth: Extension = Extension()

    @field_validator("n")
    @classmethod
    def _one(cls, n: int | None) -> int | None:
        if n not in (None, 1):
            raise ValueError("there is one answer to a question: leave `n` out or make it 1")
        return n

    @field_validator("tools", "functions")
    @classmethod
    def _no_tools(cls, tools: list[Any] | None) -> list[Any] | None:
        if tools:
            raise ValueError("no tools are called: leave them out")
        return tools

    @field_validator("response_format")
    @classmethod
    def _text_format(cls, form: ResponseFormat | None) -> ResponseFormat | None:
        if form is not None and form.type != "text":
            raise ValueError("the answer is text; its citations are JSON already, in `quoth`")
        return form

    @field_validator("modalities")
    @classmethod
    def _text_modality(cls, modalities: list[str] | None) -> list[str] | None:
        if modalities and set(modalities) != {"text"}:
            raise ValueError('the answer is text: leave this out or send ["text"]')
        return modalities

    def question_and_history(self) -> tuple[str, list[Turn]]:
        """The last `user` message, and the turns before it; an empty one if there is none."""
        asked = [n for n, message in enumerate(self.messages) if message.role == "user"]
        if not asked:
            return "", []
        before = self.messages[: asked[-1]]
        history = [
            Turn("user" if message.role == "user" else "assistant", message.text)
            for message in before
            if message.role in ("user", "assistant")
        ]
        return self.messages[asked[-1]].text, history


class UrlCitation(BaseModel):
    """Where a mark stands in the text, `content[start_index:end_index]`, and what it points to."""

    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(BaseModel):
    """A citation in the shape that clients of the OpenAI API read."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class ReplyMessage(BaseModel):
    """The answer with its marks, quotes and sources."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


class Choice(BaseModel):
    """The only choice."""

    index: int = 0
    message: ReplyMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Usage(BaseModel):
    """Tokens of the embedder: of the messages that were read, and of the reply."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """A reply. `quoth` is the whole answer; its citations are numbered as the marks are."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    quoth: AnswerResponse


class ModelOut(BaseModel):
    """A collection, as a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "quoth"


class ModelList(BaseModel):
    """All collections, as models."""

    object: Literal["list"] = "list"
    data: list[ModelOut]
