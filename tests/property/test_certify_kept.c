/* A certificate that is interrupted, by forward passes or by bounds, goes on from its file, to the same bytes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/certify.h"
#include "clearhead/safetensors.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/planted.h"
#include "support/task_of.h"
#include "support/temp_folder.h"

enum { FILE_MOST = 1 << 20, ALL = 1000000 };

typedef struct looks {
    size_t count, stop;      /* told; says stop at this call (0: never) */
    size_t tasks;            /* of which some are kept; 0: those of the first call */
    bool began;              /* with them */
    bool behind;             /* says stop behind them */
    size_t first, last, all; /* of them done at the first call, at the last, of so many */
    size_t copy;             /* at this many done the file is read */
    const char *path;
    size_t size;
    char bytes[FILE_MOST];
} looks;

static bool look(size_t done, size_t count, void *user)
{
    looks *l = user;
    l->count++;
    if (!l->began && (l->tasks == 0 || l->tasks == count)) {
        l->began = true;
        l->first = done;
        l->all = count;
    }
    if (count == l->all) /* else of what comes before them, or after */
        l->last = done;
    if (l->copy && count == l->all && done >= l->copy) {
        l->size = temp_file_get(l->path, l->bytes, sizeof l->bytes);
        l->copy = 0;
    }
    return l->count != l->stop && !(l->behind && l->began && count != l->all);
}

typedef struct kept_case {
    clh_task *task;
    clh_model *model;
    clh_certify_options options;
} kept_case;

/* Some tokens have the same logits: which of them is written only a forward pass can say. */
static void make_ties(const clh_model *model)
{
    enum { FIRST = 7, END = 20 };
    const size_t d_model = clh_model_get_config(model)->d_model;
    for (size_t i = 0; i < d_model; i++) {
        clh_real sum = 0;
        for (size_t token = FIRST; token < END; token++)
            sum += *planted_at(model, "unembed.W_U", i, token);
        for (size_t token = FIRST; token < END; token++)
            *planted_at(model, "unembed.W_U", i, token) = sum;
    }
    for (size_t token = FIRST; token < END; token++)
        *planted_at(model, "unembed.b_U", 0, token) = 0;
}

static kept_case case_of(const char *task, clh_domain_kind domain, clh_certify_way way,
                         uint64_t seed)
{
    kept_case c = {.task = task_of("%s", task)};
    const planted p = {CLH_NORM_LN, 0.02, 1, seed};
    c.options = (clh_certify_options){.domain = domain,
                                      .way = way,
                                      .margins = true,
                                      .histogram = true,
                                      .proof = way == CLH_CERTIFY_BOUNDS,
                                      .counterexamples = ALL};
    if (domain != CLH_DOMAIN_TASK) {
        c.model = planted_open(c.task, &p);
        if (way == CLH_CERTIFY_BOUNDS)
            make_ties(c.model);
        return c;
    }
    clh_error err = {0};
    clh_model_config config = {.n_layers = 2, .n_heads = 2, .d_model = 8, .d_head = 4};
    config.n_ctx = clh_task_length_max(c.task);
    config.d_vocab = clh_task_d_vocab(c.task);
    config.d_vocab_out = clh_task_d_vocab_out(c.task);
    config.attn_only = true;
    config.normalization_type = CLH_NORM_LN;
    config.eps = 1e-5;
    must(clh_model_open(&c.model, &config, &err), &err);
    clh_model_init(c.model, seed);
    return c;
}

static void case_close(kept_case *c)
{
    clh_model_close(c->model);
    clh_task_close(c->task);
}

static clh_status certify(clh_certificate *out, const kept_case *c, const char *keep,
                          size_t threads, looks *l, clh_error *err)
{
    clh_certify_options options = c->options;
    const clh_watch watch = {look, l};
    options.keep = keep;
    options.keep_seconds = l->copy ? 1e-6 : 0;
    return clh_certify(out, c->model, c->task, &options, &(clh_how){threads, &watch}, err);
}

/* Every input that fails, the worst first. */
static void assert_same_examples(const clh_certificate *a, const clh_certificate *b)
{
    assert_int_equal(a->counterexample_count, a->all.failures);
    assert_int_equal(b->counterexample_count, a->all.failures);
    for (size_t i = 0; i < a->counterexample_count; i++) {
        const clh_counterexample *x = &a->counterexamples[i], *y = &b->counterexamples[i];
        assert_int_equal(x->rank, y->rank);
        assert_memory_equal(x->letters, y->letters, sizeof x->letters);
        assert_int_equal(x->position, y->position);
        assert_int_equal(x->expected, y->expected);
        assert_int_equal(x->predicted, y->predicted);
        assert_int_equal(x->mistakes, y->mistakes);
        assert_memory_equal(&x->margin, &y->margin, sizeof x->margin);
        assert_true(i == 0 || x->margin >= x[-1].margin);
    }
}

