/* clearhead answers: the notebook's questions, each with its verdict and the numbers behind it. */
#include "base/base.h"
#include "clearhead/answers.h"
#include "clearhead/figure.h"
#include "clearhead/permutations.h"
#include "cli/cli_answers.h"
#include "cli/cli_film.h"
#include "cli/cli_measure.h"
#include "cli/cli_study.h"

typedef struct answers_job {
    const clh_invocation *inv;
    const char *path;
    clh_answers_ask ask;
    const clh_task *task;
    clh_answers answers;
} answers_job;

/* ---- The evidence, in words --------------------------------------------------------------------
 */

static void add_step(clh_strbuf *text, const char *what, const clh_emergence *e, clh_swap swap,
                     clh_ratio ratio)
{
    const size_t at = clh_emergence_from(e, swap, ratio, 0.99);
    if (at < e->count)
        clh_strbuf_addf(text, "%s from step %zu. ", what, e->row[at].step);
    else
        clh_strbuf_addf(text, "%s not by the end. ", what);
}

static void say_unseen(const answers_job *job, clh_strbuf *text)
{
    const clh_answers *a = &job->answers;
    const clh_tally *t = &a->held_out;
    clh_strbuf_addf(text,
                    "%zu of %zu whole sequences right (95 %% interval %.4f to %.4f); letters %.5f, "
                    "spaces %.5f, period %.5f; loss %.6f.",
                    t->sequences_correct, t->sequences, a->whole_low, a->whole_high,
                    clh_tally_ratio(t, CLH_RATIO_OF(CLH_TOKEN_LETTER)),
                    clh_tally_ratio(t, CLH_RATIO_OF(CLH_TOKEN_SPACE)),
                    clh_tally_ratio(t, CLH_RATIO_OF(CLH_TOKEN_PERIOD)),
                    clh_tally_ratio(t, CLH_RATIO_LOSS));
}

static void say_qk(const answers_job *job, clh_strbuf *text)
{
    const clh_answers *a = &job->answers;
    clh_strbuf_addf(
        text,
        "Queries and keys that know only their position: accuracy %.4f, loss %.4f; only "
        "their token: %.4f, %.4f; both: %.4f, %.4f. Position alone explains %.4f of the "
        "scores' variance and %.4f of the pattern's.",
        a->qk_position.accuracy, a->qk_position.loss, a->qk_token.accuracy, a->qk_token.loss,
        a->plain.accuracy, a->plain.loss, a->attention.scores.position,
        a->attention.pattern.position);
}

static void say_cues(const answers_job *job, clh_strbuf *text)
{
    const clh_answers *a = &job->answers;
    clh_strbuf_adds(text, "Of what position does not explain: ");
    for (int f = 0; f <= CLH_CUE_RANK; f++)
        clh_strbuf_addf(text, "%s%s %.4f (by chance %.4f)", f ? ", " : "",
                        clh_cue_name((clh_cue_feature)f), a->attention.cue[f].effect,
                        a->attention.cue[f].shuffled);
    clh_strbuf_adds(text, ". Accuracy with keys that do not know the ");
    for (int f = 0; f < CLH_CUE_RANK; f++)
        clh_strbuf_addf(text, "%s%s: %.4f", f ? ", " : "", clh_cue_name((clh_cue_feature)f),
                        a->cue[f].accuracy_without);
    clh_strbuf_adds(text, ".");
}

static void say_ov(const answers_job *job, clh_strbuf *text)
{
    const clh_answers *a = &job->answers;
    clh_strbuf_addf(text,
                    "The OV circuit raises the letter it reads above all others for %.4f of %zu "
                    "letters, by %.2f standard deviations of a row (copying score %.3f). Values "
                    "that know only the token: "
                    "accuracy %.4f; only the position: %.4f; both: %.4f.",
                    a->copies, a->n_letters, a->copy_margin, a->copying_score, a->v_token.accuracy,
                    a->v_position.accuracy, a->plain.accuracy);
}

