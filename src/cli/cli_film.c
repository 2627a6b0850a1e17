#include "cli/cli_film.h"

#include <assert.h>
#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/figure.h"
#include "cli/cli_measure.h"
#include "run/checkpoint.h"
#include "run/folder.h"

enum { NUMBERS_MOST = 6, COLUMN = 10, KEYS_MOST = 64 }; /* a figure has at most six curves */

typedef struct reel {
    const clh_invocation *inv;
    const clh_film *film;
    size_t *step, count;
    char *list;               /* --numbers, cut at its commas */
    char *name[NUMBERS_MOST]; /* in `list` */
    size_t numbers;
    double *x, *value; /* [count], [numbers, count] */
} reel;

/* ---- A number by its path ----------------------------------------------------------------------
 */

/* The first element that has a text which `path` begins with; its length into *used. A text may
 * have points in it, as names of hooks do. */
static const json_t *element_called(const json_t *array, const char *path, size_t *used)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        json_t *item = json_array_get(array, i);
        for (void *at = json_object_iter(item); at; at = json_object_iter_next(item, at)) {
            const char *text = json_string_value(json_object_iter_value(at));
            const size_t length = text ? strlen(text) : 0;
            if (length > 0 && strncmp(path, text, length) == 0 &&
                (path[length] == '.' || path[length] == '\0')) {
                *used = length;
                return item;
            }
        }
    }
    return NULL;
}

/* What the first part of a path stands for, NULL for nothing; the part's length into *used. */
static const json_t *step_into(const json_t *at, const char *path, size_t *used)
{
    char part[64], *end = NULL;
    *used = strcspn(path, ".");
    (void)snprintf(part, sizeof part, "%.*s", (int)*used, path);
    if (json_is_object(at))
        return json_object_get(at, part);
    const unsigned long index = strtoul(part, &end, 10);
    if (!isdigit((unsigned char)part[0]) || *end != '\0') /* "0_pre" is a text */
        return element_called(at, path, used);
    return json_array_get(at, index);
}

/* What there is to be named in an object (its keys) or an array (the texts of its elements). */
static size_t names_in(json_t *at, const char *names[KEYS_MOST])
{
    size_t count = 0;
    for (void *i = json_object_iter(at); i && count < KEYS_MOST; i = json_object_iter_next(at, i))
        names[count++] = json_object_iter_key(i);
    for (size_t e = 0; e < json_array_size(at); e++) {
        json_t *item = json_array_get(at, e);
        for (void *i = json_object_iter(item); i; i = json_object_iter_next(item, i)) {
            const char *text = json_string_value(json_object_iter_value(i));
            if (text && count < KEYS_MOST)
                names[count++] = text;
        }
    }
    return count;
}

/* `rest` is what of the path is not found in `at`. Its first part is looked for, and, as texts may
 * have points in them, the whole. */
static clh_status not_there(json_t *at, const char *path, const char *rest, clh_error *err)
{
    char part[64];
    const char *names[KEYS_MOST];
    const size_t count = names_in(at, names);
    (void)snprintf(part, sizeof part, "%.*s", (int)strcspn(rest, "."), rest);
    const char *nearest = clh_nearest_name(part, names, count);
    if (!nearest)
        nearest = clh_nearest_name(rest, names, count);
    return clh_fail(err, CLH_EUSAGE, "--numbers %s: there is no %s%s%s", path, part,
                    nearest ? ", did you mean " : ": --json shows all there are",
                    nearest ? nearest : "");
}

/* The number at `path`; NaN for null. */
static clh_status number_at(json_t *root, const char *path, double *out, clh_error *err)
{
    const json_t *at = root;
    for (const char *from = path; *from;) {
        size_t used = 0;
        json_t *above = (json_t *)at;
        at = step_into(at, from, &used);
        if (!at)
            return not_there(above, path, from, err);
        from += used + (from[used] == '.');
    }
    *out = json_is_null(at) ? NAN : json_number_value(at);
    return json_is_null(at) || json_is_number(at)
               ? CLH_OK
               : clh_fail(err, CLH_EUSAGE, "--numbers %s is no number%s", path,
                          json_is_object(at) || json_is_array(at) ? ", name one of those in it"
                                                                  : "");
}

