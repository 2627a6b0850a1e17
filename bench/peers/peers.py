"""Who is compared: a row of the table each, in its order."""
from dataclasses import dataclass


@dataclass
class Peer:
    label: str
    module: str = ""     # "" is Clearhead
    variant: str = ""
    venv: str = ""


PEERS = {
    "clearhead": Peer("**Clearhead**", variant="fused"),
    "clearhead-general": Peer("Clearhead, general path", variant="general"),
    "jax-loop": Peer("JAX, jitted loop", "peer_jax", "loop", ".venv-jax"),
    "jax-step": Peer("JAX, jitted step", "peer_jax", "step", ".venv-jax"),
    "torch-compile-fused": Peer("PyTorch, compile, fused attention", "peer_torch", "compile-fused",
                                ".venv-torch"),
    "torch-compile": Peer("PyTorch, compile", "peer_torch", "compile", ".venv-torch"),
    "torch-fused": Peer("PyTorch, fused attention", "peer_torch", "fused", ".venv-torch"),
    "torch-eager": Peer("PyTorch, eager", "peer_torch", "eager", ".venv-torch"),
    "transformerlens": Peer("TransformerLens, the notebook", "peer_transformerlens", "notebook",
                            ".venv-torch"),
}
