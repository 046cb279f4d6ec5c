"""Moments in and out, without loss."""
