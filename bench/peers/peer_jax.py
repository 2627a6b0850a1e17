"""The notebook's model in JAX, with PyTorch's AdamW and clipping written out.

    step    one jitted step, its buffers given back (donated)
    loop    all steps in one jitted lax.scan: an epoch's full batches, then its short one
"""
from functools import partial

import jax
import jaxlib
import numpy as np
from jax import numpy as jnp

import common


def flat_columns(w):
    """[head, d_model, d_head] as one matrix [d_model, head * d_head]."""
    return w.transpose(1, 0, 2).reshape(w.shape[1], -1)


def forward(w, tokens, s):
    """Mean cross-entropy of the scored tokens; w: parameters, s: settings."""
    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + s["eps"])
        return x * w[name + ".w"] + w[name + ".b"]

    batch, length = tokens.shape
    x = w["embed.W_E"][tokens] + w["pos_embed.W_pos"][:length]
    qkv = (norm(x, "ln1") @ w["W_QKV"] + w["b_QKV"]).reshape(batch, length, 3, s["n_heads"], -1)
    q, k, v = qkv.transpose(2, 0, 3, 1, 4)  # [batch, head, pos, d_head], as products like it best
    scores = q @ k.swapaxes(2, 3) / s["attn_scale"]
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -jnp.inf)
    z = (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(batch, length, -1)
    x = x + z @ w["W_O"] + w["b_O"]
    logits = norm(x, "ln_final") @ w["W_U"] + w["b_U"]
    first = s["first_scored"]
    log_probs = jax.nn.log_softmax(logits[:, first - 1:-1])
    return -jnp.take_along_axis(log_probs, tokens[:, first:, None], -1).mean()


def update(state, tokens, s, forward=forward):
    """One step: gradient, torch.nn.utils.clip_grad_norm_, torch.optim.AdamW."""
    w, m, v, t = state
    loss, g = jax.value_and_grad(forward)(w, tokens, s)
    clip = 1
    if s["max_grad_norm"] > 0:
        total = jnp.sqrt(sum(jnp.vdot(x, x) for x in jax.tree.leaves(g)))
        clip = jnp.minimum(1, s["max_grad_norm"] / (total + 1e-6))
    t = t + 1
    b1, b2, lr = s["beta1"], s["beta2"], s["lr"]
    c1, c2 = 1 - b1 ** t, 1 - b2 ** t
    g = jax.tree.map(lambda g: g * clip, g)
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, g)
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, g)
    w = jax.tree.map(lambda w, m, v: w * (1 - lr * s["weight_decay"])
                     - lr / c1 * m / (jnp.sqrt(v) / jnp.sqrt(c2) + s["optimizer_eps"]), w, m, v)
    return (w, m, v, t), loss


def epochs_of(batches):
    """Arrays [epochs, full batches, batch, length] and [epochs, 1, short batch, length], the second
    empty where no batch is short. Epochs are alike, so that one loop can go over them."""
    full = [len(b) == len(batches[0]) for b in batches]
    if all(full):
        return np.stack(batches)[None], np.zeros((1, 0, 1, batches[0].shape[1]), np.int32)
    size = full.index(False) + 1
    assert len(batches) % size == 0, f"{len(batches)} steps, want a multiple of an epoch's {size}"
    starts = range(0, len(batches), size)
    return (np.stack([np.stack(batches[i:i + size - 1]) for i in starts]),
            np.stack([batches[i + size - 1][None] for i in starts]))


def run_epochs(state, full, short, s):
    def epoch(state, batches):
        state, losses = jax.lax.scan(partial(update, s=s), state, batches[0])
        state, last = jax.lax.scan(partial(update, s=s), state, batches[1])
        return state, jnp.concatenate([losses, last])

    return jax.lax.scan(epoch, state, (full, short))


class Peer:
    versions = {"jax": jax.__version__, "jaxlib": jaxlib.__version__, "numpy": np.__version__}

    def __init__(self, variant, settings, weights):
        assert variant in ("step", "loop"), variant
        keep = ("n_heads", "eps", "attn_scale", "first_scored", "max_grad_norm", "beta1", "beta2",
                "lr", "weight_decay", "optimizer_eps")
        s = {name: settings[name] for name in keep}
        w = {name.replace("blocks.0.", "").replace("attn.", "").replace("unembed.", ""): value
             for name, value in weights.items()}
        w["W_QKV"] = np.concatenate([flat_columns(w.pop("W_" + c)) for c in "QKV"], 1)
        w["b_QKV"] = np.concatenate([w.pop("b_" + c).ravel() for c in "QKV"])
        w["W_O"] = w["W_O"].reshape(-1, settings["d_model"])
        w = jax.tree.map(jnp.asarray, w)
        zeros = jax.tree.map(jnp.zeros_like, w)
        self.state = (w, zeros, jax.tree.map(jnp.copy, zeros), jnp.float32(0))
        self.update = jax.jit(partial(update, s=s), donate_argnums=0)
        if variant == "loop":
            self.together = 24
            self.loop = jax.jit(partial(run_epochs, s=s), donate_argnums=0)
            self.train = self.train_loop

    def step(self, tokens):
        self.state, loss = self.update(self.state, tokens)
        return loss

    def train_loop(self, batches):
        self.state, losses = self.loop(self.state, *epochs_of(batches))
        return np.asarray(losses).ravel()


if __name__ == "__main__":
    common.main(Peer)
