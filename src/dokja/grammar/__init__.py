"""Reading what people write: strict models, every mistake at once as a reason, JSON Schema for editors and forms.

`model` has the base of every model and how one is read, `types` the types of fields, `unknown` the marker for what was
not published, `mistakes` what a mistake is. Import from these; pydantic is loaded with `model`, and not before.
"""
