/* A program's text. Grammar (docs/formats.md, "Programs"):
 *
 *    program  = "clearhead-program 1" { line }
 *    line     = [ "task" NAME { KEY "=" VALUE } | rule ] [ "#" … ]
 *    rule     = ( "write" '"' SYMBOL '"' | "copy" source { "," source } ) "->" place { place }
 *    source   = ( position | "first" | "last" | "before" ) [ WEIGHT ]
 *    place    = position [ ".." position ] | "letters" | "rest" | "end"
 *    position = NUMBER | TERM "." SLOT
 */
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/keys.h"
#include "base/platform/file.h"
#include "prove/program/program_parts.h"

enum { WORD_MAX = 63, SOURCES_MAX = 64, FILE_MOST = 1 << 22 };

typedef enum relative { AT, FIRST, LAST, BEFORE, RELATIVES } relative;
static const char *const relatives[] = {NULL, "first", "last", "before"};

typedef struct source {
    relative how;
    size_t position, column;
    double weight;
} source;

typedef struct parser {
    const char *name, *at, *start; /* of the line */
    size_t line, column;           /* of the word read last */
    char word[WORD_MAX + 1];
    char quote[WORD_MAX + 1]; /* what stood between quotes; the word is then '"' */
    const clh_task *task;
    bool any; /* the text may name another task */
    clh_program *program;
    source source[SOURCES_MAX];
    size_t sources;
    clh_target constant; /* of "write" */
    clh_error *err;
} parser;

static clh_status wrong(parser *p, clh_status status, const char *found, const char *want)
{
    return clh_fail(p->err, status, "%s:%zu:%zu: found %s, want %s", p->name, p->line, p->column,
                    found, want);
}

static bool ends(char c)
{
    return c == '\0' || c == '\n' || c == '\r' || c == '#';
}

/* The next word of the line into p->word, "" at its end: a comma alone, or up to a space or comma. */
static void next(parser *p)
{
    size_t n = 0;
    p->at += strspn(p->at, " \t");
    p->column = (size_t)(p->at - p->start) + 1;
    if (*p->at == '"') {
        const char *close = strpbrk(p->at + 1, "\"\n");
        if (close && *close == '"' && close - p->at <= WORD_MAX) {
            memcpy(p->quote, p->at + 1, (size_t)(close - p->at) - 1);
            p->quote[close - p->at - 1] = '\0';
            p->at = close + 1;
            memcpy(p->word, "\"", 2);
            return;
        }
    }
    if (*p->at == ',')
        p->word[n++] = *p->at++;
    else
        while (!ends(*p->at) && !strchr(" \t,", *p->at) && n < WORD_MAX)
            p->word[n++] = *p->at++;
    p->word[n] = '\0';
}

static const char *found(const parser *p)
{
    return *p->word ? p->word : "the end of the line";
}

/* A whole number at *text; false where there is none, or one of more than 9 digits. */
static bool number(const char **text, size_t *out)
{
    size_t digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 9)
        return false;
    *out = 0;
    for (; digits > 0; digits--)
        *out = 10 * *out + (size_t)(*(*text)++ - '0');
    return true;
}

/* "17" or "2.3" at *text. */
static clh_status position(parser *p, const char **text, size_t *out)
{
    const clh_program *program = p->program;
    size_t term, slot;
    if (!number(text, &term))
        return wrong(p, CLH_EFORMAT, found(p), "a position: a number, or TERM.SLOT as 2.3");
    if (text[0][0] == '.' && text[0][1] != '.') {
        (*text)++;
        if (!number(text, &slot))
            return wrong(p, CLH_EFORMAT, found(p), "the number of a slot behind the term, as 2.3");
        *out = clh_place_find(program, term, slot);
    } else
        *out = term < program->asked.length ? term : SIZE_MAX;
    if (*out != SIZE_MAX)
        return CLH_OK;
    char want[96];
    (void)snprintf(want, sizeof want, "a position of %s: 0 to %zu, or a term and slot it has",
                   program->header, program->asked.length - 1);
    return wrong(p, CLH_ERANGE, found(p), want);
}

/* ---- Sources -----------------------------------------------------------------------------------
 */

static clh_status read_weight(parser *p, double *weight)
{
    static const clh_key key = {
        .name = "weight", .kind = CLH_KEY_REAL, .size = sizeof(double), .values = "(0, 1000000]"};
    clh_error bad = {0};
    if (clh_key_from_text(&key, weight, p->word, &bad))
        return wrong(p, CLH_EFORMAT, found(p), "a weight above 0, a comma or ->");
    next(p);
    return CLH_OK;
}

