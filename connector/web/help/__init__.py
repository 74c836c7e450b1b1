"""The guide for users."""
