#!/usr/bin/env python3
"""Write the weights in `model.pt` of ADBox, or of ML4ITS/mtad-gat-pytorch, as safetensors.

    pip install torch safetensors
    python3 mtad_gat_weights.py model.pt model.safetensors
    lanner detector train usual.csv --kind mtad-gat --window 10 --weights model.safetensors --epochs 0 --out web.detector

Only weights are read from the file (`weights_only`), so it cannot run anything.
"""

import sys

import torch
from safetensors.torch import save_file


def main() -> None:
    source, target = sys.argv[1:]
    weights = torch.load(source, map_location="cpu", weights_only=True)
    save_file({name: tensor.float().contiguous() for name, tensor in weights.items()}, target)


if __name__ == "__main__":
    main()
