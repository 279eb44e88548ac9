"""Reading what people write: strict models, every mistake at once as a reason, JSON Schema for editors and forms.

`model` has the base of every model, how one is read and how one is changed; `types` the types of fields; `unknown` the
marker for what was not published, and fields that may be left out; `mistakes` what a mistake is. `explain` turns
pydantic's report into mistakes by way of `places`; `json_schema` writes the schema. pydantic is loaded with any of them
but `mistakes`, and not before.
"""
