"""Sheets, heat maps and drawings that explain an edit."""
