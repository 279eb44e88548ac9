"""One verb per file; the only code that uses rooms and storage together."""
