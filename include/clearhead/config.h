/** Everything that decides a run, in three structs: the model, the training, and the run that joins
 *  them with a task. Plain values, no pointers into elsewhere but names; copy them freely.
 *
 *    clh_model_config model = clh_model_config_default();
 *    model.n_ctx = 122;
 *    model.d_vocab = 65;
 *    if (clh_model_config_check(&model, &err)) ...
 *
 *  What follows from other fields may be 0, and then does when a model, a cache or a run is opened:
 *  d_vocab_out, attn_scale, initializer_range, rotary_dim and rotary_base.
 */
#ifndef CLEARHEAD_CONFIG_H
#define CLEARHEAD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clearhead/api.h"
#include "clearhead/error.h"
#include "clearhead/task.h"

CLH_BEGIN_DECLS

/** Activation of the MLP, by TransformerLens' names (src/model/description/activations.def is the one table).
 */
typedef enum clh_act_fn {
    CLH_ACT_RELU = 0,
    CLH_ACT_GELU = 1,
    CLH_ACT_GELU_NEW = 2,
    CLH_ACT_GELU_FAST = 3,
    CLH_ACT_SILU = 4,
    CLH_ACT_SOLU = 5,
    CLH_ACT_SOLU_LN = 6,
} clh_act_fn;

/** Normalization, by TransformerLens' names; the Pre kinds have no parameters. */
typedef enum clh_normalization {
    CLH_NORM_NONE = 0,
    CLH_NORM_LN = 1,
    CLH_NORM_LNPRE = 2,
    CLH_NORM_RMS = 3,
    CLH_NORM_RMSPRE = 4,
} clh_normalization;

/** How a model knows where a token stands, by TransformerLens' names but NONE, which it has no name
 *  for (there: rotary over 0 numbers). */
typedef enum clh_positions {
    CLH_POSITIONS_STANDARD = 0, /**< W_pos added to the residual stream */
    CLH_POSITIONS_ROTARY = 1,   /**< queries and keys turned by an angle that grows with it */
    CLH_POSITIONS_SHORTFORMER =
        2,                   /**< W_pos added to what queries and keys read, behind the norm */
    CLH_POSITIONS_ALIBI = 3, /**< scores lessened in proportion to the distance */
    CLH_POSITIONS_NONE = 4,
} clh_positions;

/** Which keys a query sees. */
typedef enum clh_attention_dir {
    CLH_ATTENTION_CAUSAL = 0, /**< those at and before it */
    CLH_ATTENTION_BIDIRECTIONAL = 1,
} clh_attention_dir;

/** How W_* are drawn, by TransformerLens' names; "gpt2" takes initializer_range for std, the next four
 *  for a gain (docs/mathematics.md). */
typedef enum clh_init_mode {
    CLH_INIT_GPT2 = 0,
    CLH_INIT_XAVIER_UNIFORM = 1,
    CLH_INIT_XAVIER_NORMAL = 2,
    CLH_INIT_KAIMING_UNIFORM = 3,
    CLH_INIT_KAIMING_NORMAL = 4,
    CLH_INIT_MUP = 5,
} clh_init_mode;

/** Where hook_normalized of an LN norm lies: TransformerLens moved it in 3.0. What the model computes is
 *  the same, bit for bit; the hook shows, and an edit there changes, another number. */
typedef enum clh_tl_version {
    CLH_TL_2_4 = 0, /**< behind w and b: the norm's output (1.0 to 2.18) */
    CLH_TL_3_0 = 1, /**< before w and b, as of RMS (3.0 and later) */
} clh_tl_version;

