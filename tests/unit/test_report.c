/** A result as each format shows it: what is refused before anything is computed, what is computed
 *  only when it is shown, and what stands there. Programs that read the files are asked by
 *  tests/cli/report.sh. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform/file.h"
#include "report/both/label.h"
#include "report/format.h"
#include "support/must.h"
#include "support/result_case.h"
#include "support/temp_folder.h"

/* Fontconfig keeps some of its own memory at exit. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

static char *text_of(clh_result *r, const char *format, const clh_show *show)
{
    char *text = NULL;
    clh_error err = {0};
    must(clh_report_text(&text, r, format, show, &err), &err);
    return text;
}

/* ---- What is refused ---------------------------------------------------------------------------
 */

static void assert_refused(clh_status status, clh_status wanted, const clh_error *err,
                           const char *said)
{
    assert_int_equal(status, wanted);
    if (!strstr(err->message, said))
        fail_msg("\"%s\" does not say \"%s\"", err->message, said);
    assert_null(strchr(err->message, '\n'));
}

/* The schema alone decides it: no result is there yet. */
static void what_cannot_be_shown_is_refused_by_the_schema(void **state)
{
    (void)state;
    static const struct {
        const char *format, *part, *said;
    } row[] = {{"csv", "interventons", "did you mean interventions"},
               {"json", "patern", "did you mean pattern"},
               {"png", "plain", "part plain is not drawn, want one of: empty, interventions"},
               {"terminal", "numbers", "part numbers is not drawn"},
               {"safetensors", "verdicts", "part verdicts holds no numbers"}};
    const clh_schema named[] = {
        {CLH_PART_VERDICTS, "verdicts", NULL, .fields = result_case_schema[1].fields}, {0}};
    clh_schema without_any[32] = {{0}};
    for (size_t i = 0; strcmp(result_case_schema[i].name, "*") != 0; i++)
        without_any[i] = result_case_schema[i];
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        clh_error err = {0};
        const clh_format *format = clh_format_find(row[i].format, &err);
        if (format->picture && clh_figure_available(NULL))
            continue;
        assert_refused(
            clh_format_check(format, without_any, &(clh_show){.part = row[i].part}, &err),
            CLH_EUSAGE, &err, row[i].said);
    }
    static const char *const drawn[] = {"terminal", "safetensors"};
    for (size_t i = 0; i < 2; i++) {
        clh_error err = {0};
        assert_refused(clh_format_check(clh_format_find(drawn[i], &err), named, NULL, &err),
                       CLH_EUSAGE, &err,
                       i ? "the result holds no numbers" : "nothing of this result");
    }
    for (size_t i = 0; result_case_schema[i].kind; i++) {
        const clh_show show = {.part = result_case_schema[i].name};
        assert_int_equal(clh_format_check(&clh_format_terminal, result_case_schema, &show, NULL),
                         result_case_schema[i].draw ? CLH_OK : CLH_EUSAGE);
    }
}

static void files_that_cannot_be_written_are_refused(void **state)
{
    char path[TEMP_PATH_MAX];
    static const char *const names[] = {"a.jpg", "a", ".png", "png", "a.json.", "x.csv/b"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        clh_error err = {0};
        temp_folder_path(*state, names[i], path);
        assert_refused(clh_format_check_path(path, result_case_schema, NULL, &err), CLH_EUSAGE,
                       &err,
                       "want one of .txt, .json, .csv, .md, .npz, .safetensors, .png, .svg, .pdf");
    }
    clh_error err = {0};
    temp_folder_path(*state, "no/such.csv", path);
    assert_refused(clh_format_check_path(path, result_case_schema, NULL, &err), CLH_EIO, &err,
                   path);
    temp_folder_path(*state, "such.CSV", path);
    must(clh_format_check_path(path, result_case_schema, NULL, &err), &err);
    assert_int_equal(temp_folder_count(*state), 0); /* asking leaves nothing */
}