static clh_status read_source(parser *p, source *out)
{
    *out = (source){.weight = 1, .column = p->column};
    clh_status status = CLH_OK;
    for (relative r = FIRST; r < RELATIVES; r++)
        if (strcmp(p->word, relatives[r]) == 0)
            out->how = r;
    if (out->how == AT) {
        const char *text = p->word;
        status = position(p, &text, &out->position);
        if (!status && *text)
            status = wrong(p, CLH_EFORMAT, found(p), "one position, first, last or before");
    }
    next(p);
    if (!status && *p->word && strcmp(p->word, ",") != 0 && strcmp(p->word, "->") != 0)
        status = read_weight(p, &out->weight);
    return status;
}

static clh_status read_sources(parser *p)
{
    clh_status status = CLH_OK;
    p->sources = 0;
    next(p);
    for (bool more = true; more && !status;) {
        if (p->sources == SOURCES_MAX)
            return wrong(p, CLH_EFORMAT, found(p), "at most 64 sources");
        status = read_source(p, &p->source[p->sources++]);
        more = strcmp(p->word, ",") == 0;
        if (more && !status)
            next(p);
    }
    return status;
}

static clh_status read_constant(parser *p)
{
    uint32_t token;
    size_t length = 0;
    next(p);
    if (strcmp(p->word, "\"") != 0)
        return wrong(p, CLH_EFORMAT, found(p), "a symbol in quotes");
    clh_error why = {0};
    if (clh_task_encode(p->program->task, p->quote, &token, 1, &length, &why) == CLH_ENOMEM)
        return clh_fail(p->err, CLH_ENOMEM, "%s", why.message);
    if (why.status || length != 1)
        return wrong(p, CLH_EINPUT, p->quote, "one symbol of the vocabulary in quotes");
    p->constant = (clh_target){.token = token};
    p->sources = 0;
    next(p);
    return CLH_OK;
}

/* Where a source is, for this destination; SIZE_MAX: nowhere. */
static size_t resolve(const parser *p, const source *s, size_t to)
{
    const clh_program *program = p->program;
    const uint8_t *slot = program->asked.slot;
    const clh_place *at = &program->place[to];
    if (s->how == AT)
        return s->position;
    if (s->how == BEFORE)
        return at->term > 1 ? clh_place_find(program, at->term - 1, at->slot) : SIZE_MAX;
    size_t found_at = SIZE_MAX;
    for (size_t i = 0; i < to && slot[to] < program->asked.n; i++)
        if (slot[i] == slot[to] && (s->how == LAST || found_at == SIZE_MAX))
            found_at = i;
    return found_at;
}

/* Whether the rule at `from`, behind `to`, reads what stands there, maybe by way of others: each of those reads
 * only what is before it. */
static bool reads(clh_program *program, size_t from, size_t to)
{
    clh_program_rule_row *rule = program->rule;
    for (size_t i = 0; i <= from; i++)
        rule[i].reached = i == from;
    for (size_t i = from; i > to; i--)
        for (size_t k = 0; rule[i].reached && rule[i].given && k < rule[i].target.count; k++)
            rule[rule[i].target.position[k]].reached = true;
    return rule[to].reached;
}

static clh_status check_order(parser *p, const source *s, size_t from, size_t to)
{
    char a[24], b[24], text[96];
    p->column = s->column;
    clh_place_name(p->program, to, b);
    if (from == SIZE_MAX) {
        (void)snprintf(text, sizeof text, "a position: for %s there is none", b);
        return wrong(p, CLH_EINPUT, relatives[s->how], text);
    }
    if (from < to)
        return CLH_OK;
    clh_place_name(p->program, from, a);
    const bool cycle = from == to || reads(p->program, from, to);
    (void)snprintf(text, sizeof text, "a source before its destination %s%s", b,
                   cycle ? "; the two are a cycle" : "");
    return wrong(p, CLH_EINPUT, a, text);
}

