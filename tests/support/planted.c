#include "support/planted.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/cmocka_all.h"
#include "support/must.h"

clh_real *planted_at(const clh_model *model, const char *name, size_t row, size_t column)
{
    const clh_tensor t = clh_model_view(model, name);
    assert_non_null(t.data);
    const size_t columns = t.shape[t.rank - 1];
    assert_true(row * columns + column < clh_tensor_count(&t));
    return t.data + row * columns + column;
}

/* A position of the sequence that holds what comes at `next`; `next` where none before it does. */
static size_t source_of(const clh_sequence *s, size_t next)
{
    for (size_t j = 0; j < next; j++)
        if (s->tokens[j] == s->tokens[next])
            return j;
    return next;
}

clh_model *planted_open(const clh_task *task, const planted *p)
{
    return planted_narrow(task, p, clh_task_d_vocab(task));
}

clh_model *planted_narrow(const clh_task *task, const planted *p, size_t d_head)
{
    clh_model *model = NULL;
    clh_error err = {0};
    const size_t V = clh_task_d_vocab(task), T = clh_task_length_max(task);
    const clh_model_config config = {.n_layers = 1,
                                     .n_heads = 1,
                                     .d_model = V + T,
                                     .d_head = d_head,
                                     .n_ctx = T,
                                     .d_vocab = V,
                                     .attn_only = true,
                                     .normalization_type = p->norm,
                                     .eps = 1e-5,
                                     .attn_scale = 8};
    must(clh_model_open(&model, &config, &err), &err);
    uint32_t *tokens = calloc(T, sizeof *tokens);
    clh_sequence s = {.tokens = tokens, .capacity = T};
    must(clh_task_unrank(task, clh_task_domain_size(task) / 3, &s, &err), &err);
    for (size_t i = 0; i < clh_model_tensor_count(model); i++) {
        const clh_tensor t = clh_model_tensor(model, i);
        const bool one = strstr(t.name, "ln") && t.name[strlen(t.name) - 1] == 'w';
        for (size_t k = 0; k < clh_tensor_count(&t); k++)
            t.data[k] = (clh_real)((one ? 1 : 0) + p->noise * clh_random_normal(p->seed, i, k));
    }
    for (size_t t = 0; t < V; t++) {
        *planted_at(model, "embed.W_E", t, t) += 1;
        *planted_at(model, "unembed.W_U", t, t) += 1;
        if (t >= d_head)
            continue;
        *planted_at(model, "blocks.0.attn.W_V", t, t) += 1;
        *planted_at(model, "blocks.0.attn.W_O", t, t) += 2;
    }
    for (size_t i = 0; i < T; i++) {
        *planted_at(model, "pos_embed.W_pos", i, V + i) += 1;
        if (i < d_head)
            *planted_at(model, "blocks.0.attn.W_K", V + i, i) += 3;
        if (i + 1 == T)
            continue;
        const size_t from = source_of(&s, i + 1);
        if (from < d_head)
            *planted_at(model, "blocks.0.attn.W_Q", V + i, from) += 3;
        if (from == i + 1)
            *planted_at(model, "unembed.W_U", V + i, s.tokens[i + 1]) += 9;
    }
    clh_real *all = clh_model_data(model, NULL);
    for (size_t k = 0; k < clh_model_parameter_count(model); k++)
        all[k] *= (clh_real)p->scale;
    free(tokens);
    return model;
}