/* What this build lacks is known before a result is. */
static void what_the_build_lacks_is_refused(void **state)
{
    char path[TEMP_PATH_MAX];
    static const char *const names[] = {"a.png", "a.svg", "a.PDF"};
    for (size_t i = 0; i < 3; i++) {
        clh_error err = {0};
        const clh_status there = clh_figure_available(NULL);
        temp_folder_path(*state, names[i], path);
        assert_int_equal(clh_format_check_path(path, result_case_schema, NULL, &err), there);
        if (there)
            assert_refused(there, CLH_ESUPPORT, &err, "libcairo2-dev");
    }
}

static void bad_arguments_are_refused(void **state)
{
    char path[TEMP_PATH_MAX], *text = NULL;
    clh_result *r = result_case_make();
    clh_error err = {0};
    temp_folder_path(*state, "a.csv", path);
    assert_int_equal(clh_report_text(NULL, r, "csv", NULL, NULL), CLH_EUSAGE);
    assert_int_equal(clh_report_text(&text, NULL, "csv", NULL, NULL), CLH_EUSAGE);
    assert_int_equal(clh_report_text(&text, r, NULL, NULL, NULL), CLH_EUSAGE);
    assert_int_equal(clh_report_save(NULL, path, NULL, NULL), CLH_EUSAGE);
    assert_int_equal(clh_report_save(r, NULL, NULL, NULL), CLH_EUSAGE);
    assert_refused(clh_report_text(&text, r, "markdwn", NULL, &err), CLH_EUSAGE, &err,
                   "did you mean markdown");
    assert_refused(clh_report_text(&text, r, "npz", NULL, &err), CLH_EUSAGE, &err, "want text");
    /* an array whose name only the result knows: found out when it is there, for every format */
    static const char *const formats[] = {"text", "json", "csv", "markdown", "terminal"};
    for (size_t i = 0; i < 5; i++)
        assert_refused(
            clh_report_text(&text, r, formats[i], &(clh_show){.part = "ids.chosn"}, &err),
            CLH_EUSAGE, &err, "did you mean ids.chosen");
    assert_refused(clh_report_text(&text, r, "csv", &(clh_show){.part = "*"}, &err), CLH_EUSAGE,
                   &err, "2 arrays");
    assert_refused(clh_report_text(&text, r, "terminal", &(clh_show){.part = "empty"}, &err),
                   CLH_EINPUT, &err, "nothing is above 0.8");
    assert_null(text);
    assert_int_equal(temp_folder_count(*state), 0);
    clh_result_close(r);
}

/* ---- What is computed --------------------------------------------------------------------------
 */

static void arrays_are_computed_when_they_are_shown(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    clh_result *r = result_case_make();
    static const char *const texts[] = {"text", "csv", "markdown", "terminal"};
    for (size_t i = 0; i < 4; i++)
        clh_free(text_of(r, texts[i], NULL));
    clh_free(text_of(r, "terminal", &(clh_show){.part = "strip"}));
    temp_folder_path(*state, "a.safetensors", path);
    must(clh_report_save(r, path, &(clh_show){.part = "gaps"}, &err), &err);
    must(clh_report_save(r, path, &(clh_show){.part = "ids"}, &err), &err);
    assert_int_equal(result_case_computed(), 0);
    clh_free(text_of(r, "terminal", &(clh_show){.part = "pattern"}));
    assert_int_equal(result_case_computed(), 1);
    must(clh_report_save(r, path, NULL, &err), &err);
    clh_free(text_of(r, "csv", &(clh_show){.part = "pattern"}));
    assert_int_equal(result_case_computed(), 1); /* once, whoever asks */
    clh_result_close(r);
}

/* ---- Text --------------------------------------------------------------------------------------
 */

static void assert_says(const char *text, const char *said)
{
    if (!strstr(text, said))
        fail_msg("does not say \"%s\":\n%s", said, text);
}

