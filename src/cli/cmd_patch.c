/* clearhead patch: pieces of a clean run copied into a corrupted one, and what each brings back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/clock.h"
#include "base/strbuf.h"
#include "clearhead/figure.h"
#include "clearhead/patch.h"
#include "clearhead/safetensors.h"
#include "cli/cli_film.h"
#include "cli/cli_pair.h"

typedef struct patch_job {
    const clh_invocation *inv;
    const clh_run *run;
    clh_cli_pair pair;
    clh_patch_ask ask;
    clh_patch patch;
    clh_real *numbers; /* the results as numbers of a file */
} patch_job;

/* ---- What is asked ------------------------------------------------------------------------------
 */

static clh_status read_ask(patch_job *job, clh_error *err)
{
    const clh_invocation *inv = job->inv;
    clh_status status = clh_cli_pair_init(&job->pair, inv, job->run, err);
    job->ask = (clh_patch_ask){.clean = job->pair.clean,
                               .corrupted = job->pair.corrupted,
                               .metric = job->pair.metric,
                               .sites = clh_opt_text(inv, "sites"),
                               .attribution = clh_opt_flag(inv, "attribution")};
    return status;
}

/* ---- What is said -------------------------------------------------------------------------------
 */

static size_t rows_of(const clh_patch_site *site)
{
    return site->heads ? site->heads : 1;
}

static void add_rows(clh_strbuf *text, const clh_patch_site *site, const double *values, size_t pos)
{
    for (size_t h = 0; h < rows_of(site); h++) {
        clh_strbuf_adds(text, h ? "], [" : site->heads ? "[[" : "[");
        for (size_t i = 0; i < pos; i++) {
            clh_strbuf_adds(text, i ? ", " : "");
            clh_strbuf_add_number(text, values[h * pos + i], 9);
        }
    }
    clh_strbuf_adds(text, site->heads ? "]]" : "]");
}

static void add_json(clh_strbuf *text, const patch_job *job)
{
    const clh_patch *p = &job->patch;
    clh_strbuf_adds(text, "{\"run\": ");
    clh_strbuf_add_json(text, clh_run_path(job->run));
    clh_strbuf_addf(text, ", \"step\": %zu, \"metric\": ", clh_run_step(job->run));
    clh_strbuf_add_json(text, clh_opt_text(job->inv, "metric"));
    clh_strbuf_adds(text, ", \"clean\": ");
    clh_strbuf_add_number(text, p->clean, 9);
    clh_strbuf_adds(text, ", \"corrupted\": ");
    clh_strbuf_add_number(text, p->corrupted, 9);
    clh_strbuf_addf(text, ", \"pos\": %zu, \"patches\": %zu, \"passes\": %zu, \"sites\": [", p->pos,
                    p->patches, p->passes);
    for (size_t s = 0; s < p->count; s++) {
        clh_strbuf_adds(text, s ? ", {\"name\": " : "{\"name\": ");
        clh_strbuf_add_json(text, p->site[s].name);
        clh_strbuf_adds(text, ", \"value\": ");
        add_rows(text, &p->site[s], p->site[s].value, p->pos);
        if (p->site[s].estimate) {
            clh_strbuf_adds(text, ", \"estimated_effect\": ");
            add_rows(text, &p->site[s], p->site[s].estimate, p->pos);
        }
        clh_strbuf_adds(text, "}");
    }
    clh_strbuf_adds(text, "]}");
}

/* How much of the way from the corrupted to the clean metric; NaN where there is none. */
static double share_of(const clh_patch *p, double value)
{
    const double way = p->clean - p->corrupted;
    return way < 0 || way > 0 ? (value - p->corrupted) / way : NAN;
}

/* Index of the piece with the largest effect. */
static size_t strongest(const clh_patch *p, const clh_patch_site *site)
{
    size_t best = 0;
    for (size_t i = 1; i < rows_of(site) * p->pos; i++)
        if (fabs(site->value[i] - p->corrupted) > fabs(site->value[best] - p->corrupted))
            best = i;
    return best;
}

