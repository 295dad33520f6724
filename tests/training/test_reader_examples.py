"""Questions of the public sets as the reader learns them."""

import gzip
import json
from pathlib import Path

import numpy as np

from training.reader_examples import questions


def test_an_answer_is_marked_without_blanks_at_its_ends(tmp_path: Path) -> None:
    context = "ประเทศไทย มีเมืองหลวง ชื่อ กรุงเทพ เป็นเมืองใหญ่"
    gold = " กรุงเทพ "
    row = {
        "context": context,
        "title": "ไทย",
        "question": "เมืองหลวงชื่ออะไร",
        "lang": "th",
        "answers": [{"text": gold, "start": context.index(gold)}],
    }
    with gzip.open(tmp_path / "iapp.train.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for _ in range(20))
    passages = set()
    for text, _ in questions(tmp_path, "iapp.train", set(), np.random.default_rng(0)):
        assert text.passage[text.start : text.end] == "กรุงเทพ"
        passages.add(text.passage)
    assert passages == {context, f"ไทย\n{context}"}  # some are read under their title
