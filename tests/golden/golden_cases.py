"""The table of golden cases: what each one is there to catch.

A case is a name and what differs from SMALL: an odd-sized model with an MLP, so that no two sizes
are equal and a swapped dimension shows; or from TINY, for what shows in a few numbers. `steps` adds 20 optimizer steps; `edits` names hooks at
which a stored tensor is added in flight; `without` names hooks that TransformerLens has and we have
not, which the file leaves out, `absent` those that are no hook points of ours at all; `tied` makes W_U the transpose of W_E. `version` is the TransformerLens
that computes it: 2.4.0, but 3.9.0 for the cases "today_...", whose hook_normalized lies elsewhere.
"""
from dataclasses import dataclass, field, replace

SMALL = dict(n_layers=1, n_heads=2, d_model=12, d_head=5, d_mlp=17, n_ctx=11, d_vocab=13,
             act_fn="gelu", normalization_type="LN")
TINY = dict(n_layers=1, n_heads=2, d_model=7, d_head=6, d_mlp=9, n_ctx=8, d_vocab=11,
            act_fn="gelu", normalization_type="LN")
NOTEBOOK = dict(n_layers=1, n_heads=1, d_model=128, d_head=64, d_mlp=None, n_ctx=122, d_vocab=65,
                act_fn="solu", attn_only=True)
MLP_2X2 = dict(n_layers=2, n_heads=2, d_model=24, d_head=7, d_mlp=37, n_ctx=26, d_vocab=65,
               act_fn="gelu")


@dataclass
class Case:
    """`letters`: sequences of the permutation task over that many letters; 0: random tokens."""
    name: str
    config: dict
    letters: int = 0
    batch: int = 2
    pos: int = 9
    first_scored: int = 3
    steps: bool = False
    edits: list = field(default_factory=list)
    without: tuple = ()
    tied: bool = False
    absent: tuple = ()
    version: str = "2.4.0"


def small(name, steps=False, edits=(), **changes):
    return Case(name, {**SMALL, **changes}, steps=steps, edits=list(edits))


def tiny(name, steps=False, edits=(), without=(), tied=False, **changes):
    return Case(name, {**TINY, **changes}, pos=6, first_scored=2, steps=steps, edits=list(edits),
                without=without, tied=tied)


def today(name, **changes):
    """3.x has two hook points more, unembed.hook_in and hook_out: what is there is ln_final's and logits."""
    return replace(tiny(name, **changes), version="3.9.0", absent=("hook_in", "hook_out"))


def rotary(name, **changes):
    """Some numbers of a head stay."""
    return tiny(name, **{**dict(rotary_dim=4, positional_embedding_type="rotary"), **changes})