static void print_site(const patch_job *job, const clh_patch_site *site)
{
    const clh_patch *p = &job->patch;
    const size_t best = strongest(p, site), pos = best % p->pos;
    const double effect = site->value[best] - p->corrupted;
    char head[24] = "-", label[48] = "";
    if (site->heads)
        (void)snprintf(head, sizeof head, "%zu", best / p->pos);
    if (clh_run_task(job->run))
        clh_task_label(clh_run_task(job->run), p->pos, pos, label);
    const double share = share_of(p, site->value[best]);
    char text[24] = "-";
    if (!isnan(share))
        (void)snprintf(text, sizeof text, "%.4f", clh_cli_shown(share, 4));
    (void)printf("%-28s %4s %5zu  %-16s %12.6f %10s", site->name, head, pos, label,
                 clh_cli_shown(effect, 6), text);
    if (site->estimate) {
        double worst = 0;
        for (size_t i = 0; i < rows_of(site) * p->pos; i++)
            worst = fmax(worst, fabs(site->estimate[i] - (site->value[i] - p->corrupted)));
        (void)printf(" %12.6f %12.6f", clh_cli_shown(site->estimate[best], 6), worst);
    }
    (void)puts("");
}

static void print_text(const patch_job *job)
{
    const clh_patch *p = &job->patch;
    (void)printf("%s: clean %.6f, corrupted %.6f\n", clh_opt_text(job->inv, "metric"), p->clean,
                 p->corrupted);
    if (isnan(share_of(p, p->clean)))
        (void)puts(
            "both runs have the same metric: there is no way from one to the other to share");
    (void)printf("strongest patch of each site:\n%-28s %4s %5s  %-16s %12s %10s%s\n", "site",
                 "head", "pos", "", "effect", "share",
                 job->ask.attribution ? "     estimate  worst error" : "");
    for (size_t s = 0; s < p->count; s++)
        print_site(job, &p->site[s]);
}

/* ---- Files --------------------------------------------------------------------------------------
 */

enum { NAME_SIZE = 96 };

static void add_tensor(clh_tensor *tensor, char *name, const clh_patch *p,
                       const clh_patch_site *site, const char *prefix, clh_real *data)
{
    (void)snprintf(name, NAME_SIZE, "%s%s", prefix, site->name);
    *tensor =
        site->heads
            ? (clh_tensor){.data = data, .rank = 2, .shape = {site->heads, p->pos}, .name = name}
            : (clh_tensor){.data = data, .rank = 1, .shape = {p->pos}, .name = name};
}

static clh_status write_tensors(const patch_job *job, const char *path, clh_error *err)
{
    const clh_patch *p = &job->patch;
    char clean[32], corrupted[32];
    (void)snprintf(clean, sizeof clean, "%.17g", p->clean);
    (void)snprintf(corrupted, sizeof corrupted, "%.17g", p->corrupted);
    const clh_pair metadata[] = {{"run", clh_run_path(job->run)},
                                 {"metric", clh_opt_text(job->inv, "metric")},
                                 {"clean", clean},
                                 {"corrupted", corrupted}};
    clh_tensor *tensors = clh_alloc_array(p->count, 2 * sizeof *tensors, err);
    char *names = clh_alloc_array(p->count, (size_t)2 * NAME_SIZE, err);
    size_t count = 0;
    clh_status status = tensors && names ? CLH_OK : CLH_ENOMEM;
    for (size_t s = 0; s < p->count && !status; s++) {
        const clh_patch_site *site = &p->site[s];
        clh_real *value = job->numbers + (site->value - p->numbers);
        add_tensor(&tensors[count], names + count * NAME_SIZE, p, site, "", value);
        count++;
        if (!site->estimate)
            continue;
        clh_real *estimate = job->numbers + (site->estimate - p->numbers);
        add_tensor(&tensors[count], names + count * NAME_SIZE, p, site, "attribution.", estimate);
        count++;
    }
    if (!status)
        status = clh_safetensors_write(path, tensors, count, metadata, CLH_COUNT(metadata), err);
    clh_free(names);
    clh_free(tensors);
    return status;
}

