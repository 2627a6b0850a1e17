#include "prove/program/program_parts.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"

/* ---- Opening -----------------------------------------------------------------------------------
 */

enum { SETTINGS_MAX = 16 };

/* "permutations n=4": a name, then settings; `text` is cut into them. */
static clh_status open_task(clh_task **out, char *text, clh_error *err)
{
    clh_task_setting settings[SETTINGS_MAX + 1] = {{0}};
    size_t count = 0;
    char *save = NULL;
    const clh_task_config config = {.name = strtok_r(text, " ", &save), .settings = settings};
    for (char *word = strtok_r(NULL, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        if (!value || count == SETTINGS_MAX)
            return clh_fail(err, CLH_EFORMAT, "found %s, want at most %d settings as in n=4", word,
                            SETTINGS_MAX);
        *value = '\0';
        settings[count++] = (clh_task_setting){word, value + 1};
    }
    return clh_task_open(out, &config, err);
}

clh_status clh_program_open(clh_program **out, const char *header, clh_error *err)
{
    clh_program *p = clh_alloc_zeroed(1, sizeof *p, err);
    const size_t bytes = strlen(header) + 1;
    char *words = p ? clh_alloc_array(bytes, 1, err) : NULL;
    if (words)
        p->header = clh_alloc_array(bytes, 1, err);
    clh_status status = words && p->header ? CLH_OK : CLH_ENOMEM;
    if (!status) {
        memcpy(words, header, bytes);
        memcpy(p->header, header, bytes);
        status = open_task(&p->task, words, err);
    }
    if (!status)
        status = clh_letters_asked_open(&p->asked, p->task, CLH_DOMAIN_TUPLES, err);
    if (!status) {
        p->place = clh_alloc_zeroed(p->asked.length, sizeof *p->place, err);
        p->rule = clh_alloc_zeroed(p->asked.length, sizeof *p->rule, err);
        status = p->place && p->rule ? CLH_OK : CLH_ENOMEM;
    }
    if (!status) {
        (void)clh_places_find(p->place, p->task, p->asked.length);
        for (size_t i = 0; i < p->asked.length; i++)
            p->rule[i].attention = p->rule[i].least = NAN;
    }
    clh_free(words);
    if (status)
        clh_program_close(p);
    else
        *out = p;
    return status;
}

void clh_program_close(clh_program *p)
{
    if (!p)
        return;
    clh_letters_asked_deinit(&p->asked);
    clh_task_close(p->task);
    clh_free(p->header);
    clh_free(p->place);
    clh_free(p->rule);
    clh_free(p);
}

clh_status clh_program_header_of(char **header, const clh_task *task, clh_error *err)
{
    clh_letters_asked asked = {0};
    clh_strbuf text = {0};
    clh_status status = clh_letters_asked_open(&asked, task, CLH_DOMAIN_TUPLES, err);
    if (status)
        return status;
    clh_strbuf_addf(&text, "%s n=%zu", clh_task_name(task), asked.n);
    clh_letters_asked_deinit(&asked);
    *header = clh_strbuf_take(&text, err);
    return *header ? CLH_OK : CLH_ENOMEM;
}

clh_status clh_program_fits(const clh_program *p, const clh_task *task, clh_error *err)
{
    clh_letters_asked other = {0};
    clh_status status = clh_letters_asked_open(&other, task, CLH_DOMAIN_TUPLES, err);
    if (status)
        return status;
    const clh_letters_asked *own = &p->asked;
    if (own->n != other.n || own->length != other.length ||
        memcmp(own->slot, other.slot, own->length) != 0 ||
        memcmp(own->token, other.token, sizeof own->token) != 0)
        status =
            clh_fail(err, CLH_ESHAPE,
                     "the program is of %s, %zu letters and %zu tokens; want that of a model of "
                     "%s, %zu letters and %zu tokens",
                     clh_task_name(p->task), own->n, own->length, clh_task_name(task), other.n,
                     other.length);
    clh_letters_asked_deinit(&other);
    return status;
}

/* ---- Rules -------------------------------------------------------------------------------------
 */

void clh_target_add(clh_target *t, const clh_letters_asked *asked, size_t position, double weight)
{
    const uint8_t slot = asked->slot[position];
    for (size_t i = 0; i < t->count; i++)
        if (t->slot[i] == slot) {
            t->weight[i] += weight;
            return;
        }
    assert(t->count < CLH_CERTIFY_LETTERS); /* n slots at most */
    t->slot[t->count] = slot;
    t->position[t->count] = (uint32_t)position;
    t->weight[t->count++] = weight;
}

size_t clh_program_missing(const clh_program *p)
{
    for (size_t i = p->asked.first_scored; i < p->asked.length; i++)
        if (!p->rule[i].given)
            return i;
    return SIZE_MAX;
}

bool clh_target_equal(const clh_target *a, const clh_target *b)
{
    bool same = a->count == b->count && (a->count > 0 || a->token == b->token);
    for (size_t i = 0; i < a->count && same; i++)
        same = a->position[i] == b->position[i] &&
               (a->count == 1 || fabs(a->weight[i] - b->weight[i]) < 0.005);
    return same;
}

clh_status clh_program_diff(size_t *count, bool *differs, const clh_program *a,
                            const clh_program *b, clh_error *err)
{
    CLH_REQUIRE(count && a && b, err, "a place for the count and two programs");
    const clh_status status = clh_program_fits(a, b->task, err);
    *count = 0;
    for (size_t i = a->asked.first_scored; i < a->asked.length && !status; i++) {
        const clh_program_rule_row *x = &a->rule[i], *y = &b->rule[i];
        const bool differ =
            x->given != y->given || (x->given && !clh_target_equal(&x->target, &y->target));
        *count += differ;
        if (differs)
            differs[i] = differ;
    }
    return status;
}

/* ---- Numbers -----------------------------------------------------------------------------------
 */

/* FNV-1a, of what a rule says. */
static uint64_t hash(uint64_t h, uint64_t word)
{
    for (size_t b = 0; b < sizeof word; b++)
        h = (h ^ (word >> 8 * b & 0xff)) * UINT64_C(1099511628211);
    return h;
}

static void count_rule(clh_program_sums *out, const clh_program_rule_row *r, size_t position,
                       size_t *readers)
{
    const clh_target *t = &r->target;
    out->rules++;
    out->constant += t->count == 0;
    out->copy += t->count == 1;
    out->mixture += t->count > 1;
    out->number = hash(hash(out->number, position), t->count ? t->count : (uint64_t)t->token << 8);
    for (size_t i = 0; i < t->count; i++) {
        readers[t->position[i]]++;
        out->number = hash(out->number, t->position[i]);
    }
    if (t->count == 0 || isnan(r->attention))
        return;
    out->explained += r->attention;
    out->explained_least = fmin(out->explained_least, r->least);
}

clh_status clh_program_count(clh_program_sums *out, const clh_program *p, clh_error *err)
{
    CLH_REQUIRE(out && p, err, "a place for the numbers and a program");
    size_t *readers = clh_alloc_zeroed(p->asked.length, sizeof *readers, err), known = 0, read = 0;
    if (!readers)
        return CLH_ENOMEM;
    *out = (clh_program_sums){.length = p->asked.length,
                              .letters = p->asked.n,
                              .scored = p->asked.length - p->asked.first_scored,
                              .explained_least = INFINITY,
                              .number = UINT64_C(14695981039346656037)};
    for (size_t i = p->asked.first_scored; i < p->asked.length; i++) {
        const clh_program_rule_row *r = &p->rule[i];
        if (!r->given)
            continue;
        count_rule(out, r, i, readers);
        known += r->target.count > 0 && !isnan(r->attention);
    }
    const size_t copies = out->copy + out->mixture;
    for (size_t i = 0; i < p->asked.length; i++) {
        const bool hub = readers[i] > 0 && readers[i] * 20 >= copies;
        out->sources += readers[i] > 0;
        out->hubs += hub;
    }
    for (size_t i = p->asked.first_scored; i < p->asked.length; i++)
        if (p->rule[i].given && p->rule[i].target.count > 0)
            read += readers[p->rule[i].target.position[0]] * 20 >= copies;
    out->hub_share = copies ? (double)read / (double)copies : NAN;
    out->explained = known ? out->explained / (double)known : NAN;
    out->explained_least = known ? out->explained_least : NAN;
    clh_free(readers);
    return CLH_OK;
}

/* ---- Running -----------------------------------------------------------------------------------
 */

clh_status clh_program_run(char **text, const clh_program *p, const char *letters, clh_error *err)
{
    CLH_REQUIRE(text && p && letters, err, "a place for the text, a program and letters");
    char name[24];
    const size_t missing = clh_program_missing(p);
    if (missing != SIZE_MAX) {
        clh_place_name(p, missing, name);
        return clh_fail(err, CLH_EFORMAT, "the program has no rule for position %s, want one",
                        name);
    }
    clh_sequence room = {.tokens = clh_alloc_array(p->asked.length, sizeof *room.tokens, err),
                         .capacity = p->asked.length};
    if (!room.tokens)
        return CLH_ENOMEM;
    clh_status status = clh_task_expand(p->task, letters, &room, err);
    if (!status && room.length != p->asked.length)
        status = clh_fail(err, CLH_EINPUT, "%zu letters, the program wants %zu", strlen(letters),
                          p->asked.n);
    for (size_t i = p->asked.first_scored; i < p->asked.length && !status; i++)
        room.tokens[i] = clh_target_read(&p->rule[i].target, room.tokens);
    if (!status)
        status = clh_task_decode(p->task, room.tokens, room.length, text, err);
    clh_free(room.tokens);
    return status;
}

clh_status clh_program_pattern(const clh_program *p, clh_real *pattern, bool *given, size_t length,
                               clh_error *err)
{
    CLH_REQUIRE(p && pattern && given, err, "a program and room for a pattern");
    if (length != p->asked.length)
        return clh_fail(err, CLH_ESHAPE, "room for %zu positions, the program has %zu", length,
                        p->asked.length);
    memset(pattern, 0, length * length * sizeof *pattern);
    memset(given, 0, length * sizeof *given);
    for (size_t i = 1; i < length; i++) {
        const clh_target *t = &p->rule[i].target;
        double sum = 0;
        for (size_t k = 0; k < t->count; k++)
            sum += t->weight[k];
        given[i - 1] = p->rule[i].given && t->count > 0;
        for (size_t k = 0; k < t->count; k++)
            pattern[(i - 1) * length + t->position[k]] = (clh_real)(t->weight[k] / sum);
    }
    return CLH_OK;
}
