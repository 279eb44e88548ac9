"""The roles a tensor can play, and the axes each role has. Every family file speaks in these words."""

from __future__ import annotations

from dokja.anatomy.part import Axis

_INTO_RESIDUAL = (Axis.RESIDUAL, Axis.MLP_UNIT)
_FROM_RESIDUAL = (Axis.MLP_UNIT, Axis.RESIDUAL)

AXES: dict[str, tuple[Axis, ...]] = {
    "token_embedding": (Axis.TOKEN, Axis.RESIDUAL),
    "lm_head": (Axis.TOKEN, Axis.RESIDUAL),
    "position_embedding": (Axis.POSITION, Axis.RESIDUAL),
    "token_type_embedding": (Axis.CLASS, Axis.RESIDUAL),
    "patch_embedding": (Axis.RESIDUAL, Axis.PIXEL),
    "class_token": (Axis.RESIDUAL,),
    "layer_scale": (Axis.RESIDUAL,),
    "norm.attention": (Axis.RESIDUAL,),
    "norm.attention_post": (Axis.RESIDUAL,),
    "norm.mlp": (Axis.RESIDUAL,),
    "norm.mlp_post": (Axis.RESIDUAL,),
    "norm.embedding": (Axis.RESIDUAL,),
    "norm.final": (Axis.RESIDUAL,),
    "norm.query": (Axis.HEAD_DIM,),
    "norm.key": (Axis.HEAD_DIM,),
    "norm.input": (Axis.INPUT,),
    "attention.query": (Axis.QUERY, Axis.RESIDUAL),
    "attention.key": (Axis.KEY_VALUE, Axis.RESIDUAL),
    "attention.value": (Axis.KEY_VALUE, Axis.RESIDUAL),
    "attention.output": (Axis.RESIDUAL, Axis.VALUE_OUT),
    "mlp.gate": _FROM_RESIDUAL,
    "mlp.up": _FROM_RESIDUAL,
    "mlp.down": _INTO_RESIDUAL,
    "router": (Axis.EXPERT, Axis.RESIDUAL),
    "router.correction": (Axis.EXPERT,),
    "pooler": (Axis.OTHER, Axis.RESIDUAL),
    "head_transform": (Axis.LATENT, Axis.RESIDUAL),
    "head_norm": (Axis.LATENT,),
    "token_bias": (Axis.TOKEN,),
    # A projector reads another component's stream (INPUT) and writes the language model's (RESIDUAL).
    "projector.up": (Axis.MLP_UNIT, Axis.INPUT),
    "projector.down": _INTO_RESIDUAL,
    "projector.merge": (Axis.LATENT, Axis.MLP_UNIT),
    "projector.linear": (Axis.RESIDUAL, Axis.LATENT),
    # Attention pooling writes a stream of its own (LATENT), read by no layer.
    "pooling.probe": (Axis.LATENT,),
    "pooling.query": (Axis.OTHER, Axis.LATENT),
    "pooling.key": (Axis.OTHER, Axis.RESIDUAL),
    "pooling.value": (Axis.OTHER, Axis.RESIDUAL),
    "pooling.output": (Axis.LATENT, Axis.OTHER),
    "pooling.norm": (Axis.LATENT,),
    "pooling.up": (Axis.OTHER, Axis.LATENT),
    "pooling.down": (Axis.LATENT, Axis.OTHER),
}

# Parts that a re-labelling moves but no test may look at: hardly trained, structured, or set by hand.
EXCLUDED_FROM_TESTS = frozenset({"class_token", "layer_scale", "router.correction", "position_embedding"})


def axes_of(role: str) -> tuple[Axis, ...]:
    """Return the canonical axes of a role; a bias has its weight's output axis.

    Raises:
        KeyError: No family may use a role that is not in the table.
    """
    if role.endswith(".bias"):
        return AXES[role.removesuffix(".bias")][:1]
    return AXES[role]
