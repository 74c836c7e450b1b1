"""Kills the real process at chosen and random moments: what comes of it must be what comes of one left alone."""