static void say_order(const answers_job *job, clh_strbuf *text)
{
    const clh_emergence *e = &job->answers.emergence;
    clh_strbuf_adds(text, "Right (0.99) ");
    add_step(text, "in spaces", e, CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_SPACE));
    add_step(text, "In letters", e, CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_LETTER));
    add_step(text, "In the period", e, CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_PERIOD));
    add_step(text, "QK of the time serves the final model's letters", e, CLH_SWAP_QK_THEN,
             CLH_RATIO_OF(CLH_TOKEN_LETTER));
    add_step(text, "OV does", e, CLH_SWAP_OV_THEN, CLH_RATIO_OF(CLH_TOKEN_LETTER));
}

static void say_duplicates(const answers_job *job, clh_strbuf *text)
{
    const clh_attention_report *r = &job->answers.attention;
    clh_strbuf_addf(
        text,
        "It does for %.5f of the predictions; some source does for %.5f. Attention on all "
        "that do: %.4f.",
        r->answer_top, r->answer_possible, r->answer_mass);
}

static void say_early(const answers_job *job, clh_strbuf *text)
{
    const clh_attention_report *r = &job->answers.attention;
    clh_strbuf_addf(
        text,
        "Attention on the prompt %.4f; the strongest source is in it for %.4f of the "
        "predictions. Of strongest sources that hold the right token %.4f are the first that "
        "does and %.4f the last. %.1f different ones in a sequence of %zu predictions.",
        r->prompt_mass, r->top_prompt, r->top_earliest, r->top_latest, r->distinct_sources,
        r->rows);
}

static void say_spacing(const answers_job *job, clh_strbuf *text)
{
    const clh_attention_report *r = &job->answers.attention;
    char first[48], next[48];
    const size_t length = job->answers.evaluation.positions, at = r->first + 1;
    clh_task_label(job->task, length, at, first);
    clh_task_label(job->task, length, at + r->gap < length ? at + r->gap : length - 1, next);
    clh_strbuf_addf(
        text,
        "From one destination to the next of the same strongest source it is most often "
        "%zu positions (%.4f of the time): from %s, say, to %s.",
        r->gap, r->gap_share, first, next);
}

static void say_loss(const answers_job *job, clh_strbuf *text)
{
    const clh_answers *a = &job->answers;
    for (size_t i = 0; i < CLH_ANSWERS_WORST && a->worst[i] != SIZE_MAX; i++) {
        char label[48];
        clh_task_label(job->task, a->evaluation.positions, a->worst[i], label);
        clh_strbuf_addf(text, "%s%s (position %zu): %.6f", i ? "; " : "", label, a->worst[i],
                        a->evaluation.loss_per_position[a->worst[i]]);
    }
    clh_strbuf_addf(text, ". Together %.4f of the whole loss.", a->worst_share);
}

static void (*const say[CLH_QUESTIONS])(const answers_job *, clh_strbuf *) = {
    say_unseen,     say_qk,    say_cues,    say_ov,  say_order,
    say_duplicates, say_early, say_spacing, say_loss};

/* ---- Output ------------------------------------------------------------------------------------
 */

static void print_text(const answers_job *job)
{
    (void)printf("%s, on %zu held-out sequences\n", job->path, job->answers.sequences);
    for (int q = 0; q < CLH_QUESTIONS; q++) {
        clh_strbuf text = {0};
        say[q](job, &text);
        (void)printf("\n%d. %s\n   %s\n   ", q + 1, clh_notebook_text((clh_notebook_question)q),
                     clh_answers_verdict(&job->answers, (clh_notebook_question)q));
        clh_help_wrap(stdout, clh_strbuf_view(&text), 3, 3, 92);
        (void)puts("");
        clh_strbuf_deinit(&text);
    }
}

static void add_numbers(clh_strbuf *text, const clh_answers *answers)
{
    size_t count = 0;
    const clh_answers_number *numbers = clh_answers_numbers(&count);
    for (size_t i = 0; i < count; i++) {
        clh_strbuf_addf(text, "%s\"%s\": ", i ? ", " : "", numbers[i].name);
        clh_strbuf_add_number(text, numbers[i].get(answers), 9);
    }
}

