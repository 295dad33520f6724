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


def test_a_follow_up_is_answered_in_its_own_language_as_it_was_made_whole(
    real_engine: Engine,
) -> None:
    history = [
        Turn("user", "How many letters did the Chinese cook write in the lighthouse?"),
        Turn("assistant", "林兆安在燈塔裡一共寫了27封信。"),
    ]
    whole = real_engine.answer("¿Y dónde las encontraron?", "examples", history=history)
    assert "letters" in whole.standalone_question
    assert whole.question_language == "es"
    assert all(c.source.endswith("zh-hant-letters-exhibition.txt") for c in whole.citations)
    letters = [hit.source.endswith("zh-hant-letters-exhibition.txt") for hit in whole.passages]
    assert any(letters[:2])
