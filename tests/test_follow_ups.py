"""Follow-ups over the sample corpus with the real model: they find more when they are made whole."""

import pytest

from api.wiring import Engine
from benchmarks.follow_ups import EXAMPLES, load, measure, share
from rag.chat import Turn

# Some forty answers of the real model: minutes on a machine that is busy with other things.
pytestmark = [pytest.mark.model, pytest.mark.timeout(1800)]
CONVERSATIONS = load(EXAMPLES / "conversations.jsonl")


def test_more_follow_ups_find_their_document_when_made_whole(real_engine: Engine) -> None:
    assert len(CONVERSATIONS) >= 40
    assert len({conversation.language for conversation in CONVERSATIONS}) >= 5
    outcomes = measure(real_engine, "examples", CONVERSATIONS, answers=False)
    among_three = {
        way: share(outcomes, lambda outcome, way=way: 1 <= outcome.ranks[way] <= 3)  # type: ignore[misc]
        for way in ("alone", "understood")
    }
    assert among_three["understood"] > among_three["alone"]
    assert among_three["understood"] > 0.8


def test_a_follow_up_is_answered_from_the_document_it_is_about(real_engine: Engine) -> None:
    history = [Turn("user", "¿Qué ingeniero dibujó los planos del faro?")]
    question = "¿Y en cuántos cuadernos anotó el tiempo el farero?"
    followed = [Turn("user", "When was the lighthouse first lit?")]
    alone = real_engine.answer("And who drew its plans?", "examples", min_confidence=0.0)
    whole = real_engine.answer(
        "And who drew its plans?", "examples", min_confidence=0.0, history=followed
    )
    assert whole.citations[0].source.endswith("el-lighthouse-history.md")
    assert whole.confidence > alone.confidence
    assert "lighthouse" in whole.standalone_question
    other = real_engine.answer(question, "examples", history=history)
    assert other.question_language == "es"