/* ---- One checkpoint ----------------------------------------------------------------------------
 */

static void drop_number(reel *r, size_t at)
{
    r->numbers--;
    for (size_t i = at; i < r->numbers; i++)
        r->name[i] = r->name[i + 1];
}

/* The numbers of one checkpoint. Of those shown by default what a measure has not is left out. */
static clh_status take_numbers(reel *r, size_t index, const char *text, clh_error *err)
{
    json_t *root = json_loads(text, 0, NULL);
    assert(root);
    const bool may_drop = index == 0 && !clh_opt_given(r->inv, "numbers");
    clh_status status = CLH_OK;
    for (size_t i = 0; i < r->numbers && !status;) {
        status = number_at(root, r->name[i], &r->value[i * r->count + index], err);
        if (status == CLH_EUSAGE && may_drop) {
            drop_number(r, i);
            status = CLH_OK;
        } else {
            i++;
        }
    }
    json_decref(root);
    return status;
}

static int column(const char *name)
{
    return strlen(name) > COLUMN ? (int)strlen(name) : COLUMN;
}

static void print_row(const reel *r, size_t index)
{
    for (size_t i = 0; i < r->numbers && index == 0; i++)
        (void)printf("%s  %*s", i ? "" : "    step", column(r->name[i]), r->name[i]);
    (void)printf("%s%8zu", index ? "" : "\n", r->step[index]);
    for (size_t i = 0; i < r->numbers; i++)
        (void)printf("  %*.6f", column(r->name[i]), r->value[i * r->count + index]);
    (void)puts("");
}

static clh_status measure_one(reel *r, size_t index, clh_error *err)
{
    clh_run *run = NULL;
    clh_strbuf json = {0};
    char *file = clh_checkpoint_path(clh_arg(r->inv, 0), r->step[index], err);
    clh_status status = file ? clh_run_open(&run, file, err) : CLH_ENOMEM;
    if (!status)
        status = r->film->measure(r->film->user, &(clh_frame){run, &json, NULL}, err);
    if (!status)
        status = clh_strbuf_check(&json, err);
    if (status)
        clh_fail_context(err, status, "checkpoint of step %zu", r->step[index]);
    else
        status = take_numbers(r, index, clh_strbuf_view(&json), err);
    if (!status && r->inv->json)
        (void)puts(clh_strbuf_view(&json));
    else if (!status)
        print_row(r, index);
    (void)fflush(stdout);
    clh_strbuf_deinit(&json);
    clh_run_close(run);
    clh_free(file);
    return status;
}

/* ---- The figure --------------------------------------------------------------------------------
 */

/* Losses stand on the left axis, a logarithmic one; what else there is on the right. */
static clh_status draw(const reel *r, const char *path, clh_error *err)
{
    clh_series series[NUMBERS_MOST];
    size_t losses = 0;
    for (size_t i = 0; i < r->numbers; i++)
        losses += strstr(r->name[i], "loss") != NULL;
    for (size_t i = 0; i < r->numbers; i++)
        series[i] = (clh_series){.name = r->name[i],
                                 .x = r->x,
                                 .y = r->value + i * r->count,
                                 .count = r->count,
                                 .points = true,
                                 .right = losses && !strstr(r->name[i], "loss")};
    const clh_curve_data data = {.series = series,
                                 .series_count = r->numbers,
                                 .x_label = "step",
                                 .y_label = losses ? "loss, nats a token" : NULL,
                                 .linear_y = losses == 0};
    char title[64];
    (void)snprintf(title, sizeof title, "%s over training", r->inv->command->name);
    const clh_figure_style style = {.title = title, .caption = clh_arg(r->inv, 0)};
    return clh_figure_curve(path, &data, &style, err);
}

/* ---- All of them -------------------------------------------------------------------------------
 */

