"""Write the encoder's weights in 8 bits: `python -m classifiers.quantize` (needs the development packages).

Weights are cut to 8 bits per output channel, activations per text as they come (dynamic quantisation; Jacob et al.
2018). One bit of the weights is left unused: processors without VNNI add such products in 16 bits, which would
overflow, and the same post must get the same answer on all of them.
"""

import hashlib
import tempfile
from pathlib import Path

from classifiers.encoder import LAYERS, MAX_TOKENS, QUANTIZED, verify_weights


def write_quantized(out: Path = QUANTIZED) -> str:
    """Export the packaged weights, quantise them into `out`, and return the file's sha256."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import AutoModel, AutoTokenizer

    folder = str(verify_weights())
    bert = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)

    class Reading(torch.nn.Module):
        """The transformer; of each of `LAYERS` the mean over tokens, side by side."""

        def __init__(self) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            """Return the means, shape (texts, DIMENSIONS)."""
            states = self.bert(
                input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
            ).hidden_states
            mask = attention_mask.unsqueeze(-1).to(states[0].dtype)
            return torch.cat([(states[layer] * mask).sum(1) / mask.sum(1) for layer in LAYERS], dim=1)

    example = tokenizer(
        ["two texts", "of unlike length"], padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    )
    names = ["input_ids", "attention_mask"]
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.onnx"
        torch.onnx.export(
            Reading(),
            (example["input_ids"], example["attention_mask"]),
            str(whole),
            input_names=names,
            output_names=["vector"],
            dynamic_axes={name: {0: "texts", 1: "tokens"} for name in names},
            opset_version=18,
            dynamo=False,
        )
        quantize_dynamic(whole, out, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    return hashlib.sha256(out.read_bytes()).hexdigest()


if __name__ == "__main__":
    print(f"{QUANTIZED}: sha256 {write_quantized()}; put it into classifiers/encoder.py and train again")  # noqa: T201
