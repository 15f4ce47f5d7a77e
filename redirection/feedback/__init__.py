"""Feedback: how it is given, whom it reaches, and what it changes."""