static void add_json(clh_strbuf *text, const answers_job *job, size_t step)
{
    clh_strbuf_adds(text, "{\"run\": ");
    clh_strbuf_add_json(text, job->path);
    clh_strbuf_addf(text, ", \"step\": %zu, \"sequences\": %zu, \"numbers\": {", step,
                    job->answers.sequences);
    add_numbers(text, &job->answers);
    clh_strbuf_adds(text, "}, \"answers\": [");
    for (int q = 0; q < CLH_QUESTIONS; q++) {
        clh_strbuf evidence = {0};
        say[q](job, &evidence);
        clh_strbuf_addf(text, "%s{\"name\": \"%s\", \"question\": ", q ? ", " : "",
                        clh_notebook_name((clh_notebook_question)q));
        clh_strbuf_add_json(text, clh_notebook_text((clh_notebook_question)q));
        clh_strbuf_adds(text, ", \"verdict\": ");
        clh_strbuf_add_json(text, clh_answers_verdict(&job->answers, (clh_notebook_question)q));
        clh_strbuf_adds(text, ", \"evidence\": ");
        clh_strbuf_add_json(text, clh_strbuf_view(&evidence));
        clh_strbuf_adds(text, "}");
        clh_strbuf_deinit(&evidence);
    }
    clh_strbuf_adds(text, "]}");
}

/* A run is asked with its checkpoints: of one of them, with those before it. */
static clh_status ask(void *user, const clh_frame *frame, clh_error *err)
{
    answers_job *job = user;
    const bool whole =
        !clh_opt_given(job->inv, "checkpoint") && !clh_opt_flag(job->inv, "checkpoints");
    job->ask.step = whole ? CLH_LAST : clh_run_step(frame->run);
    const char *figure =
        clh_opt_flag(job->inv, "checkpoints") ? NULL : clh_opt_text(job->inv, "figure");
    clh_status status = figure ? clh_figure_available(err) : CLH_OK;
    if (!status)
        status = clh_answers_find(&job->answers, job->path, &job->ask, frame->watch, err);
    if (status)
        return status;
    job->task = clh_run_task(frame->run);
    if (figure)
        status = clh_cli_answers_draw(&job->answers, job->path, figure, err);
    if (!status && frame->json)
        add_json(frame->json, job, clh_run_step(frame->run));
    else if (!status)
        print_text(job);
    clh_answers_deinit(&job->answers);
    return status;
}

/* What is for a study of several seeds, or for one run only. */
static clh_status check_options(const clh_invocation *inv, clh_error *err)
{
    static const char *const study[] = {"folder", "markdown"};
    static const char *const single[] = {"checkpoint", "checkpoints", "numbers", "figure"};
    const bool seeds = clh_opt_given(inv, "seeds");
    for (size_t i = 0; i < CLH_COUNT(study) && !seeds; i++)
        if (clh_opt_given(inv, study[i]))
            return clh_fail(err, CLH_EUSAGE, "--%s is for a study, want --seeds too", study[i]);
    for (size_t i = 0; i < CLH_COUNT(single) && seeds; i++)
        if (clh_opt_given(inv, single[i]))
            return clh_fail(err, CLH_EUSAGE, "--%s and --seeds are both given, want one of them",
                            single[i]);
    return CLH_OK;
}

int clh_cmd_answers(const clh_invocation *inv)
{
    clh_error err = {0};
    answers_job job = {.inv = inv, .path = clh_arg(inv, 0)};
    clh_status status = check_options(inv, &err);
    if (!status)
        status = clh_opt_size(inv, "count", &job.ask.count, &err);
    if (!status)
        status = clh_cli_threads(inv, &job.ask.threads, &err);
    if (!status && clh_opt_given(inv, "seeds"))
        status = clh_cli_study(inv, &err);
    else if (!status)
        status = clh_cli_film(inv, &(clh_film){ask, &job, "step", true}, &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