static void text_draws_the_headlines_below_the_numbers(void **state)
{
    (void)state;
    clh_result *r = result_case_make();
    char *text = text_of(r, "text", NULL);
    assert_says(text, "sample: runs/a, b, step 500, 20 held-out sequences\n");
    assert_says(text, "sample: as it was trained\n"); /* the curve, and the tokens */
    assert_says(text, "accuracy (right)");
    assert_says(text, "destination 10\n");
    const char *drawn = strstr(text, "sample: as it was trained"),
               *numbers = strstr(text, "  loss ");
    assert_true(drawn > numbers);
    assert_null(strstr(text, "\033"));
    clh_free(text);
    text = text_of(r, "text", &(clh_show){.part = "text", .colour = CLH_COLOUR_256});
    assert_says(text, "\033[");
    assert_null(strstr(text, "as it was trained"));
    clh_free(text);
    clh_result_close(r);
}

/* In brief the headlines, the first rows and no details; in full all. */
static void text_in_full_has_everything(void **state)
{
    (void)state;
    static const char *const only_full[] = {"\n  detail ", "\nlines: one line for each input\n",
                                            "\n  244 ", " 29 5 12 19 26 2 9 16 23 30 6 13 20 27\n"};
    clh_result *r = result_case_make();
    char *brief = text_of(r, "text", NULL), *full = text_of(r, "text", &(clh_show){.full = true});
    for (size_t i = 0; i < sizeof only_full / sizeof *only_full; i++) {
        assert_says(full, only_full[i]);
        assert_null(strstr(brief, only_full[i]));
    }
    assert_says(brief, "--full shows every table, number and formula.\n");
    assert_says(brief, "…\n"); /* a long text is cut */
    clh_free(brief);
    clh_free(full);
    clh_result_close(r);
}

/* A headline without a number that can be drawn takes nothing from the text; nor does a narrow page. */
static void headlines_that_cannot_be_drawn_are_left_out(void **state)
{
    (void)state;
    static const clh_field loss[] = {{"loss", "nats/token", .decimals = 2}, {0}};
    static const clh_schema schema[] = {{CLH_PART_TABLE, "steps", "by step", .keys = "#step",
                                         .draw = "curve", .flags = CLH_HEADLINE, .fields = loss},
                                        {0}};
    clh_result *r = NULL;
    clh_error err = {0};
    char *text = NULL;
    must(clh_result_open(&r, "sample", schema, &err), &err);
    clh_result_row(r, "steps", "0");
    clh_result_row(r, "steps", "1");
    text = text_of(r, "text", NULL);
    assert_string_equal(text, "sample\n\nsteps: by step\n  step\n     0\n     1\n");
    clh_free(text);
    text = NULL;
    assert_refused(clh_report_text(&text, r, "terminal", NULL, &err), CLH_EINPUT, &err,
                   "there is nothing to draw: steps has no number");
    clh_result_close(r);
    r = result_case_make();
    for (size_t width = 1; width < 60; width += 7)
        clh_free(text_of(r, "text", &(clh_show){.width = width}));
    clh_result_close(r);
}

/* A file is no terminal: what colours it would show there are not in it. */
static void files_hold_no_colours(void **state)
{
    char path[TEMP_PATH_MAX], *text = NULL;
    clh_error err = {0};
    clh_result *r = result_case_make();
    temp_folder_path(*state, "a.txt", path);
    must(clh_report_save(r, path, &(clh_show){.colour = CLH_COLOUR_TRUE}, &err), &err);
    must(clh_file_read_text(&text, path, 1 << 20, &err), &err);
    assert_says(text, "destination 10\n");
    assert_null(strchr(text, '\033'));
    clh_free(text);
    clh_result_close(r);
}

