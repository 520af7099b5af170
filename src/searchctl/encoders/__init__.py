"""Encoders: models that turn texts into vectors, opened by name so that they swap by one word."""

from searchctl.encoders.opening import DEFAULT_ENCODER, encoder_folder, is_own_encoder, open_encoder, open_stamped

__all__ = ["DEFAULT_ENCODER", "encoder_folder", "is_own_encoder", "open_encoder", "open_stamped"]