/* The target of one destination. */
static clh_status make_target(parser *p, size_t to, clh_target *out)
{
    const clh_letters_asked *a = &p->program->asked;
    *out = (clh_target){0};
    if (p->sources == 0)
        *out = p->constant;
    for (size_t i = 0; i < p->sources; i++) {
        const size_t from = resolve(p, &p->source[i], to);
        const clh_status status = check_order(p, &p->source[i], from, to);
        if (status)
            return status;
        if (a->slot[from] < a->n)
            clh_target_add(out, a, from, p->source[i].weight);
        else if (p->sources == 1)
            out->token = a->fixed[from];
        else {
            char name[24];
            clh_place_name(p->program, from, name);
            return wrong(p, CLH_EINPUT, name, "positions of letters in a mixture");
        }
    }
    return CLH_OK;
}

/* ---- Destinations ------------------------------------------------------------------------------
 */

static clh_status give(parser *p, size_t to)
{
    clh_program_rule_row *rule = &p->program->rule[to];
    char name[24], text[96];
    const size_t column = p->column;
    clh_place_name(p->program, to, name);
    if (rule->given) {
        (void)snprintf(text, sizeof text, "one rule for each position; line %zu has one",
                       rule->line);
        return wrong(p, CLH_EINPUT, name, text);
    }
    if (to == 0)
        return wrong(p, CLH_EINPUT, name, "a position behind the first, which nothing predicts");
    clh_status status = make_target(p, to, &rule->target);
    rule->given = true;
    rule->line = p->line;
    p->column = column;
    return status;
}

/* A set of scored positions by its name. */
static clh_status give_named(parser *p, bool *named)
{
    const clh_letters_asked *a = &p->program->asked;
    const bool letters = strcmp(p->word, "letters") == 0, rest = strcmp(p->word, "rest") == 0;
    const bool end = strcmp(p->word, "end") == 0;
    clh_status status = CLH_OK;
    *named = letters || rest || end;
    for (size_t i = a->first_scored; i < a->length && *named && !status; i++)
        if ((letters && a->slot[i] < a->n) || (rest && !p->program->rule[i].given) ||
            (end && i == a->length - 1))
            status = give(p, i);
    return status;
}

/* "A..B": by TERM.SLOT the same slot of terms or the slots of a term, by numbers every position. */
static clh_status give_range(parser *p, size_t from, size_t to, bool dotted)
{
    const clh_place a = clh_place_of(p->program, from), b = clh_place_of(p->program, to);
    clh_status status = CLH_OK;
    if (to < from)
        return wrong(p, CLH_EFORMAT, found(p), "the earlier position first");
    if (dotted && a.slot != b.slot && a.term != b.term)
        return wrong(p, CLH_EFORMAT, found(p), "one slot of several terms, or slots of one term");
    for (size_t t = a.term; t <= b.term && dotted && a.slot == b.slot && !status; t++)
        status = give(p, clh_place_find(p->program, t, a.slot));
    for (size_t i = from; i <= to && !(dotted && a.slot == b.slot) && !status; i++)
        status = give(p, i);
    return status;
}

static clh_status read_places(parser *p)
{
    if (strcmp(p->word, "->") != 0)
        return wrong(p, CLH_EFORMAT, found(p), "->");
    next(p);
    if (!*p->word)
        return wrong(p, CLH_EFORMAT, found(p), "positions behind ->");
    clh_status status = CLH_OK;
    for (; *p->word && !status; next(p)) {
        bool named;
        size_t from, to;
        const char *text = p->word, *dots = strstr(text, "..");
        const char *dot = strchr(text, '.');
        status = give_named(p, &named);
        if (status || named)
            continue;
        status = position(p, &text, &from);
        to = from;
        if (!status && strncmp(text, "..", 2) == 0) {
            text += 2;
            status = position(p, &text, &to);
        }
        if (!status && *text)
            status = wrong(p, CLH_EFORMAT, found(p), "a position, A..B, letters, rest or end");
        if (!status)
            status = give_range(p, from, to, dot != dots);
        if (status)
            break;
    }
    return status;
}

/* ---- Lines -------------------------------------------------------------------------------------
 */

static clh_status read_task(parser *p)
{
    clh_strbuf header = {0};
    clh_error why = {0};
    const size_t column = p->column;
    if (p->program)
        return wrong(p, CLH_EFORMAT, "task", "it once, before every rule");
    for (next(p); *p->word; next(p))
        clh_strbuf_addf(&header, "%s%s", header.length ? " " : "", p->word);
    p->column = column;
    clh_status status = clh_strbuf_check(&header, p->err);
    if (!status && header.length == 0)
        status = wrong(p, CLH_EFORMAT, "task alone", "a task, as in task permutations n=4");
    if (!status && (status = clh_program_open(&p->program, clh_strbuf_view(&header), &why)))
        clh_fail(p->err, status, "%s:%zu:%zu: %s", p->name, p->line, column, why.message);
    if (!status && p->task && !p->any && (status = clh_program_fits(p->program, p->task, &why)))
        clh_fail(p->err, status, "%s:%zu:%zu: %s", p->name, p->line, column, why.message);
    clh_strbuf_deinit(&header);
    return status;
}

