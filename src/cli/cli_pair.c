#include "cli/cli_pair.h"

#include "base/base.h"

/* The sequence of --<name> (letters) or --<name>-text. */
static clh_status read_side(const clh_invocation *inv, const clh_run *run, const char *name,
                            clh_sequence *out, clh_error *err)
{
    char text_name[32];
    (void)snprintf(text_name, sizeof text_name, "%s-text", name);
    const char *letters = clh_opt_text(inv, name), *text = clh_opt_text(inv, text_name);
    if (!letters == !text)
        return clh_fail(err, CLH_EUSAGE, "want one of --%s LETTERS and --%s TEXT", name, text_name);
    return clh_cli_sequence_of(run, letters, text, out, err);
}

clh_status clh_cli_pair_init(clh_cli_pair *out, const clh_invocation *inv, const clh_run *run,
                             clh_error *err)
{
    *out = (clh_cli_pair){0};
    clh_sequence *clean = &out->sequence[0], *corrupted = &out->sequence[1];
    clh_status status = read_side(inv, run, "clean", clean, err);
    if (!status)
        status = read_side(inv, run, "corrupt", corrupted, err);
    if (!status && clean->length != corrupted->length)
        status = clh_fail(err, CLH_ESHAPE,
                          "the clean sequence has %zu tokens and the corrupted one %zu, want them "
                          "equal",
                          clean->length, corrupted->length);
    out->clean = (clh_tokens){clean->tokens, 1, clean->length};
    out->corrupted = (clh_tokens){corrupted->tokens, 1, corrupted->length};
    const size_t given = clh_run_get_config(run)->first_scored;
    const size_t first = clh_opt_given(inv, "clean-text") && given ? given : clean->first_scored;
    if (!status)
        status = clh_metric_parse(&out->metric, clh_opt_text(inv, "metric"), clh_run_task(run),
                                  clean->length, first, err);
    if (status)
        clh_cli_pair_deinit(out);
    return status;
}

void clh_cli_pair_caption(char out[CLH_PAIR_CAPTION], const clh_invocation *inv, const clh_run *run)
{
    const char *clean = clh_opt_text(inv, "clean"), *corrupt = clh_opt_text(inv, "corrupt");
    (void)snprintf(out, CLH_PAIR_CAPTION, "%s: %s, clean %s, corrupted %s", clh_run_path(run),
                   clh_opt_text(inv, "metric"), clean ? clean : clh_opt_text(inv, "clean-text"),
                   corrupt ? corrupt : clh_opt_text(inv, "corrupt-text"));
}

void clh_cli_pair_deinit(clh_cli_pair *pair)
{
    clh_free(pair->sequence[1].tokens);
    clh_free(pair->sequence[0].tokens);
    *pair = (clh_cli_pair){0};
}
