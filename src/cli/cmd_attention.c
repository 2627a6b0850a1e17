/* clearhead attention: how much of a head's attention is position, how much token, and what about
 * the token. */
#include "clearhead/attention.h"
#include "cli/cli_film.h"
#include "cli/cli_measure.h"

typedef struct attention_job {
    const clh_run *run;
    size_t layer, head, count, threads;
    clh_sample sample;
    clh_attention_report report;
    clh_cue_test test[CLH_CUES]; /* of layer 0 */
} attention_job;

/* Trials change the keys of layer 0. */
static bool tried(const attention_job *job, int f)
{
    return job->layer == 0 && clh_cue_can_try((clh_cue_feature)f);
}

static clh_status compute(attention_job *job, const clh_watch *watch, clh_error *err)
{
    const clh_model *model = clh_run_model(job->run);
    clh_status status = clh_cli_held_out_sample(&job->sample, job->run, job->count, err);
    if (!status)
        status = clh_attention_look(&job->report, model, &job->sample,
                                    &(clh_attention_ask){job->layer, job->head,
                                                         clh_run_get_config(job->run)->seed,
                                                         job->threads},
                                    watch, err);
    if (!status && job->layer == 0)
        status = clh_cues_try(job->test, model, &job->sample, job->threads, err);
    return status;
}

static void add_effect(clh_strbuf *text, int f, const clh_cue_effect *e)
{
    clh_strbuf_addf(text, "%s\"%s\": {\"effect\": ", f ? ", " : "",
                    clh_cue_name((clh_cue_feature)f));
    clh_strbuf_add_number(text, e->effect, 9);
    clh_cli_add_field(text, "shuffled", e->shuffled);
    clh_cli_add_field(text, "shuffled_deviation", e->deviation);
}

static void add_outcome(clh_strbuf *text, const clh_cue_outcome *o)
{
    clh_cli_add_field(text, "loss_keys_only_cue", o->loss_only);
    clh_cli_add_field(text, "loss_keys_without_cue", o->loss_without);
    clh_cli_add_field(text, "accuracy_keys_only_cue", o->accuracy_only);
    clh_cli_add_field(text, "accuracy_keys_without_cue", o->accuracy_without);
}

/* Over all destinations. */
static clh_cue_outcome whole(const clh_cue_test *t)
{
    return (clh_cue_outcome){t->loss,     t->loss_only,     t->loss_without,
                             t->accuracy, t->accuracy_only, t->accuracy_without};
}

static void add_cue(clh_strbuf *text, const attention_job *job, int f)
{
    const clh_cue *cue = &job->report.cue[f];
    const clh_cue_outcome all = whole(&job->test[f]);
    add_effect(text, f, &(clh_cue_effect){cue->effect, cue->shuffled, cue->deviation});
    if (tried(job, f))
        add_outcome(text, &all);
    clh_cli_add_numbers(text, "effect_by_destination", cue->row, job->report.rows);
    clh_strbuf_adds(text, "}");
}

/* The destinations that predict one slot, or spaces, or the period. */
static void add_slot(clh_strbuf *text, const attention_job *job, size_t s)
{
    const clh_attention_report *r = &job->report;
    clh_strbuf_addf(text, "%s{\"predicts\": \"%s\", \"destinations\": %zu", s ? ", " : "",
                    r->slots.name[s], r->slots.rows[s]);
    clh_cli_add_field(text, "scores_position", r->slot[s].position);
    if (job->layer == 0) {
        clh_cli_add_field(text, "loss", job->test[0].slot[s].loss);
        clh_cli_add_field(text, "accuracy", job->test[0].slot[s].accuracy);
    }
    clh_strbuf_adds(text, ", \"cues\": {");
    for (int f = 0; f < CLH_CUES; f++) {
        add_effect(text, f, &r->slot[s].cue[f]);
        if (tried(job, f))
            add_outcome(text, &job->test[f].slot[s]);
        clh_strbuf_adds(text, "}");
    }
    clh_strbuf_adds(text, "}}");
}

static void add_json(clh_strbuf *text, const attention_job *job)
{
    const clh_attention_report *r = &job->report;
    clh_strbuf_adds(text, "{\"run\": ");
    clh_strbuf_add_json(text, clh_run_path(job->run));
    clh_strbuf_addf(text, ", \"step\": %zu, \"layer\": %zu, \"head\": %zu, \"sequences\": %zu",
                    clh_run_step(job->run), r->layer, r->head, r->sequences);
    clh_strbuf_addf(text, ", \"first_destination\": %zu", r->first);
    clh_cli_add_field(text, "scores_variance", r->scores.total);
    clh_cli_add_field(text, "scores_position", r->scores.position);
    clh_cli_add_field(text, "scores_token", r->scores.token);
    clh_cli_add_field(text, "pattern_variance", r->pattern.total);
    clh_cli_add_field(text, "pattern_position", r->pattern.position);
    clh_cli_add_field(text, "pattern_token", r->pattern.token);
    clh_cli_add_field(text, "top_agrees_with_position", r->top_agrees);
    clh_cli_add_field(text, "answer_mass", r->answer_mass);
    clh_cli_add_field(text, "answer_top", r->answer_top);
    clh_cli_add_field(text, "answer_possible", r->answer_possible);
    clh_cli_add_field(text, "distinct_sources", r->distinct_sources);
    clh_cli_add_field(text, "effective_sources", r->effective_sources);
    clh_cli_add_field(text, "prompt_mass", r->prompt_mass);
    clh_cli_add_field(text, "top_prompt", r->top_prompt);
    clh_cli_add_field(text, "top_earliest", r->top_earliest);
    clh_cli_add_field(text, "top_latest", r->top_latest);
    clh_cli_add_field(text, "gap", (double)r->gap);
    clh_cli_add_field(text, "gap_share", r->gap_share);
    if (job->layer == 0) {
        clh_cli_add_field(text, "loss", job->test[0].loss);
        clh_cli_add_field(text, "accuracy", job->test[0].accuracy);
    }
    clh_strbuf_adds(text, ", \"cues\": {");
    for (int f = 0; f < CLH_CUES; f++)
        add_cue(text, job, f);
    clh_strbuf_adds(text, "}, \"slots\": [");
    for (size_t s = 0; s < r->slots.count; s++)
        add_slot(text, job, s);
    clh_strbuf_adds(text, "]");
    clh_cli_add_numbers(text, "scores_position_by_destination", r->row_position, r->rows);
    clh_cli_add_numbers(text, "answer_mass_by_destination", r->row_answer, r->rows);
    clh_strbuf_adds(text, "}");
}

