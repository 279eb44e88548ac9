"""Llama and those who kept its names: Mistral, Qwen2, Qwen3, SmolLM, Mi:dm, Tri."""

from dokja.anatomy.families.shared import EMBEDDING, HEAD, LLAMA_DECODER
from dokja.anatomy.family import Family

FAMILY = Family("llama", (LLAMA_DECODER, EMBEDDING, HEAD), ties_head=True)
