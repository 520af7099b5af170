"""Where models run: what is chosen, what isn't there, and that the quickest of several is taken."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from searchctl import open_encoder
from searchctl.errors import EncoderUnavailable
from searchctl.models.devices import Device, chosen_device, onnx_providers, quickest


class Runtime:
    """Says which providers there are, as onnxruntime does."""

    @staticmethod
    def get_available_providers() -> list[str]:
        return ["CUDAExecutionProvider", "OpenVINOExecutionProvider", "CPUExecutionProvider"]


def test_devices_are_read_from_the_argument_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_device() == Device()
    monkeypatch.setenv("SEARCHCTL_DEVICE", "cuda:1-bf16")
    assert chosen_device() == Device("cuda", 1, True) and str(chosen_device()) == "cuda:1-bf16"
    assert chosen_device("auto") == Device("auto")
    for wrong in ("gpu", "cpu:1", "cuda:", "bf16", "auto:0"):
        with pytest.raises(EncoderUnavailable, match=f"no device '{wrong}'.*cuda:1"):
            chosen_device(wrong)


def test_providers_of_onnxruntime() -> None:
    assert onnx_providers(Runtime, Device(), "it") == [["CPUExecutionProvider"]]
    assert onnx_providers(Runtime, Device("cuda", 1), "it") == [[("CUDAExecutionProvider", {"device_id": 1})]]
    tried = [providers[0] for providers in onnx_providers(Runtime, Device("auto"), "it")]
    assert tried == ["CPUExecutionProvider", ("CUDAExecutionProvider", {"device_id": 0}), "OpenVINOExecutionProvider"]
    with pytest.raises(EncoderUnavailable, match="no cpu-bf16; set SEARCHCTL_DEVICE to: cpu"):
        onnx_providers(Runtime, Device("cpu", bf16=True), "it")


def test_the_quickest_is_taken_and_told_and_one_that_fails_left_out(caplog: pytest.LogCaptureFixture) -> None:
    steps = {"slow": 300_000, "quick": 10}

    def broken() -> str:
        raise RuntimeError("no driver")

    candidates = [("none", broken), ("slow", lambda: "slow"), ("quick", lambda: "quick")]
    with caplog.at_level(logging.INFO, "searchctl"):
        assert quickest(candidates, lambda name: sum(range(steps[name])), "the encoder") == "quick"
    assert "can't run on none: no driver" in caplog.text and "runs on quick, the quickest here" in caplog.text
    with pytest.raises(RuntimeError):
        quickest([("none", broken)], lambda name: None, "the encoder")


def test_the_shipped_encoder_gives_the_same_vectors_by_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["green tea", "зелёный чай"]
    expected = open_encoder().encode_documents(texts)
    monkeypatch.setenv("SEARCHCTL_DEVICE", "auto")
    cosines = (open_encoder().encode_documents(texts) * expected).sum(axis=1)
    assert np.all(cosines > 0.99)
    with pytest.raises(EncoderUnavailable, match="runs on onnxruntime, which has no mps"):
        open_encoder(device="mps").encode_documents(texts)