static void print_cues(const attention_job *job)
{
    (void)printf("  of what position does not explain goes with a feature of the source's token;\n"
                 "  with the slot it stands in, of all\n"
                 "    feature    share     by chance%s\n",
                 job->layer == 0 ? "            loss: keys with only it   without it" : "");
    for (int f = 0; f < CLH_CUES; f++) {
        const clh_cue *cue = &job->report.cue[f];
        (void)printf("    %-9s  %.4f    %.4f +- %.4f", clh_cue_name((clh_cue_feature)f),
                     cue->effect, cue->shuffled, cue->deviation);
        if (tried(job, f))
            (void)printf("         %18.6f   %10.6f", job->test[f].loss_only,
                         job->test[f].loss_without);
        (void)puts("");
    }
    if (job->layer == 0)
        (void)printf("  loss with the model's own keys %.6f, accuracy %.4f\n", job->test[0].loss,
                     job->test[0].accuracy);
}

/* A line for each kind of destination and each cue. */
static void print_slots(const attention_job *job)
{
    const clh_attention_report *r = &job->report;
    (void)printf("  the same by what a destination predicts\n"
                 "    predicts  position  feature    share     by chance%s\n",
                 job->layer == 0 ? "          loss: own keys   only it   without it" : "");
    for (size_t s = 0; s < r->slots.count; s++)
        for (int f = 0; f < CLH_CUES; f++) {
            const clh_cue_effect *e = &r->slot[s].cue[f];
            const clh_cue_outcome *o = &job->test[f].slot[s];
            if (f == 0)
                (void)printf("    %-8s  %.4f  ", r->slots.name[s], r->slot[s].position);
            else
                (void)printf("%22s", "");
            (void)printf("  %-9s  %.4f    %.4f +- %.4f", clh_cue_name((clh_cue_feature)f),
                         e->effect, e->shuffled, e->deviation);
            if (tried(job, f))
                (void)printf("    %9.6f  %9.6f    %9.6f", o->loss, o->loss_only, o->loss_without);
            (void)puts("");
        }
}

static void print_text(const attention_job *job)
{
    const clh_attention_report *r = &job->report;
    (void)printf(
        "%s after step %zu, layer %zu, head %zu, on %zu held-out sequences, %zu destinations "
        "each\n",
        clh_run_path(job->run), clh_run_step(job->run), r->layer, r->head, r->sequences, r->rows);
    (void)printf("  variance explained by position\n    scores   %.4f\n    pattern  %.4f\n",
                 r->scores.position, r->pattern.position);
    (void)printf("  the strongest source\n"
                 "    is the one of the mean scores       %.4f\n"
                 "    holds the right next token          %.4f (some source does: %.4f)\n"
                 "  attention on sources that hold it     %.4f\n"
                 "  different strongest sources           %.1f in a sequence\n"
                 "  sources a destination attends to      %.2f (exp of entropy)\n"
                 "  attention on the prompt               %.4f (strongest there: %.4f)\n"
                 "  a strongest source that holds it is   the first to %.4f, the last to %.4f\n"
                 "  destinations of one strongest source  most often %zu apart (%.4f)\n",
                 r->top_agrees, r->answer_top, r->answer_possible, r->answer_mass,
                 r->distinct_sources, r->effective_sources, r->prompt_mass, r->top_prompt,
                 r->top_earliest, r->top_latest, r->gap, r->gap_share);
    print_cues(job);
    print_slots(job);
}

static clh_status measure(void *user, const clh_frame *frame, clh_error *err)
{
    attention_job *job = user;
    job->run = frame->run;
    clh_status status = compute(job, frame->watch, err);
    if (!status && frame->json)
        add_json(frame->json, job);
    else if (!status)
        print_text(job);
    clh_attention_deinit(&job->report);
    clh_sample_deinit(&job->sample);
    return status;
}

int clh_cmd_attention(const clh_invocation *inv)
{
    clh_error err = {0};
    attention_job job = {0};
    clh_status status = clh_opt_size(inv, "layer", &job.layer, &err);
    if (!status)
        status = clh_opt_size(inv, "head", &job.head, &err);
    if (!status)
        status = clh_opt_size(inv, "count", &job.count, &err);
    if (!status)
        status = clh_cli_threads(inv, &job.threads, &err);
    if (!status)
        status = clh_cli_film(inv, &(clh_film){measure, &job, "sequence", false}, &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
