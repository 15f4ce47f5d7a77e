"""The tables of what is usually written first."""