/** HookedTransformerConfig, as far as it has an effect here; same names, same meaning. */
typedef struct clh_model_config {
    size_t n_layers, n_heads, d_model, d_head, d_mlp, n_ctx, d_vocab;
    size_t d_vocab_out; /**< 0: d_vocab */
    bool attn_only;
    clh_act_fn act_fn;
    clh_normalization normalization_type;
    double eps;          /**< inside the square root of the norms */
    bool use_attn_scale; /**< false: scores are not divided */
    double attn_scale;   /**< scores are divided by it; 0: sqrt(d_head) */
    clh_init_mode init_mode;
    double initializer_range; /**< std of W_*, or its gain; 0: 0.8 / sqrt(d_model), of a gain 1 */
    clh_positions positional_embedding_type;
    size_t rotary_dim;  /**< numbers of a head that are turned, even; 0: d_head */
    double rotary_base; /**< the slowest turn is once in about 2 pi of it; 0: 10000 */
    bool
        rotary_adjacent_pairs; /**< numbers 2i and 2i + 1 make a pair, not i and i + rotary_dim / 2 */
    clh_attention_dir attention_dir;
    bool gated_mlp;            /**< act(x W_gate) (x W_in) + b_in behind the MLP's input */
    bool parallel_attn_mlp;    /**< the MLP reads what attention reads, not what it leaves */
    bool tie_word_embeddings;  /**< W_U is W_E turned over: one parameter, clh_model_tie() */
    bool final_rms;            /**< of LN and LNPre: ln_final is the RMS kind */
    clh_tl_version tl_version; /**< whose hook_normalized; of LN only */
    bool use_attn_result, use_attn_in, use_split_qkv_input, use_hook_mlp_in, use_hook_tokens;
} clh_model_config;

typedef enum clh_optimizer { CLH_ADAMW = 0, CLH_ADAM = 1, CLH_SGD = 2 } clh_optimizer;

typedef enum clh_schedule {
    CLH_SCHEDULE_CONSTANT = 0,
    CLH_SCHEDULE_WARMUP = 1,
    CLH_SCHEDULE_COSINE = 2
} clh_schedule;

/** How weights change; PyTorch's names and semantics. */
typedef struct clh_train_config {
    clh_optimizer optimizer;
    double lr, beta1, beta2, eps, weight_decay, momentum;
    double max_grad_norm; /**< clip_grad_norm_; 0: no clipping */
    clh_schedule schedule;
    size_t warmup_steps;
    double min_lr;          /**< where the cosine ends */
    size_t batch;           /**< sequences a step */
    size_t epoch_sequences; /**< sequences an epoch; the last batch of one may be smaller */
    size_t epochs, steps;   /**< steps is what counts: optimizer steps in all */
    size_t test_sequences;  /**< held-out sequences an evaluation looks at */
    size_t eval_every; /**< steps between evaluations, and at 0 and the end; 0: at the end only */
    size_t checkpoint_every; /**< steps between checkpoints; 0: only the log-spaced ones */
    bool checkpoint_log;     /**< also at 0, 1, 2, 4, 8, … */
} clh_train_config;

enum { CLH_PATH_MAX = 1024 };

/** A whole run. */
typedef struct clh_run_config {
    char task[32];
    clh_task_settings settings; /**< of the task, and of the others */
    size_t first_scored;
    uint64_t seed;
    clh_model_config model;
    clh_train_config train;
    size_t threads;           /**< does not change a byte of the result */
    char vocab[CLH_PATH_MAX]; /**< what token ids stand for, of data that is ids; empty: nothing */
    char vocab_sha256[65];    /**< of that file; empty: there is none, or it is not read yet */
    bool vocab_json;          /**< it is JSON, else a symbol a line */
    char init[CLH_PATH_MAX];  /**< weights to start from; empty: drawn from seed */
    char init_weights[65];    /**< SHA-256 of those; empty: drawn, or not read yet */
    char folded[128];         /**< what was folded into the weights; clearhead/fold.h */
} clh_run_config;

/** The notebook's model without n_ctx and d_vocab: 1 layer, 1 head, d_model 128, d_head 64,
 *  attn_only, LN. What follows from other fields is 0, so that it follows from those that are
 *  changed. */
CLH_API clh_model_config clh_model_config_default(void);

/** CLH_ECONFIG or CLH_ERANGE naming the first key that cannot be, what it is and what is wanted. */
CLH_API clh_status clh_model_config_check(const clh_model_config *config, clh_error *err);

CLH_END_DECLS

#endif
