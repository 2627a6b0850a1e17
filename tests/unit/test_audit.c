/* The audit of a task against counting by brute force: every element of the domain looked at for every
 * prediction, every shortcut written once more. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/audit.h"
#include "clearhead/sample.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/stopping.h"
#include "support/task_of.h"
#include "support/temp_folder.h"

enum { LOOKED_AT = 60, IDS = 64 };

static void assert_ok(clh_status status)
{
    assert_int_equal(status, CLH_OK);
}

static const char *const tasks[] = {
    "task=modular_addition p=7 train_fraction=0.5",
    "task=modular_addition p=11",
    "task=sorting sort_length=2 sort_values=7",
    "task=sorting sort_length=3 sort_values=8 sort_repeats=false",
    "task=induction repeat_length=3 repeat_vocab=3 repeat_least=2",
    "task=induction repeat_length=4 repeat_vocab=2 repeat_least=4 repeat_separator=true",
    "task=induction repeat_length=4 repeat_vocab=3 repeat_least=3", /* lengths weigh */
    "task=permutations n=1,2 letters=tuples",
    "task=permutations n=2 first_scored=1",
};

/* The samples that an audit looked at. */
static void draw(const clh_task *task, const clh_audit *audit, clh_sample *train, clh_sample *test)
{
    assert_ok(
        clh_sample_draw(train, task, CLH_SPLIT_TRAIN, 0, audit->sequences[CLH_SPLIT_TRAIN], NULL));
    assert_ok(clh_sample_draw(test, task, audit->side, 0, audit->sequences[audit->side], NULL));
}

static const uint32_t *ids_of(const clh_sample *s, size_t k)
{
    return s->ids + k * s->stride;
}

/* The whole domain, and how many elements have a sequence's length. */
static void open_domain(clh_sample *out, const clh_task *task)
{
    const size_t size = (size_t)clh_task_domain_size(task), stride = clh_task_length_max(task);
    *out = (clh_sample){.task = task, .count = size, .stride = stride};
    out->ids = clh_alloc_zeroed(size * stride, sizeof *out->ids, NULL);
    out->length = clh_alloc_zeroed(size, sizeof *out->length, NULL);
    out->first_scored = clh_alloc_zeroed(size, sizeof *out->first_scored, NULL);
    assert_true(out->ids && out->length && out->first_scored);
    for (size_t r = 0; r < size; r++) {
        clh_sequence s = {.tokens = out->ids + r * stride, .capacity = stride};
        assert_ok(clh_task_unrank(task, r, &s, NULL));
        out->length[r] = s.length;
        out->first_scored[r] = s.first_scored;
    }
}

/* -log P of token i of `ids` among all elements that begin as it does; those of one length weigh
 * together as much as those of another where the task mixes lengths. */
static double surprise(const clh_sample *domain, const uint32_t *ids, size_t i)
{
    size_t of_length[IDS] = {0};
    double before = 0, after = 0;
    for (size_t r = 0; r < domain->count; r++)
        of_length[clh_task_mixture(domain->task) > 1 ? domain->length[r] : 0]++;
    for (size_t r = 0; r < domain->count; r++) {
        const uint32_t *other = ids_of(domain, r);
        const size_t length = clh_task_mixture(domain->task) > 1 ? domain->length[r] : 0;
        if (domain->length[r] <= i || domain->first_scored[r] > i ||
            memcmp(other, ids, i * sizeof *ids) != 0)
            continue;
        before += 1 / (double)of_length[length];
        after += other[i] == ids[i] ? 1 / (double)of_length[length] : 0;
    }
    return log(before / after);
}

static void check_floor(const clh_task *task, const clh_audit *audit, const clh_sample *test)
{
    clh_sample domain;
    open_domain(&domain, task);
    double sum = 0;
    size_t count = 0;
    for (size_t k = 0; k < test->count; k++) {
        double own = 0;
        for (size_t i = test->first_scored[k]; i < test->length[k]; i++, count++)
            own += surprise(&domain, ids_of(test, k), i);
        assert_true(fabs(own - audit->floor.sequence[k].loss) < 1e-9);
        sum += own;
    }
    assert_true(audit->floor_known);
    assert_int_equal(audit->floor.total.count, count);
    assert_true(fabs(sum - audit->floor.total.loss) < 1e-9);
    clh_sample_deinit(&domain);
}

/* The token most often right in training where `same` says it is alike; of several the lowest. */
typedef bool alike(const uint32_t *a, size_t i, const uint32_t *b, size_t j);

static bool anywhere(const uint32_t *a, size_t i, const uint32_t *b, size_t j)
{
    (void)a, (void)i, (void)b, (void)j;
    return true;
}

static bool at_position(const uint32_t *a, size_t i, const uint32_t *b, size_t j)
{
    (void)a, (void)b;
    return i == j;
}

static bool after_token(const uint32_t *a, size_t i, const uint32_t *b, size_t j)
{
    return a[i - 1] == b[j - 1];
}