/* Bit by bit, as far as structs have no holes. */
static void assert_same(const clh_certificate *a, const clh_certificate *b)
{
    assert_int_equal(a->length, b->length);
    assert_memory_equal(a->failed_at, b->failed_at, a->length * sizeof *a->failed_at);
    assert_memory_equal(a->histogram, b->histogram, CLH_MARGIN_BINS * sizeof *a->histogram);
    assert_int_equal(a->forward, b->forward);
    assert_int_equal(a->exact, b->exact);
    assert_int_equal(a->undecided, b->undecided);
    assert_int_equal(a->rounded, b->rounded);
    assert_memory_equal(a->by_depth, b->by_depth, sizeof a->by_depth);
    assert_int_equal(a->proof_count, b->proof_count);
    if (a->proof_count)
        assert_memory_equal(a->proof, b->proof, a->proof_count * sizeof *a->proof);
    for (size_t k = 0; k <= CLH_CERTIFY_CLASSES; k++) {
        const clh_certify_row *x = k < CLH_CERTIFY_CLASSES ? &a->classes[k] : &a->all,
                              *y = k < CLH_CERTIFY_CLASSES ? &b->classes[k] : &b->all;
        assert_int_equal(x->inputs, y->inputs);
        assert_int_equal(x->failures, y->failures);
        assert_int_equal(x->tokens, y->tokens);
        assert_memory_equal(&x->margin, &y->margin, sizeof x->margin);
        assert_int_equal(x->margin_input.rank, y->margin_input.rank);
        assert_memory_equal(x->margin_input.letters, y->margin_input.letters, CLH_CERTIFY_LETTERS);
        assert_int_equal(x->margin_position, y->margin_position);
    }
    assert_same_examples(a, b);
}

static const struct {
    const char *task;
    clh_domain_kind domain;
    clh_certify_way way;
} cases[] = {{"n=2 letters=tuples", CLH_DOMAIN_TUPLES, CLH_CERTIFY_FORWARD},
             {"n=2 letters=sorted", CLH_DOMAIN_SORTED, CLH_CERTIFY_FORWARD},
             {"task=modular_addition p=31", CLH_DOMAIN_TASK, CLH_CERTIFY_FORWARD},
             {"n=2 letters=tuples", CLH_DOMAIN_TUPLES, CLH_CERTIFY_BOUNDS},
             {"n=2 letters=sorted", CLH_DOMAIN_ORDERED, CLH_CERTIFY_BOUNDS}};

/* What is kept: by bounds queries, by passes batches of inputs. */
static size_t tasks_of(const kept_case *c, const clh_certificate *whole)
{
    return c->options.way == CLH_CERTIFY_BOUNDS ? whole->length - whole->first_scored : 0;
}

/* Stopped again and again, each time with another number of threads, each time with less left. */
static void stopped_it_goes_on(void **state)
{
    char path[TEMP_PATH_MAX];
    static looks all, some;
    clh_error err = {0};
    temp_folder_path(*state, "kept", path);
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        kept_case c = case_of(cases[i].task, cases[i].domain, cases[i].way, 3);
        clh_certificate plain = {0}, kept = {0};
        all = (looks){0};
        must(certify(&plain, &c, NULL, 1, &all, &err), &err);
        assert_true(plain.all.failures > 0 && plain.counterexample_count > 0);
        clh_status status = CLH_STOPPED;
        size_t rounds = 0, times = 0, done = 0;
        for (; status == CLH_STOPPED; rounds++) {
            some = (looks){.stop = 2 + rounds * all.count / 20, .tasks = tasks_of(&c, &plain)};
            status = certify(&kept, &c, path, 1 + rounds % 3, &some, &err);
            assert_true(!some.began || some.first >= done);
            if (status != CLH_STOPPED)
                break;
            assert_null(kept.failed_at);
            assert_non_null(strstr(err.message, "stopped after"));
            times += some.began;
            assert_int_equal(temp_folder_count(*state), times > 0);
            done = some.began ? some.last : done;
        }
        must(status, &err);
        assert_true(times > 0); /* how often threads look is not determined */
        assert_int_equal(temp_folder_count(*state), 0);
        assert_same(&plain, &kept);
        clh_certificate_deinit(&kept);
        clh_certificate_deinit(&plain);
        case_close(&c);
    }
}

