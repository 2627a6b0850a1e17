/* A question asked of two subjects: both values beside each other. */
#include <string.h>

#include "ask/combine/combine.h"
#include "result/result_parts.h"

static const clh_field number_columns[] = {
    {"this", NULL, "of the subject", .flags = CLH_HEADLINE | CLH_OF_ROW, .panel = "both"},
    {"other", NULL, "of the one it is compared with", .flags = CLH_HEADLINE | CLH_OF_ROW,
     .panel = "both"},
    {"difference", NULL, "this - other", .flags = CLH_HEADLINE | CLH_OF_ROW},
    {0}};
static const clh_field answer_columns[] = {
    CLH_FIELD_TEXT("this", "the subject's answer", 0),
    CLH_FIELD_TEXT("other", "the other's", 0),
    {0},
};
const clh_schema clh_schema_of_against[] = {
    {CLH_PART_TABLE, "numbers", "both values of each number, and their difference",
     .keys = "number", .draw = "rows", .fields = number_columns},
    {CLH_PART_TABLE, "answers", "both answers to each verdict", .keys = "verdict",
     .fields = answer_columns},
    {0},
};

static void compare(clh_result *r, const clh_result *a, const clh_result *b)
{
    const clh_picked *p = clh_combine_picked(r);
    for (size_t i = 0; i < p->count; i++) {
        const double x = clh_result_number(a, p->path[i]), y = clh_result_number(b, p->path[i]);
        clh_result_row(r, "numbers", p->path[i]);
        clh_row_of(r, &p->column[i]);
        clh_row_put_numbers(r, {"this", x}, {"other", y}, {"difference", x - y});
    }
    for (size_t i = 0; i < p->verdicts; i++) {
        const char *x = clh_result_answer(a, p->verdict[i]->name);
        const char *y = clh_result_answer(b, p->verdict[i]->name);
        if (!x && !y) /* neither was asked to decide it */
            continue;
        clh_result_row(r, "answers", p->verdict[i]->name);
        clh_row_label(r, p->verdict[i]->meaning, NULL);
        clh_row_text(r, "this", x);
        clh_row_text(r, "other", y);
    }
}

/* Of the two, the first (0) or the second (1). */
static clh_status ask_half(clh_result **out, const clh_combine *c, clh_subject *subject,
                           const clh_how *how, size_t which, clh_error *err)
{
    clh_watch_part part;
    const clh_how half = {clh_how_threads(how),
                          clh_watch_part_of(&part, clh_how_watch(how), which, 1, 2)};
    return clh_ask(out, subject, c->question->name, c->settings, &half, err);
}

clh_status clh_ask_against(clh_result **out, clh_subject *subject, clh_subject *other,
                           const char *question, const clh_settings *settings, const char *numbers,
                           const clh_how *how, clh_error *err)
{
    clh_combine c;
    clh_result *a = NULL, *b = NULL, *both = NULL;
    if (!out || !subject || !other)
        return clh_fail(err, CLH_EUSAGE, "clh_ask_against() was given NULL, want two subjects");
    clh_status status = clh_combine_begin(&c, subject, question, settings, "against", numbers, err);
    if (!status)
        status = clh_ask_check(other, question, c.settings, err);
    if (!status)
        status = ask_half(&a, &c, subject, how, 0, err);
    if (!status)
        status = ask_half(&b, &c, other, how, 1, err);
    if (!status)
        status = clh_combine_open(&both, &c, a, err);
    if (!status) {
        char step[24], other_step[24];
        compare(both, a, b);
        clh_result_stamp(both, "step", clh_key_text(step, clh_subject_step(subject)));
        clh_result_stamp(both, "against", clh_subject_path(other));
        clh_result_stamp(both, "against_step", clh_key_text(other_step, clh_subject_step(other)));
        status = clh_result_check(both, err);
    }
    if (!status)
        status = clh_strbuf_check_lost(c.lost, err);
    clh_result_close(b);
    clh_result_close(a);
    clh_combine_end(&c);
    if (status)
        clh_result_close(both);
    else
        *out = both;
    return status;
}