static uint32_t most(const clh_sample *train, alike *is, const uint32_t *ids, size_t i)
{
    size_t seen[80] = {0}, best = 0, all = 0;
    for (size_t k = 0; k < train->count; k++)
        for (size_t j = train->first_scored[k]; j < train->length[k]; j++)
            if (is(ids, i, ids_of(train, k), j)) {
                seen[ids_of(train, k)[j]]++;
                all++;
            }
    for (size_t t = 1; t < CLH_COUNT(seen); t++)
        best = seen[t] > seen[best] ? t : best;
    return all > 0 || is == anywhere ? (uint32_t)best : most(train, anywhere, ids, i);
}

static size_t distance_of(const clh_sample *train)
{
    size_t best = 1, best_right = 0;
    for (size_t d = 1; d < IDS; d++) {
        size_t right = 0;
        for (size_t k = 0; k < train->count; k++)
            for (size_t j = train->first_scored[k]; j < train->length[k]; j++)
                right += j >= d && ids_of(train, k)[j - d] == ids_of(train, k)[j];
        if (right > best_right) {
            best = d;
            best_right = right;
        }
    }
    return best;
}

static uint32_t predict(size_t rule, const clh_sample *train, size_t distance, const uint32_t *ids,
                        size_t i)
{
    size_t at = 0; /* one behind where the token before last stood; 0: nowhere */
    switch (rule) {
    case 0:
        return ids[i - 1];
    case 1:
        return most(train, anywhere, ids, i);
    case 2:
        return most(train, at_position, ids, i);
    case 3:
        return most(train, after_token, ids, i);
    case 4:
        return i >= distance ? ids[i - distance] : most(train, anywhere, ids, i);
    default:
        for (size_t j = 0; j + 1 < i; j++)
            at = ids[j] == ids[i - 1] ? j + 1 : at;
        return at ? ids[at] : most(train, anywhere, ids, i);
    }
}

static void check_rules(const clh_audit *audit, const clh_sample *train, const clh_sample *test)
{
    const size_t distance = distance_of(train);
    assert_int_equal(audit->distance, distance);
    for (size_t rule = 0; rule < CLH_AUDIT_RULES; rule++) {
        size_t right = 0, whole = 0, count = 0;
        for (size_t k = 0; k < test->count; k++) {
            size_t wrong = 0;
            for (size_t i = test->first_scored[k]; i < test->length[k]; i++, count++) {
                const uint32_t *ids = ids_of(test, k);
                const bool is = predict(rule, train, distance, ids, i) == ids[i];
                right += is;
                wrong += !is;
            }
            whole += wrong == 0;
        }
        if (audit->rule[rule].total.correct != right)
            fail_msg("%s: %zu right, want %zu", clh_audit_rule_name(rule),
                     audit->rule[rule].total.correct, right);
        assert_int_equal(audit->rule[rule].total.count, count);
        assert_int_equal(audit->rule[rule].total.sequences_correct, whole);
    }
}

/* Held-out sequences of which training has the tokens from … to, or to the end. */
static size_t shared(const clh_sample *train, const clh_sample *test, bool prompt, bool answer)
{
    size_t count = 0;
    for (size_t k = 0; k < test->count; k++) {
        bool found = false;
        const size_t from = test->first_scored[k], rest = test->length[k] - from;
        for (size_t j = 0; j < train->count && !found; j++) {
            const size_t other = train->first_scored[j];
            const bool same_prompt =
                train->length[j] >= from &&
                memcmp(ids_of(test, k), ids_of(train, j), from * sizeof(uint32_t)) == 0;
            const bool same_answer = train->length[j] - other == rest &&
                                     memcmp(ids_of(test, k) + from, ids_of(train, j) + other,
                                            rest * sizeof(uint32_t)) == 0;
            found = (!prompt || same_prompt) && (!answer || same_answer) &&
                    (!(prompt && answer) || train->length[j] == test->length[k]);
        }
        count += found;
    }
    return count;
}

static void check_shared(const clh_audit *audit, const clh_sample *train, const clh_sample *test)
{
    assert_int_equal(audit->same_sequence, shared(train, test, true, true));
    assert_int_equal(audit->same_prompt, shared(train, test, true, false));
    assert_int_equal(audit->same_answer, shared(train, test, false, true));
}

static void numbers_are_those_of_brute_force(void **state)
{
    (void)state;
    for (size_t t = 0; t < CLH_COUNT(tasks); t++) {
        clh_task *task = task_of("%s", tasks[t]);
        clh_audit audit = {0};
        clh_sample train = {0}, test = {0};
        assert_ok(clh_audit_run(&audit, task, LOOKED_AT, NULL, NULL));
        draw(task, &audit, &train, &test);
        check_floor(task, &audit, &test);
        check_rules(&audit, &train, &test);
        check_shared(&audit, &train, &test);
        assert_int_equal(audit.same_sequence, 0);
        assert_int_equal(audit.wrong_side, 0);
        assert_int_equal(audit.tokens_out, clh_task_d_vocab_out(task));
        clh_sample_deinit(&test);
        clh_sample_deinit(&train);
        clh_audit_deinit(&audit);
        clh_task_close(task);
    }
}

