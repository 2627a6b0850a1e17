/* Numbers in and out are the same whatever decimal point the caller's locale has; and the locale is
 * the caller's. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/keys.h"
#include "base/platform/decimal.h"
#include "base/strbuf.h"
#include "clearhead/ask.h"
#include "clearhead/figure.h"
#include "clearhead/report.h"
#include "clearhead/run.h"
#include "clearhead/train.h"
#include "support/cmocka_all.h"
#include "support/comma.h"
#include "support/must.h"
#include "support/question_case.h"
#include "support/run_case.h"

/* Fontconfig keeps some of its own memory at exit. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

/* The second is the Arabic decimal separator, of two bytes. */
static const char *const points[] = {",", "\xd9\xab"};

static void a_number_has_a_point(void **state)
{
    for (size_t i = 0; i < CLH_COUNT(points); i++) {
        char text[32], *end;
        clh_strbuf buf = {0};
        clh_error err = {0};
        comma_set(*state, points[i]);
        const locale_t before = uselocale((locale_t)0);
        assert_int_equal(clh_snprintf(text, sizeof text, "%.2f %s", 0.5, points[i]),
                         5 + strlen(points[i]));
        assert_memory_equal(text, "0.50 ", 5);
        assert_true(clh_read_double("0.25,", &end) == 0.25 && *end == ',');
        assert_true(clh_read_double(&"[1e-3"[1], &end) == 1e-3 && *end == '\0');
        clh_strbuf_addf(&buf, "%.1f %g %d %s", 1.5, 2.25, 7, "x");
        clh_strbuf_add_number(&buf, 0.125, 9);
        clh_real_to_json(1e-3, &buf);
        assert_string_equal(clh_strbuf_view(&buf), "1.5 2.25 7 x0.1250.001");
        clh_fail(&err, CLH_ERANGE, "lr is %g", 0.5);
        clh_fail_context(&err, CLH_ERANGE, "at %.1f", 1.5);
        assert_string_equal(err.message, "at 1.5: lr is 0.5");
        clh_strbuf_deinit(&buf);
        assert_true(uselocale((locale_t)0) == before); /* and it is still the caller's */
        (void)snprintf(text, sizeof text, "%.1f", 0.5);
        assert_memory_equal(text + 1, points[i], strlen(points[i]));
        comma_unset();
    }
}

/* ---- A run, its questions and its files --------------------------------------------------------
 */

static const temp_folder working = {"."};

static void keep(const char *name, const char *text)
{
    char path[TEMP_PATH_MAX];
    (void)temp_folder_put(&working, name, text, strlen(text), path);
}

/* What a question says, in every format, into files called by it. */
static void ask(const char *question)
{
    static const char *const formats[] = {"json", "text", "csv", "markdown", "terminal"};
    char name[128];
    clh_error err = {0};
    clh_subject *subject = NULL;
    clh_settings *settings = NULL;
    clh_result *result = NULL;
    must(question_case_subject(&subject, question, &working, "run", &err), &err);
    must(question_case_settings(&settings, question, &working, 2, 12, &err), &err);
    must(clh_ask(&result, subject, question, settings, &(clh_how){2, NULL}, &err), &err);
    for (size_t i = 0; i < CLH_COUNT(formats); i++) {
        char *text = NULL;
        const clh_status status =
            clh_report_text(&text, result, formats[i], &(clh_show){.full = true}, &err);
        (void)snprintf(name, sizeof name, "said-%s.%s", question, formats[i]);
        keep(name, status ? err.message : text);
        clh_free(text);
    }
    static const char *const endings[] = {"svg", "safetensors", "csv"};
    for (size_t i = 0; i < CLH_COUNT(endings); i++) {
        (void)snprintf(name, sizeof name, "saved-%s.%s", question, endings[i]);
        if (clh_report_save(result, name, NULL, &err)) /* not every result has a drawing */
            keep(name, err.message);
    }
    clh_result_close(result);
    clh_settings_close(settings);
    clh_subject_close(subject);
}

/* All of it in a folder of its own, which is the working one meanwhile: names in files are the same. */
static void make_all(const temp_folder *folder)
{
    clh_error err = {0};
    clh_run_config config =
        run_case_config("n=2 steps=12 lr=0.0125 eps=1e-7 test_sequences=9 eval_every=5 threads=2");
    assert_int_equal(chdir(folder->path), 0);
    must(clh_train(&config, "run", NULL, &err), &err);
    must(clh_train_resume("run", 2, NULL, &err), &err); /* reads what it wrote */
    char *json = clh_run_config_json(&config, &err);
    assert_non_null(json);
    assert_non_null(strstr(json, "0.0125"));
    keep("config.json", json);
    clh_free(json);
    for (size_t i = 0; clh_question_name(i); i++)
        if (question_case_repeats(clh_question_name(i)))
            ask(clh_question_name(i));
}

/* cairo numbers what it draws over the whole process: "surface46" becomes "surface". */
static void drop_numbers(char *text, size_t *length)
{
    static const char *const words[] = {"surface", "image", "mask", "clip"};
    for (size_t i = 0; i < CLH_COUNT(words); i++)
        for (char *at = text; (at = strstr(at, words[i]));) {
            at += strlen(words[i]);
            const size_t digits = strspn(at, "0123456789");
            memmove(at, at + digits, strlen(at + digits) + 1);
            *length -= digits;
        }
}

/* Every file in `one` is in `other`, with the same bytes; how many there are. */
static size_t compare_folders(const temp_folder *one, const temp_folder *other)
{
    char command[3 * TEMP_PATH_MAX], line[TEMP_PATH_MAX];
    size_t count = 0;
    (void)snprintf(command, sizeof command, "cd '%s' && ls", one->path);
    FILE *names = popen(command, "r");
    assert_non_null(names);
    while (fgets(line, sizeof line, names)) {
        size_t n, m;
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "run") == 0 || strcmp(line, "locales") == 0)
            continue;
        char *a = run_case_read(one->path, line, &n), *b = run_case_read(other->path, line, &m);
        if (strstr(line, ".svg")) {
            drop_numbers(a, &n);
            drop_numbers(b, &m);
        }
        if (n != m || memcmp(a, b, n) != 0)
            fail_msg("%s differs with another decimal point", line);
        free(b);
        free(a);
        count++;
    }
    assert_int_equal(pclose(names), 0);
    return count;
}

static void a_run_and_what_is_asked_of_it_have_the_same_bytes(void **state)
{
    char here[TEMP_PATH_MAX], path[TEMP_PATH_MAX], other_path[TEMP_PATH_MAX];
    void *plain = NULL, *comma = NULL;
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(temp_folder_setup(&plain), 0);
    make_all(plain);
    for (size_t i = 0; i < CLH_COUNT(points); i++) {
        assert_int_equal(temp_folder_setup(&comma), 0);
        comma_set(*state, points[i]);
        make_all(comma);
        assert_string_equal(setlocale(LC_NUMERIC, NULL), "comma");
        comma_unset();
        assert_true(compare_folders(plain, comma) > 40);
        run_case_assert_same(temp_folder_path(plain, "run", path),
                             temp_folder_path(comma, "run", other_path));
        assert_int_equal(chdir(here), 0);
        assert_int_equal(temp_folder_teardown(&comma), 0);
    }
    assert_int_equal(temp_folder_teardown(&plain), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(a_number_has_a_point),
        FOLDER_TEST(a_run_and_what_is_asked_of_it_have_the_same_bytes),
    };
    return cmocka_run_group_tests_name("locale", tests, NULL, NULL);
}
