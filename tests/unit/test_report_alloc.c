/* Results shown while memory runs out: each allocation fails once, and nothing is leaked or left. */
#include "report/format.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/result_case.h"
#include "support/temp_folder.h"

/* Fontconfig keeps some of its own memory at exit. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

static const char *const drawn[] = {"interventions", "training", "lines", "gaps",        "many",
                                    "pattern",       "strip",    "text",  "by_position", "ids"};

typedef struct attempt {
    clh_result *result;
    const char *format, *part;
    char path[TEMP_PATH_MAX];
} attempt;

static clh_status write_once(void *context)
{
    attempt *a = context;
    const clh_show show = {.part = a->part};
    char *text = NULL;
    if (*a->path)
        return clh_report_save(a->result, a->path, &show, NULL);
    clh_status status = clh_report_text(&text, a->result, a->format, &show, NULL);
    clh_free(text);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    attempt a = {.result = result_case_make()};
    static const char *const formats[] = {"text", "json", "csv", "markdown", "terminal"};
    for (size_t i = 0; i < 5; i++) {
        a.format = formats[i];
        assert_true(failing_alloc_each(write_once, &a) > 3);
    }
    for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++) {
        a.part = drawn[i];
        assert_true(failing_alloc_each(write_once, &a) > 3);
    }
    a.part = "interventions";
    temp_folder_path(*state, "a.safetensors", a.path);
    assert_true(failing_alloc_each(write_once, &a) > 30);
    a.part = NULL;
    assert_true(failing_alloc_each(write_once, &a) > 30);
    static const char *const pages[] = {"a.svg", "a.png", "a.pdf"};
    a.part = "interventions";
    for (size_t i = 0; i < 3 && !clh_figure_available(NULL); i++) {
        temp_folder_path(*state, pages[i], a.path);
        assert_true(failing_alloc_each(write_once, &a) > 5);
    }
    /* no temporary file stays */
    assert_int_equal(temp_folder_count(*state), clh_figure_available(NULL) ? 1 : 4);
    clh_result_close(a.result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
