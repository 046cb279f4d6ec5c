"""All accounts at once."""