/* Stopped while counterexamples are looked at: all is decided, and the file has it. */
static void stopped_behind_it_keeps_all(void **state)
{
    char path[TEMP_PATH_MAX];
    static looks all, some;
    clh_error err = {0};
    temp_folder_path(*state, "kept", path);
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        kept_case c = case_of(cases[i].task, cases[i].domain, cases[i].way, 3);
        clh_certificate plain = {0}, kept = {0};
        all = (looks){0};
        must(certify(&plain, &c, NULL, 1, &all, &err), &err);
        some = (looks){.behind = true, .tasks = tasks_of(&c, &plain)};
        assert_int_equal(certify(&kept, &c, path, 2, &some, &err), CLH_STOPPED);
        assert_non_null(strstr(err.message, "counterexamples; "));
        assert_non_null(strstr(err.message, "kept keeps what was decided"));
        all = (looks){.tasks = tasks_of(&c, &plain)};
        must(certify(&kept, &c, path, 1, &all, &err), &err);
        assert_true(!all.began || all.first == all.all);
        assert_same(&plain, &kept);
        assert_int_equal(temp_folder_count(*state), 0);
        clh_certificate_deinit(&kept);
        clh_certificate_deinit(&plain);
        case_close(&c);
    }
}

/* What a process that is killed leaves behind: the file as it is in the middle. */
static void killed_it_goes_on(void **state)
{
    char path[TEMP_PATH_MAX], left[TEMP_PATH_MAX];
    static looks all, some;
    clh_error err = {0};
    temp_folder_path(*state, "kept", path);
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        kept_case c = case_of(cases[i].task, cases[i].domain, cases[i].way, 4);
        clh_certificate plain = {0}, kept = {0};
        all = (looks){0};
        must(certify(&plain, &c, NULL, 2, &all, &err), &err);
        const size_t tasks = tasks_of(&c, &plain);
        some = (looks){.copy = (tasks ? tasks : all.all) / 2, .path = path, .tasks = tasks};
        must(certify(&kept, &c, path, 2, &some, &err), &err);
        assert_same(&plain, &kept);
        clh_certificate_deinit(&kept);
        assert_true(some.size > 0 && some.size < FILE_MOST);
        temp_folder_put(*state, "left", some.bytes, some.size, left);
        all = (looks){0};
        must(certify(&kept, &c, left, 1, &all, &err), &err);
        assert_same(&plain, &kept);
        assert_int_equal(temp_folder_count(*state), 0);
        clh_certificate_deinit(&kept);
        clh_certificate_deinit(&plain);
        case_close(&c);
    }
}

/* ---- What does not fit -------------------------------------------------------------------------
 */

static char interrupted[FILE_MOST];
static size_t interrupted_size;

static void assert_refused(temp_folder *folder, const kept_case *c, const void *bytes, size_t size,
                           const char *wanted)
{
    static char after[FILE_MOST];
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    clh_certificate out;
    looks *l = clh_alloc_zeroed(1, sizeof *l, &err);
    temp_folder_put(folder, "kept", bytes, size, path);
    assert_true(certify(&out, c, path, 1, l, &err) != CLH_OK);
    if (!strstr(err.message, wanted))
        fail_msg("'%s' says nothing of '%s'", err.message, wanted);
    assert_non_null(strstr(err.message, "kept"));
    assert_null(strchr(err.message, '\n'));
    assert_int_equal(l->count, 0); /* before anything is computed */
    assert_int_equal(temp_file_get(path, after, sizeof after), size);
    assert_memory_equal(after, bytes, size);
    clh_free(l);
}

static void spoilt_files_are_refused(temp_folder *folder, clh_certify_way way, size_t stop)
{
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    clh_certificate out;
    kept_case c = case_of("n=2 letters=tuples", CLH_DOMAIN_TUPLES, way, 3);
    static looks some;
    some = (looks){.stop = stop};
    (void)remove(temp_folder_path(folder, "kept", path));
    assert_int_equal(certify(&out, &c, path, 1, &some, &err), CLH_STOPPED);
    interrupted_size = temp_file_get(path, interrupted, sizeof interrupted);
    assert_true(interrupted_size < FILE_MOST);
    static char other[FILE_MOST];
    for (size_t at = 20; at < interrupted_size; at += interrupted_size / 9) {
        memcpy(other, interrupted, interrupted_size);
        other[at] ^= 4;
        assert_refused(folder, &c, other, interrupted_size, "");
        assert_refused(folder, &c, interrupted, at, "");
    }
    assert_refused(folder, &c, "", 0, "is empty");
    assert_refused(folder, &c, "inputs,failures\n", 16, "kept");
    const clh_array none = clh_array_vector("done", CLH_I64, &(int64_t){0}, 1);
    must(clh_safetensors_write_arrays(path, &none, 1, NULL, 0, &err), &err);
    const size_t size = temp_file_get(path, other, sizeof other);
    assert_refused(folder, &c, other, size, "is no interrupted certificate");
    case_close(&c);
}

