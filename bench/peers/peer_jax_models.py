"""Models of several layers, with or without MLP, norms and rotary positions, in JAX, for models.py.

    step    one jitted step, its buffers given back (donated)
"""
from functools import partial

import jax
import jaxlib
import numpy as np
from jax import numpy as jnp

import common
from peer_jax import flat_columns, update

ACTIVATIONS = {"relu": jax.nn.relu, "gelu": partial(jax.nn.gelu, approximate=False),
               "silu": jax.nn.silu}


def norm(x, w, name, s):
    """As the settings say; no norm is none in the layer."""
    if s["normalization_type"] is None:
        return x
    if s["normalization_type"] == "LN":
        x = x - x.mean(-1, keepdims=True)
    x = x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + s["eps"]) * w[name + ".w"]
    return x + w[name + ".b"] if s["normalization_type"] == "LN" else x


def turn(x, s):
    """Rotary positions: [..., position, d_head], pairs (i, i + d_head / 2)."""
    pairs = x.shape[-1] // 2
    angle = np.arange(x.shape[-2])[:, None] / s["rotary_base"] ** (np.arange(pairs) / pairs)
    cosine, sine = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    a, b = x[..., :pairs], x[..., pairs:]
    return jnp.concatenate((a * cosine - b * sine, b * cosine + a * sine), -1)


def attend(x, w, s):
    """One product for q, k and v."""
    batch, length, _ = x.shape
    qkv = (x @ w["W_QKV"] + w["b_QKV"]).reshape(batch, length, 3, s["n_heads"], -1)
    q, k, v = qkv.transpose(2, 0, 3, 1, 4)  # [batch, head, pos, d_head], as products like it best
    if s["positional_embedding_type"] == "rotary":
        q, k = turn(q, s), turn(k, s)
    scores = q @ k.swapaxes(2, 3) / s["attn_scale"]
    scores = jnp.where(np.tril(np.ones((length, length), bool)), scores, -jnp.inf)
    z = (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(batch, length, -1)
    return z @ w["W_O"] + w["b_O"]


def mlp(x, w, s):
    """A gated one has one product for its gate and what is gated."""
    act = ACTIVATIONS[s["act_fn"]]
    if s["gated_mlp"]:
        gate, up = jnp.split(x @ w["mlp.W_in"], 2, -1)
        post = act(gate) * up + w["mlp.b_in"]
    else:
        post = act(x @ w["mlp.W_in"] + w["mlp.b_in"])
    return post @ w["mlp.W_out"] + w["mlp.b_out"]


def forward(w, tokens, s):
    """Mean cross-entropy of the scored tokens; w: parameters, s: settings."""
    x = w["embed.W_E"][tokens]
    if s["positional_embedding_type"] == "standard":
        x = x + w["pos_embed.W_pos"][:tokens.shape[1]]
    for layer in w["blocks"]:
        x = x + attend(norm(x, layer, "ln1", s), layer, s)
        if not s["attn_only"]:
            x = x + mlp(norm(x, layer, "ln2", s), layer, s)
    first = s["first_scored"]
    logits = norm(x[:, first - 1:-1], w, "ln_final", s) @ w["unembed.W_U"] + w["unembed.b_U"]
    log_probs = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(log_probs, tokens[:, first:, None], -1).mean()


def layer_of(weights, prefix, s):
    """The layer's weights under their names without it, matrices as products take them."""
    w = {name.removeprefix(prefix).replace("attn.", ""): value
         for name, value in weights.items() if name.startswith(prefix)}
    w["W_QKV"] = np.concatenate([flat_columns(w.pop("W_" + c)) for c in "QKV"], 1)
    w["b_QKV"] = np.concatenate([w.pop("b_" + c).ravel() for c in "QKV"])
    w["W_O"] = w["W_O"].reshape(-1, s["d_model"])
    if s["gated_mlp"]:
        w["mlp.W_in"] = np.concatenate((w.pop("mlp.W_gate"), w["mlp.W_in"]), 1)
    return w


class Peer:
    versions = {"jax": jax.__version__, "jaxlib": jaxlib.__version__, "numpy": np.__version__}

    def __init__(self, variant, settings, weights):
        assert variant == "step", variant
        s = dict(settings)
        assert s["schedule"] == "constant", s["schedule"]
        assert s["positional_embedding_type"] in ("standard", "rotary")
        assert s["normalization_type"] in (None, "LN", "RMS"), s["normalization_type"]
        assert s["rotary_dim"] == s["d_head"] and not s["rotary_adjacent_pairs"]
        w = {name: value for name, value in weights.items() if not name.startswith("blocks.")}
        w["blocks"] = [layer_of(weights, f"blocks.{layer}.", s) for layer in range(s["n_layers"])]
        w = jax.tree.map(jnp.asarray, w)
        zeros = jax.tree.map(jnp.zeros_like, w)
        self.state = (w, zeros, jax.tree.map(jnp.copy, zeros), jnp.float32(0))
        self.update = jax.jit(partial(update, s=s, forward=forward), donate_argnums=0)

    def step(self, tokens):
        self.state, loss = self.update(self.state, tokens)
        return loss


if __name__ == "__main__":
    common.main(Peer)
