"""Write the questions of a set of `qa-train` that no weight has seen, for `quoth evaluate`.

python -m training.write_held_out --data PATH/data pquad.validation held-out.jsonl
"""

import argparse
import json
from pathlib import Path

from training.reader_examples import SETS, held_out_paragraphs, read_lines


def main() -> None:
    """Read the arguments, keep the questions about held-out paragraphs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    folder = arguments.data / "qa-train"
    held = held_out_paragraphs(folder)
    rows = [r for r in read_lines(folder / f"{arguments.set}.jsonl.gz") if r["context"] in held]
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    arguments.target.write_text("".join(lines), "utf-8")
    print(f"wrote {len(rows)} questions, {sum(r['impossible'] for r in rows)} without an answer")


if __name__ == "__main__":
    main()
