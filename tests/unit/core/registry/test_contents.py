import io
import pickletools
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save

from deepmed.core.registry.contents import FORMATS, check_files
from deepmed.kit.errors import PathRefusedError, ValidationError


def archive() -> bytes:
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as packed:
            packed.writestr("schema.json", "{}")
        return buffer.getvalue()


GOOD = {
    "model.safetensors": save({"weight": np.ones(2)}),
    "empty.safetensors": save({}),
    "card.json": '{"who": "älter"}'.encode(),
    "predictions.csv": b"child,score\n",
    "forest.skops": archive(),
    "net.onnx": b"\x08\x0a\x12\x07deepmed",
    "Weights/fold-1/v1.2_final.json": b"[]",
}
# A pickle that would call os.system; written by hand, as this house does not import pickle.
PICKLE = b"cos\nsystem\n(S'true'\ntR."


@pytest.mark.req("S-9.2")
def test_formats_without_code_are_taken() -> None:
    check_files(GOOD)
    assert set(FORMATS) == {".safetensors", ".json", ".skops", ".onnx", ".csv"}


@pytest.mark.req("S-9.2")
@pytest.mark.parametrize(
    "name",
    ["m.pkl", "m.pickle", "m.joblib", "m.pt", "m.pth", "m.npy", "m.npz", "m.h5", "m", "m.py"],
)
def test_formats_that_can_carry_code_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="carry no code"):
        check_files({name: b"{}"})


@pytest.mark.req("S-9.2")
@pytest.mark.parametrize("extension", sorted({".safetensors", ".json", ".skops", ".onnx"}))
def test_a_renamed_pickle_is_refused(extension: str) -> None:
    assert any(opcode.name == "REDUCE" for opcode, _, _ in pickletools.genops(PICKLE))
    with pytest.raises(ValidationError, match="does not hold"):
        check_files({f"model{extension}": PICKLE})


@pytest.mark.req("S-9.2")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"{"),
        ("a.json", b""),
        ("a.csv", b"a,b\n\x00"),
        ("a.csv", b"\xff\xfe"),
        ("a.safetensors", b""),
        ("a.safetensors", (1 << 40).to_bytes(8, "little") + b"{}"),
        ("a.safetensors", (2).to_bytes(8, "little") + b"[]"),
        ("a.skops", b""),
        ("a.onnx", b""),
    ],
)
def test_contents_that_are_not_what_the_name_says_are_refused(name: str, content: bytes) -> None:
    with pytest.raises(ValidationError):
        check_files({name: content})


@pytest.mark.parametrize(
    "name",
    [
        "../a.json",
        "a/../b.json",
        "./a.json",
        "/a.json",
        "a//b.json",
        "a\\b.json",
        "C:a.json",
        ".hidden.json",
        "a/.hidden.json",
        "a\n.json",
        "a .json",
        "",
        "nul.json",
        "aux/x.json",
        "COM1.csv",
        "a./b.json",
        "manifest.json",
        "MANIFEST.JSON",
        "manifest.sig",
        "x" * 200 + ".json",
    ],
)
def test_names_that_are_not_plain_are_refused(name: str) -> None:
    with pytest.raises(PathRefusedError):
        check_files({name: b"{}"})


def test_names_that_only_some_file_systems_tell_apart_are_refused() -> None:
    with pytest.raises(PathRefusedError, match="case"):
        check_files({"a.json": b"{}", "A.json": b"{}"})


def test_no_file_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one"):
        check_files({})