static clh_status cut_names(reel *r, clh_error *err)
{
    const char *text = clh_opt_text(r->inv, "numbers");
    assert(text);
    const size_t length = strlen(text) + 1;
    r->list = clh_alloc_array(length, 1, err);
    if (!r->list)
        return CLH_ENOMEM;
    memcpy(r->list, text, length);
    for (char *save = NULL, *name = strtok_r(r->list, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        if (r->numbers == NUMBERS_MOST)
            return clh_fail(err, CLH_EUSAGE, "--numbers names more than %d, want at most that",
                            NUMBERS_MOST);
        r->name[r->numbers++] = name + strspn(name, " ");
    }
    return r->numbers ? CLH_OK
                      : clh_fail(err, CLH_EUSAGE, "--numbers names none, want at least one");
}

static clh_status load(reel *r, clh_error *err)
{
    const char *path = clh_arg(r->inv, 0);
    clh_status status = cut_names(r, err);
    if (!status && !clh_is_folder(path))
        status =
            clh_fail(err, CLH_EINPUT, "%s is no run folder, want one with its checkpoints", path);
    if (!status)
        status = clh_checkpoint_list(path, &r->step, &r->count, err);
    if (!status && r->count == 0)
        status = clh_fail(err, CLH_EINPUT, "%s has no checkpoints", path);
    if (status)
        return status;
    r->x = clh_alloc_array(r->count * (NUMBERS_MOST + 1), sizeof *r->x, err);
    if (!r->x)
        return CLH_ENOMEM;
    r->value = r->x + r->count;
    for (size_t i = 0; i < r->count; i++)
        r->x[i] = (double)r->step[i];
    return CLH_OK;
}

static clh_status check_options(const clh_invocation *inv, const clh_film *film, clh_error *err)
{
    const bool over = clh_opt_flag(inv, "checkpoints");
    if (over && clh_opt_given(inv, "checkpoint"))
        return clh_fail(err, CLH_EUSAGE,
                        "--checkpoint and --checkpoints are both given, want one of them");
    if (!over && clh_opt_given(inv, "numbers"))
        return clh_fail(err, CLH_EUSAGE,
                        "--numbers are shown over training, want --checkpoints too");
    if (!over && clh_opt_given(inv, "figure") && !film->figures)
        return clh_fail(err, CLH_EUSAGE,
                        "--figure draws numbers over training, want --checkpoints too");
    return over && clh_opt_given(inv, "figure") ? clh_figure_available(err) : CLH_OK;
}

static clh_status film_all(reel *r, clh_error *err)
{
    const clh_watch watch = clh_cli_watch_line(r->inv, "checkpoint");
    const char *figure = clh_opt_text(r->inv, "figure");
    clh_status status = load(r, err);
    for (size_t i = 0; i < r->count && !status && !clh_cli_out_failed(); i++) {
        clh_watch_call(&watch, i, r->count);
        status = measure_one(r, i, err);
    }
    return status || !figure ? status : draw(r, figure, err);
}

static clh_status measure_alone(const clh_invocation *inv, const clh_film *film, clh_error *err)
{
    const clh_watch watch = clh_cli_watch_line(inv, film->unit);
    clh_run *run = NULL;
    clh_strbuf json = {0};
    clh_status status = clh_cli_open_run(inv, &run, err);
    if (!status)
        status =
            film->measure(film->user, &(clh_frame){run, inv->json ? &json : NULL, &watch}, err);
    if (!status)
        status = clh_strbuf_check(&json, err);
    if (!status && inv->json)
        (void)puts(clh_strbuf_view(&json));
    clh_strbuf_deinit(&json);
    clh_run_close(run);
    return status;
}

clh_status clh_cli_film(const clh_invocation *inv, const clh_film *film, clh_error *err)
{
    assert(inv && film && film->measure && film->unit);
    reel r = {.inv = inv, .film = film};
    clh_status status = check_options(inv, film, err);
    if (status)
        return status;
    if (!clh_opt_flag(inv, "checkpoints"))
        return measure_alone(inv, film, err);
    status = film_all(&r, err);
    clh_free(r.x);
    clh_free(r.list);
    clh_free(r.step);
    return status;
}