static void the_terminal_draws_each_kind(void **state)
{
    (void)state;
    static const struct {
        const char *part, *said[4];
    } row[] = {
        {NULL,
         {"interventions: what each does\n", "attention set to zero", "no such input",
          "\nruns/a, b, step 500, 20 held-out sequences\n"}},
        {"training", {"\n      └┬──╱", "⠒⠒ loss  o accuracy (right)", "       0  ", " 500\n"}},
        {"lines", {"one, loss", "three, accuracy", "; the first 6 of 8 curves\n", NULL}},
        {"gaps",
         {"token  position  count  maximum  gaps\n", "p             2     19   0.9876  0 7",
          "\ns             3      1   0.8125\n·             4      2   0.8500  ·\n", NULL}},
        {"pattern",
         {"Attention, layer 0\nhead 0\n", "\nhead 1\n", "\n> ▓▓▓▓\n", "  0 ·░▒▓█ 1  attention\n"}},
        {"strip", {"sample: three numbers a position\n", "\nscores ", "\nvalues ", "\nresult "}},
        {"text",
         {"From position 10\n 0 >·psM1·ps1M.\n      9\n", "destination 10",
          "digits are tenths of 0.75", NULL}},
        {"by_position", {"┤", "\n", "nats by position\n", "sample: loss of each prediction\n"}},
        {"ids", {"sample: ids\n", "0 ", NULL, NULL}},
    };
    clh_result *r = result_case_make();
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char *text = text_of(r, "terminal", &(clh_show){.part = row[i].part});
        for (size_t k = 0; k < 4 && row[i].said[k]; k++)
            assert_says(text, row[i].said[k]);
        for (const char *line = text, *end; *line; line = end + 1) {
            char one[1024];
            end = strchr(line, '\n');
            (void)snprintf(one, sizeof one, "%.*s", (int)(end - line), line);
            assert_true(clh_text_clean((char[1024]){0}, 1024, one) <= 110);
        }
        clh_free(text);
    }
    clh_result_close(r);
}

/* ---- Pictures ----------------------------------------------------------------------------------
 */

static const char *const drawn[] = {"interventions", "training", "lines", "gaps",        "many",
                                    "pattern",       "strip",    "text",  "by_position", "ids"};
enum { DRAWN = sizeof drawn / sizeof *drawn };

static char *save(clh_result *r, temp_folder *folder, const char *name, const clh_show *show,
                  size_t *length)
{
    char path[TEMP_PATH_MAX], *bytes = NULL;
    clh_error err = {0};
    temp_folder_path(folder, name, path);
    must(clh_report_save(r, path, show, &err), &err);
    must(clh_file_read(&bytes, length, path, 1 << 26, &err), &err);
    return bytes;
}

static unsigned big_endian(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3];
}

/* In a build without cairo each is refused instead. */
static bool refused_without_cairo(clh_result *r, temp_folder *folder, const clh_show *show)
{
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    if (!clh_figure_available(NULL))
        return false;
    temp_folder_path(folder, "a.png", path);
    assert_refused(clh_report_save(r, path, show, &err), CLH_ESUPPORT, &err, "libcairo2-dev");
    return true;
}

static void every_kind_is_drawn_light_and_dark(void **state)
{
    clh_result *r = result_case_make();
    for (size_t i = 0; i < DRAWN; i++) {
        const clh_show light = {.part = drawn[i]}, dark = {.part = drawn[i], .dark = true};
        size_t length, again, other;
        if (refused_without_cairo(r, *state, &light))
            continue;
        char *a = save(r, *state, "a.png", &light, &length);
        char *b = save(r, *state, "b.png", &light, &again);
        char *c = save(r, *state, "c.png", &dark, &other);
        assert_true(length > 2000);
        assert_memory_equal(a, "\x89PNG\r\n\x1a\n", 8);
        assert_in_range(big_endian(a + 16), 300, 2500);
        assert_in_range(big_endian(a + 20), 100, i == 4 ? 4200 : 1500);
        assert_int_equal(length, again);
        assert_memory_equal(a, b, length);
        assert_true(other != length || memcmp(a, c, length) != 0);
        assert_int_equal(big_endian(a + 16), big_endian(c + 16));
        clh_free(a);
        clh_free(b);
        clh_free(c);
    }
    clh_result_close(r);
}