/* Of the user's own lines: in file order, of several lengths, some of them equal. */
static void lines_are_audited_too(void **state)
{
    char path[TEMP_PATH_MAX];
    FILE *file = fopen(temp_folder_path(*state, "lines.jsonl", path), "w");
    assert_non_null(file);
    for (int i = 0; i < 40; i++)
        (void)fprintf(file, i % 3 ? "[%d, 1, %d]\n" : "[%d, 1, %d, 2]\n", (i * 7) % 4, i % 5);
    (void)fclose(file);
    clh_task *task = task_of("task=lines data=%s test_sequences=0", path);
    clh_audit audit = {0};
    clh_sample train = {0}, test = {0};
    assert_ok(clh_audit_run(&audit, task, LOOKED_AT, NULL, NULL));
    assert_int_equal(audit.side, CLH_SPLIT_TRAIN); /* nothing is held out */
    assert_true(audit.whole[CLH_SPLIT_TRAIN]);
    assert_int_equal(audit.sequences[CLH_SPLIT_TRAIN], 40);
    draw(task, &audit, &train, &test);
    check_floor(task, &audit, &test);
    assert_true(audit.floor.total.loss > 1); /* lines that begin alike end differently */
    check_rules(&audit, &train, &test);
    clh_sample_deinit(&test);
    clh_sample_deinit(&train);
    clh_audit_deinit(&audit);
    clh_task_close(task);
}

/* A held-out line that another goes on from is not that other. */
static void a_beginning_is_no_sequence_of_training(void **state)
{
    static const char lines[] = "[5, 1, 2]\n[5, 1, 3]\n[6, 1, 2]\n[5, 1]\n[7, 1]\n[6, 2]\n";
    char path[TEMP_PATH_MAX];
    clh_audit audit = {0};
    clh_sample train = {0}, test = {0};
    (void)temp_folder_put(*state, "lines.jsonl", lines, strlen(lines), path);
    clh_task *task = task_of("task=lines data=%s test_sequences=3", path);
    assert_ok(clh_audit_run(&audit, task, LOOKED_AT, NULL, NULL));
    draw(task, &audit, &train, &test);
    check_floor(task, &audit, &test);
    check_rules(&audit, &train, &test);
    check_shared(&audit, &train, &test);
    assert_int_equal(audit.same_sequence, 0);
    assert_int_equal(audit.same_prompt, 2); /* 5 and 6 */
    clh_sample_deinit(&test);
    clh_sample_deinit(&train);
    clh_audit_deinit(&audit);
    clh_task_close(task);
}

/* What it says of tasks whose answers are known without counting. */
static void known_answers_come_out(void **state)
{
    (void)state;
    clh_task *task = task_of("task=induction repeat_length=12 repeat_least=12 repeat_vocab=20");
    clh_audit audit = {0};
    assert_ok(clh_audit_run(&audit, task, 200, NULL, NULL));
    assert_int_equal(audit.distance, 12); /* halves of one length: copying is all there is to do */
    assert_int_equal(audit.rule[4].total.correct, audit.rule[4].total.count);
    assert_true(audit.floor_known && audit.floor.total.loss == 0);
    clh_audit_deinit(&audit);
    clh_task_close(task);
    task = task_of("task=induction repeat_length=40 repeat_vocab=1000");
    assert_ok(clh_audit_run(&audit, task, 20, NULL, NULL));
    assert_false(audit.floor_known || audit.whole[0] || audit.whole[1]);
    clh_audit_deinit(&audit);
    clh_task_close(task);
}

static clh_status audit_all(void *context, stopping *s, clh_error *err)
{
    clh_audit audit = {0};
    clh_status status = clh_audit_run(&audit, context, LOOKED_AT, s->how, err);
    if (!status) {
        stopping_note(s, &audit.floor.total, sizeof audit.floor.total);
        for (size_t r = 0; r < CLH_AUDIT_RULES; r++)
            stopping_note(s, &audit.rule[r].total, sizeof audit.rule[r].total);
    }
    clh_audit_deinit(&audit);
    return status;
}

static clh_status audit_plainly(void *task)
{
    clh_audit audit = {0};
    clh_error err = {0};
    const clh_status status = clh_audit_run(&audit, task, LOOKED_AT, NULL, &err);
    clh_audit_deinit(&audit);
    return status;
}

static void it_is_refused_or_stopped(void **state)
{
    (void)state;
    clh_task *task = task_of("task=modular_addition p=7");
    clh_audit audit = {0};
    clh_error err = {0};
    assert_int_equal(clh_audit_run(&audit, task, 0, NULL, &err), CLH_ERANGE);
    assert_string_equal(err.message, "an audit of 0 sequences, want at least 1");
    assert_null(clh_audit_rule_name(CLH_AUDIT_RULES));
    assert_null(clh_audit_rule_text(CLH_AUDIT_RULES));
    clh_audit_deinit(NULL);
    stopping_check(audit_all, task, true);
    assert_true(failing_alloc_each(audit_plainly, task) > 10);
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_brute_force),
        FOLDER_TEST(lines_are_audited_too),
        FOLDER_TEST(a_beginning_is_no_sequence_of_training),
        cmocka_unit_test(known_answers_come_out),
        cmocka_unit_test(it_is_refused_or_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
