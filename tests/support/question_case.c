#include "support/question_case.h"

#include <stdio.h>
#include <string.h>

#include "ask/asking/asking.h"
#include "base/platform/file.h"
#include "support/run_case.h"

static const char edits[] = "{\"format\": \"clearhead-edits-1\", \"edits\": ["
                            "{\"kind\": \"mean\", \"site\": \"blocks.0.attn.hook_z\"}, "
                            "{\"kind\": \"add\", \"site\": \"hook_embed\", \"value\": 0.125}]}";

static const char program[] = "clearhead-program 1\ncopy first -> letters\nwrite \".\" -> end\n"
                              "write \" \" -> rest\n";

/* Where the question has such a setting. */
static clh_status set_text(clh_settings *settings, const char *name, const char *text,
                           clh_error *err)
{
    clh_error found = {0};
    const clh_status status = clh_settings_set(settings, name, text, &found);
    if (!status || strstr(found.message, "unknown"))
        return CLH_OK;
    *err = found;
    return status;
}

static clh_status set_size(clh_settings *settings, const char *name, size_t value, clh_error *err)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%zu", value);
    return set_text(settings, name, text, err);
}

/* The first `n` letters, and the same from behind. */
static clh_status set_letters(clh_settings *settings, size_t n, clh_error *err)
{
    static const char all[] = "abcdef";
    char clean[sizeof all] = {0}, corrupted[sizeof all] = {0};
    for (size_t i = 0; i < n && i + 1 < sizeof all; i++) {
        clean[i] = all[i];
        corrupted[n - 1 - i] = all[i];
    }
    const clh_status status = set_text(settings, "clean", clean, err);
    return status ? status : set_text(settings, "corrupt", corrupted, err);
}

/* A program, and letters where there is no run to take them from. */
static clh_status set_program(clh_settings *settings, const char *question,
                              const temp_folder *folder, size_t n, clh_error *err)
{
    static const char *const files[] = {"file", "a", "b"};
    static const char all[] = "abcdef";
    char path[TEMP_PATH_MAX], letters[sizeof all];
    clh_status status = CLH_OK;
    temp_folder_put(folder, "program.txt", program, strlen(program), path);
    for (size_t i = 0; i < sizeof files / sizeof *files && !status; i++)
        status = set_text(settings, files[i], path, err);
    if (strcmp(question, "program_run") != 0 || status)
        return status;
    (void)snprintf(letters, sizeof letters, "%.*s", (int)n, all);
    return set_text(settings, "letters", letters, err);
}

clh_status question_case_subject(clh_subject **out, const char *question, const temp_folder *folder,
                                 const char *run, clh_error *err)
{
    static const char words[] = "task=modular_addition p=5 d_model=8 d_head=4 d_mlp=6 n_heads=1 "
                                "steps=4 checkpoint_every=4 epoch_sequences=6 threads=1";
    char path[TEMP_PATH_MAX];
    const clh_question *q = clh_question_find(question, err);
    if (!q || !(q->needs & CLH_NEEDS_SUMS))
        return q ? clh_subject_open(out, run, err) : CLH_EUSAGE;
    (void)temp_folder_path(folder, "sums", path);
    if (!clh_path_exists(path)) {
        const clh_run_config config = run_case_config(words);
        run_case_train(&config, path);
    }
    return clh_subject_open(out, path, err);
}

bool question_case_counts(const char *question)
{
    clh_settings *settings = NULL;
    const bool counts = clh_settings_open(&settings, question, NULL) == CLH_OK &&
                        clh_settings_set(settings, "count", "1", NULL) == CLH_OK;
    clh_settings_close(settings);
    return counts;
}

bool question_case_repeats(const char *question)
{
    return strcmp(question, "bench") != 0;
}

clh_status question_case_settings(clh_settings **out, const char *question,
                                  const temp_folder *folder, size_t n, size_t count, clh_error *err)
{
    char path[TEMP_PATH_MAX];
    clh_status status = clh_settings_open(out, question, err);
    if (!status)
        status = set_size(*out, "count", count, err);
    if (!status)
        status = set_size(*out, "others", 1 + count / 5, err);
    if (!status)
        status = set_letters(*out, n, err);
    if (!status)
        status = set_text(*out, "seconds", "0.02", err); /* of a row of bench */
    if (!status && strncmp(question, "program_", strlen("program_")) == 0)
        status = set_program(*out, question, folder, n, err);
    if (!status)
        status = set_text(*out, "edits",
                          temp_folder_put(folder, "edits.json", edits, strlen(edits), path), err);
    return status;
}
