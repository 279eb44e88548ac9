"""Commands: parse, call a workflow, render."""