CASES = [
    Case("notebook_n3", NOTEBOOK, letters=3, pos=26, first_scored=5, steps=True),
    Case("notebook_n4", NOTEBOOK, letters=4, pos=122, first_scored=6, batch=1, steps=True),
    Case("mlp_2x2", MLP_2X2, letters=3, pos=26, first_scored=5, steps=True),

    small("norm_none", normalization_type=None, steps=True),
    small("norm_ln", steps=True),
    small("norm_lnpre", normalization_type="LNPre", steps=True),
    small("norm_rms", normalization_type="RMS", steps=True),
    small("norm_rmspre", normalization_type="RMSPre", steps=True),
    small("eps", eps=0.05),

    small("act_relu", act_fn="relu"),
    small("act_gelu_new", act_fn="gelu_new"),
    small("act_gelu_fast", act_fn="gelu_fast"),
    small("act_silu", act_fn="silu"),
    small("act_solu", act_fn="solu"),
    small("act_solu_ln", act_fn="solu_ln", n_layers=2),
    small("act_solu_ln_lnpre", act_fn="solu_ln", normalization_type="LNPre"),
    small("act_solu_ln_rms", act_fn="solu_ln", normalization_type="RMS"),
    small("act_solu_ln_none", act_fn="solu_ln", normalization_type=None),

    small("attn_only_2x3", n_layers=2, n_heads=3, attn_only=True, d_mlp=None),
    small("attn_scale_off", use_attn_scale=False),
    small("attn_scale_3", attn_scale=3.0),
    small("d_vocab_out_more", d_vocab_out=19),
    small("d_vocab_out_fewer", d_vocab_out=7),
    small("initializer_range", initializer_range=0.7),

    small("use_attn_result", use_attn_result=True),
    small("use_attn_in", use_attn_in=True),
    small("use_split_qkv_input", use_split_qkv_input=True),
    small("use_hook_mlp_in", use_hook_mlp_in=True),
    small("use_hook_tokens", use_hook_tokens=True),
    small("use_all", n_layers=2, use_attn_result=True, use_attn_in=True, use_split_qkv_input=True,
          use_hook_mlp_in=True, use_hook_tokens=True),

    small("edit", edits=[
        "hook_embed", "hook_pos_embed", "blocks.0.hook_resid_pre", "blocks.0.ln1.hook_scale",
        "blocks.0.ln1.hook_normalized", "blocks.0.attn.hook_q", "blocks.0.attn.hook_k",
        "blocks.0.attn.hook_v", "blocks.0.attn.hook_attn_scores", "blocks.0.attn.hook_pattern",
        "blocks.0.attn.hook_z", "blocks.0.hook_attn_out", "blocks.0.hook_resid_mid",
        "blocks.0.ln2.hook_scale", "blocks.0.ln2.hook_normalized", "blocks.0.mlp.hook_pre",
        "blocks.0.mlp.hook_post", "blocks.0.hook_mlp_out", "blocks.0.hook_resid_post",
        "ln_final.hook_scale", "ln_final.hook_normalized"]),
    small("edit_rms_solu_ln", normalization_type="RMS", act_fn="solu_ln", edits=[
        "blocks.0.ln1.hook_normalized", "blocks.0.mlp.hook_mid", "blocks.0.mlp.ln.hook_scale",
        "blocks.0.mlp.ln.hook_normalized", "ln_final.hook_scale"]),
    small("edit_attn_in", use_attn_in=True, use_attn_result=True, use_hook_mlp_in=True, edits=[
        "blocks.0.hook_attn_in", "blocks.0.attn.hook_result", "blocks.0.hook_mlp_in"]),
    small("edit_split_qkv", use_split_qkv_input=True, use_attn_in=True, edits=[
        "blocks.0.hook_attn_in", "blocks.0.hook_q_input", "blocks.0.hook_k_input",
        "blocks.0.hook_v_input"]),

    rotary("rotary", n_layers=2, steps=True),
    rotary("rotary_whole_adjacent", rotary_dim=6, rotary_adjacent_pairs=True, rotary_base=100),
    rotary("rotary_split_none", use_split_qkv_input=True, normalization_type=None),
    rotary("edit_rotary", edits=["blocks.0.attn.hook_rot_q", "blocks.0.attn.hook_rot_k"]),
    tiny("shortformer", n_layers=2, positional_embedding_type="shortformer"),
    tiny("shortformer_attn_in_rms", use_attn_in=True, normalization_type="RMS",
          positional_embedding_type="shortformer"),
    tiny("shortformer_split_none", use_split_qkv_input=True, normalization_type=None,
          positional_embedding_type="shortformer"),
    tiny("edit_shortformer", positional_embedding_type="shortformer", edits=["hook_pos_embed"]),
    tiny("alibi", n_layers=2, n_heads=3, positional_embedding_type="alibi"),
    tiny("no_positions", positional_embedding_type="rotary", rotary_dim=0,
          without=("hook_rot_q", "hook_rot_k")),

    tiny("gated", gated_mlp=True),
    tiny("gated_silu_rms", gated_mlp=True, act_fn="silu", normalization_type="RMS",
         use_hook_mlp_in=True),
    tiny("edit_gated", gated_mlp=True, edits=["blocks.0.mlp.hook_pre",
                                              "blocks.0.mlp.hook_pre_linear"]),
    tiny("parallel", n_layers=2, parallel_attn_mlp=True),
    tiny("parallel_none", parallel_attn_mlp=True, normalization_type=None, use_hook_mlp_in=True),
    rotary("parallel_gated_rotary", parallel_attn_mlp=True, gated_mlp=True, steps=True),
    tiny("bidirectional", n_layers=2, attention_dir="bidirectional"),
    tiny("bidirectional_alibi", attention_dir="bidirectional", positional_embedding_type="alibi"),
    tiny("tied", tied=True),
    tiny("final_rms", final_rms=True),
    tiny("final_rms_lnpre", final_rms=True, normalization_type="LNPre"),
    tiny("no_layers", n_layers=0),

    today("today_ln", n_layers=2, steps=True),
    today("today_solu_ln", act_fn="solu_ln"),
    today("today_rms", normalization_type="RMS"),
    today("today_final_rms", final_rms=True),
    today("today_attn_in", use_attn_in=True, use_hook_mlp_in=True),
    today("today_split_qkv", use_split_qkv_input=True, use_attn_result=True, use_hook_tokens=True),
    today("today_parallel_rotary", parallel_attn_mlp=True, gated_mlp=True, rotary_dim=4,
          positional_embedding_type="rotary"),
    today("edit_today", act_fn="solu_ln", edits=[
        "blocks.0.ln1.hook_scale", "blocks.0.ln1.hook_normalized",
        "blocks.0.ln2.hook_normalized", "blocks.0.mlp.ln.hook_normalized",
        "ln_final.hook_scale", "ln_final.hook_normalized"]),
    tiny("no_layers_none_rotary", n_layers=0, normalization_type=None,
         positional_embedding_type="rotary"),
]
