"""Models of several layers, with or without MLP, norms and rotary positions, in plain PyTorch, for models.py.

    eager      scaled_dot_product_attention(is_causal=True), AdamW(fused=True), operation by operation
    compile    torch.compile of the loss, otherwise the same
"""
import os

import torch
from torch import nn
from torch.nn import functional as F

import common

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "silu": F.silu}


class Rotary(nn.Module):
    """Queries and keys turned by their positions; pairs are (i, i + d_head / 2)."""

    def __init__(self, settings):
        super().__init__()
        assert settings["rotary_dim"] == settings["d_head"] and not settings["rotary_adjacent_pairs"]
        pairs = settings["d_head"] // 2
        slow = settings["rotary_base"] ** (torch.arange(pairs, dtype=torch.float64) / pairs)
        angle = torch.arange(settings["n_ctx"], dtype=torch.float64)[:, None] / slow
        self.register_buffer("cosine", angle.cos().float())
        self.register_buffer("sine", angle.sin().float())

    def forward(self, x):
        """[..., position, d_head]"""
        a, b = x.chunk(2, -1)
        cosine, sine = self.cosine[:x.shape[-2]], self.sine[:x.shape[-2]]
        return torch.cat((a * cosine - b * sine, b * cosine + a * sine), -1)


class Block(nn.Module):
    """A norm or none, attention with one product for q, k and v; a norm and MLP where there is one.

    A gated MLP has one product for its gate and what is gated."""

    def __init__(self, settings, w, layer):
        super().__init__()
        prefix = f"blocks.{layer}."
        d, self.heads, self.d_head = (settings[k] for k in ("d_model", "n_heads", "d_head"))
        inner = self.heads * self.d_head
        self.scale, self.mlp = 1 / settings["attn_scale"], not settings["attn_only"]
        self.gated, self.act = settings["gated_mlp"], ACTIVATIONS.get(settings["act_fn"])
        self.rotary = (Rotary(settings) if settings["positional_embedding_type"] == "rotary"
                       else None)
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
            up, b_in = w[prefix + "mlp.W_in"], w[prefix + "mlp.b_in"]
            if self.gated:
                self.up = linear_of(torch.cat((w[prefix + "mlp.W_gate"], up), 1))
                self.b_in = nn.Parameter(b_in.clone())
            else:
                self.up = linear_of(up, b_in)
            self.down = linear_of(w[prefix + "mlp.W_out"], w[prefix + "mlp.b_out"])

    def read(self, x):
        """hook_post of the MLP"""
        if not self.gated:
            return self.act(self.up(x))
        gate, up = self.up(x).chunk(2, -1)
        return self.act(gate) * up + self.b_in

    def forward(self, x):
        batch, length, _ = x.shape
        qkv = (self.qkv(self.ln1(x)).view(batch, length, 3, self.heads, self.d_head)
               .permute(2, 0, 3, 1, 4))
        q, k, v = (*self.rotary(qkv[:2]), qkv[2]) if self.rotary else qkv
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=self.scale)
        x = x + self.out(z.transpose(1, 2).reshape(batch, length, -1))
        return x + self.down(self.read(self.ln2(x))) if self.mlp else x


def linear_of(weight, bias=None):
    linear = nn.Linear(*weight.shape, bias=bias is not None)
    with torch.no_grad():
        linear.weight.copy_(weight.T)
        if bias is not None:
            linear.bias.copy_(bias)
    return linear


def norm_of(w, name, settings):
    if settings["normalization_type"] is None:
        return nn.Identity()
    kind = {"LN": nn.LayerNorm, "RMS": nn.RMSNorm}[settings["normalization_type"]]
    norm = kind(settings["d_model"], eps=settings["eps"])
    with torch.no_grad():
        norm.weight.copy_(w[name + ".w"])
        if name + ".b" in w:
            norm.bias.copy_(w[name + ".b"])
    return norm


class Model(nn.Module):
    def __init__(self, settings, weights):
        super().__init__()
        w = {name: torch.from_numpy(value) for name, value in weights.items()}
        self.first = settings["first_scored"]
        self.embed = nn.Embedding.from_pretrained(w["embed.W_E"].clone(), freeze=False)
        kind = settings["positional_embedding_type"]
        assert kind in ("standard", "rotary"), kind
        self.pos_embed = (nn.Parameter(w["pos_embed.W_pos"].clone()) if kind == "standard" else None)
        self.blocks = nn.Sequential(*(Block(settings, w, layer)
                                      for layer in range(settings["n_layers"])))
        self.ln_final = norm_of(w, "ln_final", settings)
        self.unembed = linear_of(w["unembed.W_U"], w["unembed.b_U"])

    def forward(self, tokens):
        """Mean cross-entropy of the scored tokens; what is not scored is left out where that is easy."""
        x = self.embed(tokens)
        if self.pos_embed is not None:
            x = x + self.pos_embed[:tokens.shape[1]]
        x = self.blocks(x)
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