/* Letters of an SVG: cairo writes each as a use of its glyph. */
static size_t letters(const char *svg)
{
    size_t count = 0;
    for (const char *at = svg; (at = strstr(at, "href=\"#glyph")); at++)
        count++;
    return count;
}

static size_t letters_of(const char *const *texts, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        for (const char *c = texts[i]; *c; c++)
            sum += *c != ' ';
    return sum;
}

/* Titles, captions, labels, headings, names of panels and series: every letter is on the page. */
static void labels_are_on_the_page(void **state)
{
    static const char *const rows[] = {"sample: what each does",
                                       "runs/a, b, step 500, 20 held-out sequences",
                                       "; 95 % bootstrap intervals; 95 % Clopper-Pearson intervals",
                                       "the model as it is",
                                       "attention set to zero",
                                       "as it is, elsewhere",
                                       "zero, elsewhere (left out)",
                                       "held-out sequences",
                                       "other sequences",
                                       "loss",
                                       "accuracy",
                                       "slots",
                                       "accuracyletters",
                                       "slot_oneslot_two",
                                       "nats/token",
                                       "share"};
    static const char *const lines[] = {"sample: one line for each input",
                                        "runs/a, b, step 500, 20 held-out sequences",
                                        "; the first 6 of 8 curves",
                                        "one, loss",
                                        "two, loss",
                                        "three, loss",
                                        "one, accuracy (right)",
                                        "two, accuracy (right)",
                                        "three, accuracy (right)",
                                        "step",
                                        "nats/token",
                                        "share"};
    static const char *const heat[] = {"Attention, layer 0",
                                       "runs/a, b, step 500, 20 held-out sequences",
                                       "head 0",
                                       "head 1",
                                       "query_pos",
                                       "key_pos",
                                       "attention"};
    static const struct {
        const char *part;
        const char *const *texts;
        size_t count, ticks; /* letters of ticks, at least */
    } row[] = {{"interventions", rows, sizeof rows / sizeof *rows, 10},
               {"lines", lines, sizeof lines / sizeof *lines, 20},
               {"pattern", heat, sizeof heat / sizeof *heat, (size_t)4 * 12}};
    clh_result *r = result_case_make();
    for (size_t i = 0; i < 3; i++) {
        const clh_show show = {.part = row[i].part};
        size_t length;
        if (refused_without_cairo(r, *state, &show))
            continue;
        char *svg = save(r, *state, "a.svg", &show, &length);
        const size_t found = letters(svg), least = letters_of(row[i].texts, row[i].count);
        if (found < least + row[i].ticks || found > least + 400)
            fail_msg("%s has %zu letters, want at least %zu", row[i].part, found,
                     least + row[i].ticks);
        clh_free(svg);
        svg = save(r, *state, "a.pdf", &show, &length);
        assert_memory_equal(svg, "%PDF-1.", 7);
        clh_free(svg);
    }
    clh_result_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_shown_is_refused_by_the_schema),
        FOLDER_TEST(files_that_cannot_be_written_are_refused),
        FOLDER_TEST(what_the_build_lacks_is_refused),
        FOLDER_TEST(bad_arguments_are_refused),
        FOLDER_TEST(arrays_are_computed_when_they_are_shown),
        cmocka_unit_test(text_draws_the_headlines_below_the_numbers),
        cmocka_unit_test(text_in_full_has_everything),
        cmocka_unit_test(headlines_that_cannot_be_drawn_are_left_out),
        FOLDER_TEST(files_hold_no_colours),
        cmocka_unit_test(the_terminal_draws_each_kind),
        FOLDER_TEST(every_kind_is_drawn_light_and_dark),
        FOLDER_TEST(labels_are_on_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
