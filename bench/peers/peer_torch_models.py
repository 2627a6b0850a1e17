"""Models of several layers, with or without MLP, written in plain PyTorch, for models.py.

    eager      scaled_dot_product_attention(is_causal=True), AdamW(fused=True), operation by operation
    compile    torch.compile of the loss, otherwise the same
"""
import os

import torch
from torch import nn
from torch.nn import functional as F

import common

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "silu": F.silu}


class Block(nn.Module):
    """LayerNorm or none, attention with one product for q, k and v; LayerNorm and MLP where there is one."""

    def __init__(self, settings, w, layer):
        super().__init__()
        prefix = f"blocks.{layer}."
        d, self.heads, self.d_head = (settings[k] for k in ("d_model", "n_heads", "d_head"))
        inner = self.heads * self.d_head
        self.scale, self.mlp = 1 / settings["attn_scale"], not settings["attn_only"]
        self.act = ACTIVATIONS.get(settings["act_fn"])
        self.ln1 = norm_of(w, prefix + "ln1", settings)
        self.qkv, self.out = nn.Linear(d, 3 * inner), nn.Linear(inner, d)
        with torch.no_grad():
            self.qkv.weight.copy_(torch.cat(
                [w[f"{prefix}attn.{name}"].transpose(1, 2).reshape(inner, d)
                 for name in ("W_Q", "W_K", "W_V")]))
            self.qkv.bias.copy_(torch.cat([w[f"{prefix}attn.{name}"].reshape(inner)
                                           for name in ("b_Q", "b_K", "b_V")]))
            self.out.weight.copy_(w[prefix + "attn.W_O"].reshape(inner, d).T)
            self.out.bias.copy_(w[prefix + "attn.b_O"])
        if self.mlp:
            assert self.act, settings["act_fn"]
            self.ln2 = norm_of(w, prefix + "ln2", settings)
            self.up = linear_of(w, prefix + "mlp.W_in", prefix + "mlp.b_in")
            self.down = linear_of(w, prefix + "mlp.W_out", prefix + "mlp.b_out")

    def forward(self, x):
        batch, length, _ = x.shape
        q, k, v = (self.qkv(self.ln1(x)).view(batch, length, 3, self.heads, self.d_head)
                   .permute(2, 0, 3, 1, 4))
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=self.scale)
        x = x + self.out(z.transpose(1, 2).reshape(batch, length, -1))
        return x + self.down(self.act(self.up(self.ln2(x)))) if self.mlp else x


def linear_of(w, weight, bias):
    linear = nn.Linear(*w[weight].shape)
    with torch.no_grad():
        linear.weight.copy_(w[weight].T)
        linear.bias.copy_(w[bias])
    return linear


def norm_of(w, name, settings):
    if settings["normalization_type"] is None:
        return nn.Identity()
    assert settings["normalization_type"] == "LN", settings["normalization_type"]
    norm = nn.LayerNorm(settings["d_model"], eps=settings["eps"])
    with torch.no_grad():
        norm.weight.copy_(w[name + ".w"])
        norm.bias.copy_(w[name + ".b"])
    return norm


class Model(nn.Module):
    def __init__(self, settings, weights):
        super().__init__()
        w = {name: torch.from_numpy(value) for name, value in weights.items()}
        self.first = settings["first_scored"]
        self.embed = nn.Embedding.from_pretrained(w["embed.W_E"].clone(), freeze=False)
        self.pos_embed = nn.Parameter(w["pos_embed.W_pos"].clone())
        self.blocks = nn.Sequential(*(Block(settings, w, layer)
                                      for layer in range(settings["n_layers"])))
        self.ln_final = norm_of(w, "ln_final", settings)
        self.unembed = linear_of(w, "unembed.W_U", "unembed.b_U")

    def forward(self, tokens):
        """Mean cross-entropy of the scored tokens; what is not scored is left out where that is easy."""
        x = self.blocks(self.embed(tokens) + self.pos_embed[:tokens.shape[1]])
        logits = self.unembed(self.ln_final(x[:, self.first - 1:-1]))
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, self.first:].flatten())


class Peer:
    versions = {"torch": torch.__version__}

    def __init__(self, variant, settings, weights):
        assert variant in ("eager", "compile"), variant
        assert settings["schedule"] == "constant", settings["schedule"]
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self.model = Model(settings, weights)
        self.loss = torch.compile(self.model) if variant == "compile" else self.model
        self.max_grad_norm = settings["max_grad_norm"]
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings["lr"],
            betas=(settings["beta1"], settings["beta2"]), eps=settings["optimizer_eps"],
            weight_decay=settings["weight_decay"], fused=True)

    def step(self, tokens):
        loss = self.loss(torch.from_numpy(tokens).long())
        loss.backward()
        if self.max_grad_norm > 0:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item()


if __name__ == "__main__":
    common.main(Peer)
