"""TransformerLens as the notebook trains: HookedTransformer, its loss function, AdamW, clipping."""
import os

import torch
import transformer_lens
from transformer_lens import HookedTransformer, HookedTransformerConfig

import common


class Peer:
    versions = {"transformer-lens": getattr(transformer_lens, "__version__", "2.4.0"),
                "torch": torch.__version__}

    def __init__(self, variant, settings, weights):
        assert variant == "notebook", variant
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self.settings = settings
        self.model = HookedTransformer(HookedTransformerConfig(
            n_layers=settings["n_layers"], d_model=settings["d_model"],
            d_head=settings["d_head"], n_heads=settings["n_heads"], d_mlp=None,
            d_vocab=settings["d_vocab"], n_ctx=settings["n_ctx"],
            act_fn="solu", attn_only=True, device="cpu"))
        missing = self.model.load_state_dict(
            {name: torch.from_numpy(value) for name, value in weights.items()}, strict=False)
        assert not missing.unexpected_keys, missing.unexpected_keys
        parameters = {name for name, _ in self.model.named_parameters()}
        assert parameters == set(weights), parameters ^ set(weights)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings["lr"],
            betas=(settings["beta1"], settings["beta2"]), eps=settings["optimizer_eps"],
            weight_decay=settings["weight_decay"])

    def loss(self, tokens):
        """The notebook's loss_fn; its start_pos is the position before the first scored token."""
        start_pos = self.settings["first_scored"] - 1
        logits = self.model(tokens)[:, start_pos:-1]
        log_probs = logits.log_softmax(-1)
        return -log_probs.gather(-1, tokens[:, start_pos + 1:, None])[..., 0].mean()

    def step(self, tokens):
        loss = self.loss(torch.from_numpy(tokens).long())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings["max_grad_norm"])
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item()


if __name__ == "__main__":
    common.main(Peer)
