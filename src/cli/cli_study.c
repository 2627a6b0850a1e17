#include "cli/cli_study.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "clearhead/study.h"
#include "cli/cli_measure.h"

enum { TEXT_WIDTH = 92, DIGITS = 9 };

typedef struct study_job {
    const clh_invocation *inv;
    const char *run;
    char *folder;
    clh_study study;
    clh_vote *votes; /* [seeds] */
} study_job;

/* Whether a question's verdicts are one; they are left in job->votes, `said` of them. */
static bool ask(const study_job *job, int question, size_t *said)
{
    *said = clh_study_votes(&job->study, (clh_notebook_question)question, job->votes);
    return *said == 1;
}

/* "0, 3, 7": the seeds with this verdict. */
static void add_seeds(clh_strbuf *text, const study_job *job, int question, const char *verdict)
{
    size_t shown = 0;
    for (size_t s = 0; s < job->study.seeds; s++)
        if (strcmp(clh_answers_verdict(&job->study.answers[s], (clh_notebook_question)question),
                   verdict) == 0)
            clh_strbuf_addf(text, "%s%zu", shown++ ? ", " : "", s);
}

static void add_value(clh_strbuf *text, const clh_answers_number *number, double value)
{
    if (isnan(value))
        clh_strbuf_adds(text, "never");
    else
        clh_strbuf_addf(text, "%.*f", number->decimals, value);
}

/* ---- Text --------------------------------------------------------------------------------------
 */

static void print_question(const study_job *job, int question, size_t said)
{
    (void)printf("\n  %s\n", clh_notebook_text((clh_notebook_question)question));
    for (size_t v = 0; v < said; v++) {
        clh_strbuf line = {0};
        const clh_vote *vote = &job->votes[v];
        clh_strbuf_adds(&line, vote->verdict);
        if (said > 1) {
            clh_strbuf_addf(&line, " (%zu: ", vote->count);
            add_seeds(&line, job, question, vote->verdict);
            clh_strbuf_adds(&line, ")");
        }
        (void)fputs("    ", stdout);
        clh_help_wrap(stdout, clh_strbuf_view(&line), 4, 6, TEXT_WIDTH);
        (void)puts("");
        clh_strbuf_deinit(&line);
    }
}