/* Without a line of its own a program is of the task it is read for. */
static clh_status need_task(parser *p)
{
    char *header = NULL;
    if (p->program)
        return CLH_OK;
    if (!p->task)
        return wrong(p, CLH_EFORMAT, p->word,
                     "a line before it that says which task, as "
                     "task permutations n=4");
    clh_status status = clh_program_header_of(&header, p->task, p->err);
    if (!status)
        status = clh_program_open(&p->program, header, p->err);
    if (!status)
        status = clh_program_fits(p->program, p->task, p->err);
    clh_free(header);
    return status;
}

static clh_status read_line(parser *p)
{
    next(p);
    const bool copy = strcmp(p->word, "copy") == 0;
    if (!*p->word)
        return CLH_OK;
    if (strcmp(p->word, "task") == 0)
        return read_task(p);
    if (!copy && strcmp(p->word, "write") != 0)
        return wrong(p, CLH_EFORMAT, found(p), "task, write or copy");
    clh_status status = need_task(p);
    if (!status)
        status = copy ? read_sources(p) : read_constant(p);
    return status ? status : read_places(p);
}

static clh_status parse(clh_program **out, const char *text, const char *name, const clh_task *task,
                        bool any, clh_error *err)
{
    parser p = {.name = name,
                .at = text,
                .start = text,
                .line = 1,
                .column = 1,
                .task = task,
                .any = any,
                .err = err};
    const size_t format = strlen(CLH_PROGRAM_FORMAT), first = strcspn(text, "\r\n");
    clh_status status = CLH_OK;
    if (first < format || strncmp(text, CLH_PROGRAM_FORMAT, format) != 0 ||
        strspn(text + format, " \t") != first - format) {
        char line[48];
        (void)snprintf(line, sizeof line, "%.*s", (int)(first < 40 ? first : 40), text);
        status = wrong(&p, CLH_EFORMAT, *line ? line : "nothing", CLH_PROGRAM_FORMAT);
    }
    p.at = text + first;
    while (!status && *p.at) {
        p.at += strcspn(p.at, "\n");
        if (!*p.at)
            break;
        p.start = ++p.at;
        p.line++;
        status = read_line(&p);
    }
    if (!status && !p.program) {
        (void)snprintf(p.word, sizeof p.word, "no rule");
        status = need_task(&p);
    }
    if (status)
        clh_program_close(p.program);
    else
        *out = p.program;
    return status;
}

clh_status clh_program_parse(clh_program **out, const char *text, const char *name,
                             const clh_task *task, clh_error *err)
{
    CLH_REQUIRE(out && text && name, err, "a place for the program, a text and its name");
    return parse(out, text, name, task, false, err);
}

static clh_status read_file(clh_program **out, const char *path, const clh_task *task, bool any,
                            clh_error *err)
{
    char *text = NULL;
    clh_status status = clh_file_read_text(&text, path, FILE_MOST, err);
    if (!status)
        status = parse(out, text, path, task, any, err);
    clh_free(text);
    return status;
}

clh_status clh_program_read(clh_program **out, const char *path, const clh_task *task,
                            clh_error *err)
{
    CLH_REQUIRE(out && path, err, "a place for the program and a path");
    return read_file(out, path, task, false, err);
}

clh_status clh_program_read_any(clh_program **out, const char *path, const clh_task *task,
                                clh_error *err)
{
    CLH_REQUIRE(out && path, err, "a place for the program and a path");
    return read_file(out, path, task, true, err);
}

clh_status clh_program_is_file(bool *out, const char *path, clh_error *err)
{
    static const char begin[] = "clearhead-program";
    clh_error why = {0};
    char *text = NULL;
    CLH_REQUIRE(out && path, err, "room for the answer and a path");
    *out = clh_file_read_text(&text, path, FILE_MOST, &why) == CLH_OK &&
           strncmp(text, begin, sizeof begin - 1) == 0;
    clh_free(text);
    return why.status == CLH_ENOMEM ? clh_fail(err, CLH_ENOMEM, "%s", why.message) : CLH_OK;
}
