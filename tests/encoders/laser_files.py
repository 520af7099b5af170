"""A checkpoint and a vocabulary as LASER2 has them, small and random. Needs the extra laser."""

from __future__ import annotations

import io
from pathlib import Path

LINES = ["the green tea is hot", "зелёный чай горячий", "a steel bridge over the river", "стальной мост через реку"]


def save_laser(folder: Path) -> None:
    """Write `laser2.pt` and `laser2.spm` into a new folder."""
    import sentencepiece
    import torch

    folder.mkdir(parents=True)
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 20), model_writer=made, vocab_size=60, hard_vocab_limit=False, minloglevel=2
    )
    (folder / "laser2.spm").write_bytes(made.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())
    pieces = [processor.id_to_piece(number) for number in range(3, processor.get_piece_size())]
    special = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    numbers = special | {piece: row for row, piece in enumerate(reversed(pieces), 4)}  # not sentencepiece's order
    torch.manual_seed(2)
    embedding, lstm = torch.nn.Embedding(len(numbers), 12, padding_idx=1), torch.nn.LSTM(12, 16, 3, bidirectional=True)
    weights = {f"embed_tokens.{key}": value for key, value in embedding.state_dict().items()}
    weights |= {f"lstm.{key}": value for key, value in lstm.state_dict().items()}
    params = {
        "num_embeddings": len(numbers), "padding_idx": 1, "embed_dim": 12, "hidden_size": 16, "num_layers": 3,
        "bidirectional": True, "left_pad": True, "padding_value": 0.0,
    }  # fmt: skip
    torch.save({"params": params, "model": weights, "dictionary": numbers}, folder / "laser2.pt")