static clh_status print_text(const study_job *job, clh_error *err)
{
    const clh_study *s = &job->study;
    clh_status status = CLH_OK;
    size_t said = 0, count = 0;
    (void)printf("%s with seeds 0 to %zu, each on %zu held-out sequences; runs in %s\n", job->run,
                 s->seeds - 1, s->count, job->folder);
    for (int same = 1; same >= 0; same--) {
        size_t shown = 0;
        (void)printf("\n%s\n", same ? "The same for all" : "Different");
        for (int q = 0; q < CLH_QUESTIONS; q++)
            if (ask(job, q, &said) == same) {
                print_question(job, q, said);
                shown++;
            }
        (void)fputs(shown ? "" : "\n  nothing\n", stdout);
    }
    const clh_answers_number *numbers = clh_answers_numbers(&count);
    (void)printf("\n%-24s %12s %12s %12s\n", "Numbers", "least", "median", "most");
    for (size_t i = 0; i < count && !status; i++) {
        clh_spread v = {0};
        status = clh_study_spread(&v, s, &numbers[i], err);
        (void)printf("%-24s %12.6g %12.6g %12.6g", numbers[i].name, v.least, v.median, v.most);
        if (v.none)
            (void)printf("   none for %zu", v.none);
        (void)puts("");
    }
    return status;
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

static void add_question_json(clh_strbuf *text, const study_job *job, int question)
{
    size_t said = 0;
    const bool same = ask(job, question, &said);
    clh_strbuf_addf(text, "%s{\"name\": \"%s\", \"question\": ", question ? ", " : "",
                    clh_notebook_name((clh_notebook_question)question));
    clh_strbuf_add_json(text, clh_notebook_text((clh_notebook_question)question));
    clh_strbuf_addf(text, ", \"same\": %s, \"verdicts\": [", same ? "true" : "false");
    for (size_t v = 0; v < said; v++) {
        clh_strbuf_adds(text, v ? ", {\"verdict\": " : "{\"verdict\": ");
        clh_strbuf_add_json(text, job->votes[v].verdict);
        clh_strbuf_adds(text, ", \"seeds\": [");
        add_seeds(text, job, question, job->votes[v].verdict);
        clh_strbuf_adds(text, "]}");
    }
    clh_strbuf_adds(text, "]}");
}

static clh_status add_number_json(clh_strbuf *text, const study_job *job,
                                  const clh_answers_number *number, clh_error *err)
{
    const clh_study *s = &job->study;
    clh_spread spread = {0};
    clh_status status = clh_study_spread(&spread, s, number, err);
    clh_strbuf_addf(text, "\"%s\": {\"least\": ", number->name);
    clh_strbuf_add_number(text, spread.least, DIGITS);
    clh_cli_add_field(text, "median", spread.median);
    clh_cli_add_field(text, "most", spread.most);
    clh_strbuf_adds(text, ", \"seeds\": [");
    for (size_t seed = 0; seed < s->seeds; seed++) {
        clh_strbuf_adds(text, seed ? ", " : "");
        clh_strbuf_add_number(text, number->get(&s->answers[seed]), DIGITS);
    }
    clh_strbuf_adds(text, "]}");
    return status;
}

static clh_status print_json(const study_job *job, clh_error *err)
{
    size_t count = 0;
    const clh_answers_number *numbers = clh_answers_numbers(&count);
    clh_status status = CLH_OK;
    clh_strbuf text = {0};
    clh_strbuf_adds(&text, "{\"run\": ");
    clh_strbuf_add_json(&text, job->run);
    clh_strbuf_adds(&text, ", \"folder\": ");
    clh_strbuf_add_json(&text, job->folder);
    clh_strbuf_addf(&text, ", \"seeds\": %zu, \"sequences\": %zu, \"answers\": [", job->study.seeds,
                    job->study.count);
    for (int q = 0; q < CLH_QUESTIONS; q++)
        add_question_json(&text, job, q);
    clh_strbuf_adds(&text, "], \"numbers\": {");
    for (size_t i = 0; i < count && !status; i++) {
        clh_strbuf_adds(&text, i ? ", " : "");
        status = add_number_json(&text, job, &numbers[i], err);
    }
    clh_strbuf_adds(&text, "}}");
    if (!status)
        status = clh_strbuf_check(&text, err);
    if (!status)
        (void)puts(clh_strbuf_view(&text));
    clh_strbuf_deinit(&text);
    return status;
}

/* ---- Markdown ----------------------------------------------------------------------------------
 */

static void add_head(clh_strbuf *text, const study_job *job)
{
    const clh_study *s = &job->study;
    clh_strbuf_addf(text,
                    "# The notebook's questions over %zu seed%s\n\nWritten by `clearhead answers ",
                    s->seeds, s->seeds == 1 ? "" : "s");
    clh_strbuf_addf(text, "%s --seeds %zu --count %zu --markdown %s`:\n", job->run, s->seeds,
                    s->count, clh_opt_text(job->inv, "markdown"));
    clh_strbuf_addf(
        text,
        "the settings of that run (n = %u, %zu steps), seeds 0 to %zu, each asked on %zu "
        "held-out sequences.\n`docs/mathematics.md` has the rule of every verdict.\n",
        s->config.n[0], s->config.train.steps, s->seeds - 1, s->count);
}

static void add_verdicts(clh_strbuf *text, const study_job *job, bool same)
{
    size_t said = 0, shown = 0;
    clh_strbuf_addf(text, "\n## %s\n\n", same ? "The same for every seed" : "Different");
    for (int q = 0; q < CLH_QUESTIONS; q++) {
        if (ask(job, q, &said) != same)
            continue;
        if (shown++ == 0)
            clh_strbuf_adds(text, same ? "| question | verdict |\n|---|---|\n"
                                       : "| question | verdicts (how many seeds) |\n|---|---|\n");
        clh_strbuf_addf(text, "| %s | ", clh_notebook_text((clh_notebook_question)q));
        for (size_t v = 0; v < said; v++) {
            clh_strbuf_addf(text, "%s%s", v ? "; " : "", job->votes[v].verdict);
            if (!same)
                clh_strbuf_addf(text, " (%zu)", job->votes[v].count);
        }
        clh_strbuf_adds(text, " |\n");
    }
    clh_strbuf_adds(text, shown ? "" : "Nothing.\n");
}

enum { LEAST, MEDIAN, MOST, SPREADS };

static clh_status add_spreads(clh_strbuf *text, const study_job *job, clh_error *err)
{
    static const char *const names[SPREADS] = {"least", "median", "most"};
    size_t count = 0;
    const clh_answers_number *numbers = clh_answers_numbers(&count);
    clh_status status = CLH_OK;
    for (int row = 0; row < SPREADS; row++) {
        clh_strbuf_addf(text, "| %s |", names[row]);
        for (size_t i = 0; i < count && !status; i++) {
            clh_spread v = {0};
            if (!numbers[i].title)
                continue;
            status = clh_study_spread(&v, &job->study, &numbers[i], err);
            clh_strbuf_adds(text, " ");
            add_value(text, &numbers[i], ((const double[]){v.least, v.median, v.most})[row]);
            clh_strbuf_adds(text, " |");
        }
        clh_strbuf_adds(text, "\n");
    }
    return status;
}

static clh_status add_table(clh_strbuf *text, const study_job *job, clh_error *err)
{
    size_t count = 0, columns = 1;
    const clh_answers_number *numbers = clh_answers_numbers(&count);
    clh_strbuf_adds(text, "\n## Numbers\n\n| seed |");
    for (size_t i = 0; i < count; i++)
        if (numbers[i].title) {
            clh_strbuf_addf(text, " %s |", numbers[i].title);
            columns++;
        }
    clh_strbuf_adds(text, "\n");
    for (size_t i = 0; i < columns; i++)
        clh_strbuf_adds(text, "|--:");
    clh_strbuf_adds(text, "|\n");
    for (size_t seed = 0; seed < job->study.seeds; seed++) {
        clh_strbuf_addf(text, "| %zu |", seed);
        for (size_t i = 0; i < count; i++) {
            if (!numbers[i].title)
                continue;
            clh_strbuf_adds(text, " ");
            add_value(text, &numbers[i], numbers[i].get(&job->study.answers[seed]));
            clh_strbuf_adds(text, " |");
        }
        clh_strbuf_adds(text, "\n");
    }
    return add_spreads(text, job, err);
}

static clh_status write_markdown(const study_job *job, const char *path, clh_error *err)
{
    clh_strbuf text = {0};
    add_head(&text, job);
    add_verdicts(&text, job, true);
    add_verdicts(&text, job, false);
    clh_status status = add_table(&text, job, err);
    clh_strbuf_adds(
        &text, "\n\"From\" is the step of the first checkpoint from which the accuracy stays at "
               "0.99: of spaces and letters in\nthe run itself, of letters in the final model with "
               "the QK or OV of that checkpoint. A step is known to the\ndistance between two "
               "checkpoints.\n");
    if (!status)
        status = clh_strbuf_check(&text, err);
    if (!status)
        status = clh_file_write_text(path, clh_strbuf_view(&text), err);
    clh_strbuf_deinit(&text);
    return status;
}

/* ---- The study ---------------------------------------------------------------------------------
 */

static clh_status compute(study_job *job, clh_error *err)
{
    const clh_watch watch = clh_cli_watch_line(job->inv, "seed");
    const char *folder = clh_opt_text(job->inv, "folder");
    clh_study_ask wanted = {0};
    clh_status status = clh_opt_size(job->inv, "seeds", &wanted.seeds, err);
    if (!status)
        status = clh_opt_size(job->inv, "count", &wanted.count, err);
    if (!status)
        status = clh_cli_threads(job->inv, &wanted.threads, err);
    if (status)
        return status;
    job->folder = folder ? clh_text_copy(folder, err) : clh_path_join(job->run, "seeds", err);
    job->votes = clh_alloc_zeroed(wanted.seeds, sizeof *job->votes, err);
    if (!job->folder || !job->votes)
        return CLH_ENOMEM;
    return clh_study_run(&job->study, job->run, job->folder, &wanted, &watch, err);
}

clh_status clh_cli_study(const clh_invocation *inv, clh_error *err)
{
    assert(inv);
    const char *markdown = clh_opt_text(inv, "markdown");
    study_job job = {.inv = inv, .run = clh_arg(inv, 0)};
    clh_status status = compute(&job, err);
    if (!status && markdown)
        status = write_markdown(&job, markdown, err);
    if (!status)
        status = (inv->json ? print_json : print_text)(&job, err);
    clh_study_deinit(&job.study);
    clh_free(job.votes);
    clh_free(job.folder);
    return status;
}