static void other_files_are_refused(void **state)
{
    spoilt_files_are_refused(*state, CLH_CERTIFY_BOUNDS, 200);
    spoilt_files_are_refused(*state, CLH_CERTIFY_FORWARD, 40);
}

static void other_certificates_are_refused(void **state)
{
    static const struct {
        const char *task;
        clh_domain_kind domain;
        uint64_t seed;
        bool margins, histogram;
        const char *wanted;
    } others[] = {
        {"n=2 letters=tuples", CLH_DOMAIN_TUPLES, 4, true, true, "weights"},
        {"n=2 letters=tuples", CLH_DOMAIN_SORTED, 3, true, true, "domain"},
        {"n=2 letters=tuples", CLH_DOMAIN_TUPLES, 3, false, true, "margins"},
        {"n=2 letters=tuples", CLH_DOMAIN_TUPLES, 3, true, false, "histogram"},
        {"n=3 letters=tuples", CLH_DOMAIN_TUPLES, 3, true, true, "inputs"},
        {"task=modular_addition p=31", CLH_DOMAIN_TASK, 3, true, true, "domain"},
    };
    for (size_t i = 0; i < CLH_COUNT(others); i++) {
        kept_case c =
            case_of(others[i].task, others[i].domain, CLH_CERTIFY_FORWARD, others[i].seed);
        c.options.margins = others[i].margins;
        c.options.histogram = others[i].histogram;
        assert_true(interrupted_size > 0); /* by the test before */
        assert_refused(*state, &c, interrupted, interrupted_size, others[i].wanted);
        case_close(&c);
    }
    kept_case c = case_of("n=2 letters=tuples", CLH_DOMAIN_TUPLES, CLH_CERTIFY_FORWARD, 3);
    clh_model_config config = *clh_model_get_config(c.model);
    clh_model *same = NULL;
    clh_error err = {0};
    config.eps = 1e-3;
    must(clh_model_open(&same, &config, &err), &err);
    size_t count;
    const clh_real *from = clh_model_data(c.model, &count);
    memcpy(clh_model_data(same, &count), from, count * sizeof *from);
    clh_model_close(c.model);
    c.model = same;
    assert_refused(*state, &c, interrupted, interrupted_size, "config");
    case_close(&c);
    c = case_of("n=2 letters=tuples", CLH_DOMAIN_TUPLES, CLH_CERTIFY_BOUNDS, 3);
    c.options.proof = false;
    assert_refused(*state, &c, interrupted, interrupted_size, "way");
    case_close(&c);
}

static void a_folder_that_is_not_there_is_refused(void **state)
{
    char path[TEMP_PATH_MAX];
    static looks some;
    clh_error err = {0};
    clh_certificate out;
    kept_case c = case_of("n=2 letters=sorted", CLH_DOMAIN_SORTED, CLH_CERTIFY_FORWARD, 3);
    some = (looks){0};
    temp_folder_path(*state, "none/kept", path);
    assert_int_equal(certify(&out, &c, path, 1, &some, &err), CLH_EIO);
    assert_int_equal(some.count, 0);
    case_close(&c);
}

/* What fails before anything was done leaves no file. */
static void nothing_done_leaves_no_file(void **state)
{
    char path[TEMP_PATH_MAX];
    static looks some;
    clh_error err = {0};
    clh_certificate out;
    kept_case c = case_of("n=2 letters=sorted", CLH_DOMAIN_SORTED, CLH_CERTIFY_BOUNDS, 3);
    some = (looks){0};
    *planted_at(c.model, "unembed.W_U", 0, 0) = NAN;
    temp_folder_path(*state, "kept", path);
    assert_int_equal(certify(&out, &c, path, 1, &some, &err), CLH_ENUMERIC);
    assert_int_equal(temp_folder_count(*state), 0);
    case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(stopped_it_goes_on),
        FOLDER_TEST(stopped_behind_it_keeps_all),
        FOLDER_TEST(killed_it_goes_on),
        FOLDER_TEST(other_files_are_refused),
        FOLDER_TEST(other_certificates_are_refused),
        FOLDER_TEST(a_folder_that_is_not_there_is_refused),
        FOLDER_TEST(nothing_done_leaves_no_file),
    };
    return cmocka_run_group_tests_name("certify kept", tests, NULL, NULL);
}
