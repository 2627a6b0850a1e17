"""The notebook's model written in plain PyTorch: one product for q, k and v.

    eager      attention by its formula, operation by operation
    fused      scaled_dot_product_attention(is_causal=True), AdamW(fused=True)
    compile    torch.compile of loss(eager attention), AdamW(fused=True)
    compile-fused   torch.compile of loss(fused attention), AdamW(fused=True)
"""
import os

import torch
from torch import nn
from torch.nn import functional as F

import common


class Model(nn.Module):
    """One layer, attention only, with LayerNorm before attention and before the unembedding."""

    def __init__(self, settings, weights, fused):
        super().__init__()
        w = {name: torch.from_numpy(value) for name, value in weights.items()}
        d_model, self.heads, self.d_head = (settings[k] for k in ("d_model", "n_heads", "d_head"))
        self.scale, self.first, self.fused = 1 / settings["attn_scale"], settings["first_scored"], fused
        inner, attn = self.heads * self.d_head, "blocks.0.attn."
        self.embed = nn.Embedding(settings["d_vocab"], d_model)
        self.pos_embed = nn.Parameter(w["pos_embed.W_pos"].clone())
        self.ln1 = nn.LayerNorm(d_model, eps=settings["eps"])
        self.qkv = nn.Linear(d_model, 3 * inner)
        self.out = nn.Linear(inner, d_model)
        self.ln_final = nn.LayerNorm(d_model, eps=settings["eps"])
        self.unembed = nn.Linear(d_model, settings["d_vocab_out"])
        with torch.no_grad():
            self.embed.weight.copy_(w["embed.W_E"])
            self.qkv.weight.copy_(torch.cat(
                [w[attn + name].transpose(1, 2).reshape(inner, d_model)
                 for name in ("W_Q", "W_K", "W_V")]))
            self.qkv.bias.copy_(torch.cat([w[attn + name].reshape(inner)
                                           for name in ("b_Q", "b_K", "b_V")]))
            self.out.weight.copy_(w[attn + "W_O"].reshape(inner, d_model).T)
            self.out.bias.copy_(w[attn + "b_O"])
            self.unembed.weight.copy_(w["unembed.W_U"].T)
            self.unembed.bias.copy_(w["unembed.b_U"])
            for norm, name in ((self.ln1, "blocks.0.ln1"), (self.ln_final, "ln_final")):
                norm.weight.copy_(w[name + ".w"])
                norm.bias.copy_(w[name + ".b"])
        causal = torch.ones(settings["n_ctx"], settings["n_ctx"], dtype=torch.bool).tril()
        self.register_buffer("causal", causal)

    def attend(self, q, k, v):
        """[batch, head, pos, d_head] each; z of the same shape."""
        if self.fused:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=self.scale)
        length = q.shape[2]
        scores = q @ k.transpose(2, 3) * self.scale
        scores = scores.masked_fill(~self.causal[:length, :length], float("-inf"))
        return scores.softmax(-1) @ v

    def forward(self, tokens):
        """Mean cross-entropy of the scored tokens."""
        batch, length = tokens.shape
        x = self.embed(tokens) + self.pos_embed[:length]
        q, k, v = (self.qkv(self.ln1(x)).view(batch, length, 3, self.heads, self.d_head)
                   .permute(2, 0, 3, 1, 4))
        z = self.attend(q, k, v).transpose(1, 2).reshape(batch, length, -1)
        logits = self.unembed(self.ln_final(x + self.out(z)))[:, self.first - 1:-1]
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, self.first:].flatten())


class Peer:
    versions = {"torch": torch.__version__}

    def __init__(self, variant, settings, weights):
        assert variant in ("eager", "fused", "compile", "compile-fused"), variant
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self.model = Model(settings, weights, fused=variant.endswith("fused"))
        self.loss = torch.compile(self.model) if "compile" in variant else self.model
        self.max_grad_norm = settings["max_grad_norm"]
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings["lr"],
            betas=(settings["beta1"], settings["beta2"]), eps=settings["optimizer_eps"],
            weight_decay=settings["weight_decay"], fused=variant != "eager")

    def step(self, tokens):
        loss = self.loss(torch.from_numpy(tokens).long())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item()


if __name__ == "__main__":
    common.main(Peer)
