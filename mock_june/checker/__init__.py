"""Preflight of files: what June would refuse, where it stands, and why."""
