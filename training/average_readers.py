"""Average the weights of several readers ("model soups", Wortsman et al. 2022).

    python -m training.average_readers FOLDER_OR_ARTIFACT... --out FOLDER [--ship]

Runs that went on from one another lie in one basin: their mean is better on languages that none of
them was trained in than the best of them.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from api.settings import load_settings
from rag import reader_model
from training.train_reader import export


def main() -> None:
    """Read the arguments, average, save; with `--ship` also write the artifact."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("readers", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ship", action="store_true")
    arguments = parser.parse_args()
    frame = reader_model.prepare(load_settings().embedder_options().cache)
    model = AutoModelForQuestionAnswering.from_pretrained(frame, dtype=torch.float32)
    each = [weights(reader) for reader in arguments.readers]
    mean = {name: np.mean([one[name] for one in each], axis=0) for name in each[0]}
    tensors = {name: torch.from_numpy(values) for name, values in mean.items()}
    model.load_state_dict(tensors, strict=False)
    model.save_pretrained(arguments.out)
    AutoTokenizer.from_pretrained(frame).save_pretrained(arguments.out)
    if arguments.ship:
        export(arguments.out)


def weights(reader: Path) -> dict[str, NDArray[np.float32]]:
    """Of a model folder or of an artifact, without the word embeddings."""
    if not reader.is_dir():
        return reader_model.unpack(reader)
    model = AutoModelForQuestionAnswering.from_pretrained(reader, dtype=torch.float32)
    state = model.state_dict()
    return {name: v.numpy() for name, v in state.items() if "word_embeddings" not in name}


if __name__ == "__main__":
    main()
