/* Look into a trained model: where its head looks, and what the loss is without it.
 *
 *    02_cache RUN LETTERS        e.g. runs/notebook psM1
 */
#include <stdio.h>
#include <string.h>

#include <clearhead/clearhead.h>

/* A hook: takes away what the heads read, right after it was computed. */
static clh_status zero(const clh_hook_point *point, void *user, clh_error *err)
{
    (void)user, (void)err;
    memset(point->tensor.data, 0, clh_tensor_count(&point->tensor) * sizeof(clh_real));
    return CLH_OK;
}

int main(int argc, char **argv)
{
    static uint32_t ids[5042]; /* the longest sequence, of six letters */
    clh_error err = {0};
    clh_run *run = NULL;
    clh_cache *cache = NULL;
    clh_sequence s = {.tokens = ids, .capacity = sizeof ids / sizeof *ids};
    clh_loss_sum whole = {0}, without = {0};
    const clh_hook hook = {.names = "blocks.*.attn.hook_z", .fn = zero};

    if (argc != 3)
        return fprintf(stderr, "usage: 02_cache RUN LETTERS\n"), 2;
    if (clh_run_open(&run, argv[1], &err) ||
        clh_task_expand(clh_run_task(run), argv[2], &s, &err) ||
        clh_cache_open(&cache, &clh_run_get_config(run)->model, CLH_KEEP_ALL, &err))
        goto done;
    clh_tokens tokens = {ids, 1, s.length};
    clh_scored scored = {&s.length, &s.first_scored};
    if (clh_forward(clh_run_model(run), &tokens, cache, NULL, &err) ||
        clh_loss(cache, &tokens, &scored, 1, NULL, NULL, &whole, &err))
        goto done;
    clh_tensor pattern = clh_cache_view(cache, "blocks.0.attn.hook_pattern");
    for (size_t query = s.length - 2, key = 0; key <= query; key++) { /* it writes the last token */
        double weight = pattern.data[clh_tensor_at(&pattern, 0, 0, query, key)];
        char label[48];
        clh_task_label(clh_run_task(run), s.length, key, label);
        if (weight > 0.05)
            printf("position %zu looks at %zu (%s): %.3f\n", query, key, label, weight);
    }
    if (clh_forward(clh_run_model(run), &tokens, cache, &(clh_hooks){.items = &hook, .count = 1},
                    &err) ||
        clh_loss(cache, &tokens, &scored, 1, NULL, NULL, &without, &err))
        goto done;
    printf("loss %.4f, without z %.4f\n", whole.loss / (double)whole.count,
           without.loss / (double)without.count);
done:
    if (err.status)
        fprintf(stderr, "02_cache: %s\n", err.message);
    clh_cache_close(cache);
    clh_run_close(run);
    return clh_status_exit_code(err.status);
}
