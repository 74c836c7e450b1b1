"""Kills the real process at chosen and random moments, and compares the result with an undisturbed run."""