/* A row for each site and head: the share of the way from the corrupted to the clean metric. */
static void fill_figure(const patch_job *job, clh_real *share, char (*labels)[NAME_SIZE],
                        const char **rows)
{
    const clh_patch *p = &job->patch;
    size_t row = 0;
    for (size_t s = 0; s < p->count; s++)
        for (size_t h = 0; h < rows_of(&p->site[s]); h++, row++) {
            const char *name = p->site[s].name, *hook = strstr(name, "hook_");
            const char *layer = strncmp(name, "blocks.", 7) == 0 ? name + 7 : "";
            (void)snprintf(labels[row], NAME_SIZE, "%.*s %s", (int)strcspn(layer, "."), layer,
                           hook ? hook + 5 : name);
            if (p->site[s].heads) {
                const size_t length = strlen(labels[row]);
                (void)snprintf(labels[row] + length, NAME_SIZE - length, " %zu", h);
            }
            rows[row] = labels[row];
            for (size_t i = 0; i < p->pos; i++)
                share[row * p->pos + i] = (clh_real)share_of(p, p->site[s].value[h * p->pos + i]);
        }
}

static clh_status write_figure(const patch_job *job, const char *path, clh_error *err)
{
    const clh_patch *p = &job->patch;
    const size_t rows = p->patches / p->pos;
    clh_real *share = clh_alloc_array(p->patches, sizeof *share, err);
    char(*labels)[NAME_SIZE] = clh_alloc_array(rows, sizeof *labels, err);
    const char **row_labels = clh_alloc_array(rows, sizeof *row_labels, err);
    clh_status status = share && labels && row_labels ? CLH_OK : CLH_ENOMEM;
    if (!status) {
        fill_figure(job, share, labels, row_labels);
        const clh_heatmap_panel panel = {.values = share};
        const clh_heatmap_data data = {.panels = &panel,
                                       .panel_count = 1,
                                       .rows = rows,
                                       .cols = p->pos,
                                       .row_labels = row_labels,
                                       .x_label = "position",
                                       .y_label = "site",
                                       .strip = true};
        char caption[CLH_PAIR_CAPTION];
        clh_cli_pair_caption(caption, job->inv, job->run);
        const clh_figure_style style = {
            .title = "Activation patching: share of the metric brought back", .caption = caption};
        status = clh_figure_heatmap(path, &data, &style, err);
    }
    clh_free(row_labels);
    clh_free(labels);
    clh_free(share);
    return status;
}

static clh_status write_files(patch_job *job, clh_error *err)
{
    const char *out = clh_opt_text(job->inv, "out"), *figure = clh_opt_text(job->inv, "figure");
    const clh_patch *p = &job->patch;
    const size_t count = p->patches * (job->ask.attribution ? 2 : 1);
    job->numbers = clh_alloc_array(count, sizeof *job->numbers, err);
    if (!job->numbers)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++)
        job->numbers[i] = (clh_real)p->numbers[i];
    clh_status status = out ? write_tensors(job, out, err) : CLH_OK;
    return status || !figure ? status : write_figure(job, figure, err);
}

static clh_status patch(void *user, const clh_frame *frame, clh_error *err)
{
    const clh_invocation *inv = user;
    patch_job job = {.inv = inv, .run = frame->run};
    const bool film = clh_opt_flag(inv, "checkpoints");
    const double begin = clh_clock_seconds();
    clh_status status = read_ask(&job, err);
    if (!status)
        status = clh_patch_run(&job.patch, clh_run_model(job.run), &job.ask, err);
    if (!status && !film)
        (void)fprintf(stderr, "%zu patches, %zu of them computed, %.4f s\n", job.patch.patches,
                      job.patch.passes, clh_clock_seconds() - begin);
    if (!status && !film)
        status = write_files(&job, err);
    if (!status && frame->json)
        add_json(frame->json, &job);
    else if (!status)
        print_text(&job);
    clh_free(job.numbers);
    clh_patch_deinit(&job.patch);
    clh_cli_pair_deinit(&job.pair);
    return status;
}

int clh_cmd_patch(const clh_invocation *inv)
{
    clh_error err = {0};
    const clh_film film = {patch, (void *)inv, "patch", true};
    clh_status status =
        clh_opt_flag(inv, "checkpoints") && clh_opt_given(inv, "out")
            ? clh_fail(&err, CLH_EUSAGE, "--out writes one model's patches, want no --checkpoints")
            : clh_cli_film(inv, &film, &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
