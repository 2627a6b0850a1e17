/* What is no file of the kind that is read is said to be what it looks like, whoever reads it; what editors
 * and other systems put into text (a mark before it, ends of lines) is taken. */
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "base/strbuf.h"
#include "clearhead/edit.h"
#include "clearhead/heads.h"
#include "clearhead/run.h"
#include "clearhead/run_config.h"
#include "clearhead/safetensors.h"
#include "clearhead/scrub.h"
#include "measure/sequences/batch.h"
#include "run/transformer_lens/tl_config.h"
#include "support/cmocka_all.h"
#include "support/temp_folder.h"
#include "task/lines/lines_read.h"

/* ---- Files -------------------------------------------------------------------------------------
 */

#define BYTES(text) text, sizeof(text) - 1

/* A zip's first file: its header, then the name. */
#define ZIP(length, name) "PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" length "\0\0\0" name

static const struct {
    const char *bytes;
    size_t length;
    const char *is;
} files[] = {
    {BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12345\n"),
     "a Git LFS pointer"},
    {BYTES("<!DOCTYPE html>\n<html><body>404</body></html>"), "an HTML page"},
    {BYTES("\n  <HTML>"), "an HTML page"},
    {BYTES("\xef\xbb\xbf<html>"), "an HTML page"},
    {BYTES("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"),
     "XML, which servers send for an error"},
    {BYTES(ZIP("\x10", "archive/data.pkl") "\x80\x02}q"), "a zip as torch.save() writes"},
    {BYTES(ZIP("\x0a", "a/data.pkl") "\x80\x02}q"), "a zip as torch.save() writes"},
    {BYTES(ZIP("\x05", "x.npy") "\x93NUMPY"), "a zip of NumPy arrays (.npz)"},
    {BYTES(ZIP("\x05", "x.txt") "more"), "a zip"},
    {BYTES("\x93NUMPY\1\0v\0{'descr': '<f4'}"), "a NumPy array (.npy)"},
    {BYTES("\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02"), "a pickle of Python"},
    {BYTES("\x80\x04\x95\n\0\0\0\0\0\0\0}"), "a pickle of Python"},
    {BYTES("\x1f\x8b\x08\0\0\0\0\0\0\3"), "compressed with gzip"},
    {BYTES("\x28\xb5\x2f\xfd\0\0\0\0"), "compressed"},
    {BYTES("GGUF\3\0\0\0\0\0\0\0"), "a GGUF file of llama.cpp"},
    {BYTES("\x89HDF\r\n\x1a\n\0\0\0\0"), "an HDF5 file"},
};

/* ---- Readers -----------------------------------------------------------------------------------
 */

static clh_status read_tensors(const char *path, clh_error *err)
{
    clh_safetensors *file = NULL;
    const clh_status status = clh_safetensors_open(&file, path, err);
    clh_safetensors_close(file);
    return status;
}

static clh_status read_weights(const char *path, clh_error *err)
{
    clh_run *run = NULL;
    const clh_status status = clh_run_open(&run, path, err);
    clh_run_close(run);
    return status;
}

static clh_status read_config(const char *path, clh_error *err)
{
    clh_run_layer layer;
    return clh_run_layer_file(&layer, path, err);
}

static clh_status read_tl(const char *path, clh_error *err)
{
    clh_model_config config;
    char *notes = NULL;
    const clh_status status = clh_tl_config_read(&config, &notes, path, false, err);
    clh_free(notes);
    return status;
}

static clh_status read_tokens(const char *path, clh_error *err)
{
    const clh_model_config model = {.d_vocab = 65, .n_ctx = 26};
    clh_batch batch = {0};
    const clh_status status = clh_batch_read(&batch, path, &model, 1, err);
    clh_batch_deinit(&batch);
    return status;
}

static clh_status read_edits(const char *path, clh_error *err)
{
    clh_edit_file *file = NULL;
    const clh_status status = clh_edit_file_open(&file, path, NULL, err);
    clh_edit_file_close(file);
    return status;
}

static clh_status read_hypothesis(const char *path, clh_error *err)
{
    clh_hypothesis hypothesis;
    return clh_hypothesis_read(&hypothesis, path, err);
}

static clh_status read_pattern(const char *path, clh_error *err)
{
    clh_tensor pattern = {0};
    const clh_status status = clh_pattern_read(&pattern, path, err);
    clh_free(pattern.data);
    return status;
}

static clh_status read_lines(const char *path, clh_error *err)
{
    clh_lines lines = {0};
    clh_content content = {0};
    clh_status status = clh_content_read(&content, path, 1 << 20, err);
    if (!status)
        status = clh_lines_read(&lines, &content, path, 1, NULL, err);
    clh_lines_deinit(&lines);
    clh_content_deinit(&content);
    return status;
}

static const struct {
    const char *name;
    clh_status (*read)(const char *path, clh_error *err);
    const char *good;   /* text that it takes, lines ending with \n; NULL: it reads no text */
    const char *wanted; /* of what is empty */
} readers[] = {
    {"w.safetensors", read_tensors, NULL, "a safetensors file"},
    {"run.safetensors", read_weights, NULL, "a safetensors file"},
    {"config.json", read_config, "{\n\"n_layers\": 2,\n\"lr\": 0.5\n}\n", "JSON"},
    {"cfg.json", read_tl,
     "{\n\"n_layers\": 2, \"d_model\": 32,\n\"n_ctx\": 12, \"d_head\": 8,\n"
     "\"d_vocab\": 65, \"attn_only\": true}\n",
     "JSON"},
    {"tokens.json", read_tokens, "[[0, 1],\n[2, 3]]\n", "JSON"},
    {"edits.json", read_edits,
     "{\"format\": \"clearhead-edits-1\",\n\"edits\": [\n{\"kind\": \"zero\", \"site\": "
     "\"hook_embed\"}]}\n",
     "JSON"},
    {"hypothesis.json", read_hypothesis,
     "{\"format\": \"clearhead-hypothesis-1\", \"name\": \"n\",\n\"otherwise\": \"all\", \"rules\": "
     "[]}\n",
     "JSON"},
    {"pattern.json", read_pattern, "[[1],\n[0.5, 0.5]]\n", "JSON"},
    {"data.jsonl", read_lines, "[1, 2, 3]\n[4, 5]\n", ""},
};

/* ---- Truths ------------------------------------------------------------------------------------
 */

static void refuse(void **state, size_t r, const char *bytes, size_t length, const char *is)
{
    char path[TEMP_PATH_MAX], line[TEMP_PATH_MAX + 160];
    clh_error err = {0};
    temp_folder_put(*state, readers[r].name, bytes, length, path);
    assert_int_equal(readers[r].read(path, &err), CLH_EFORMAT);
    (void)snprintf(line, sizeof line, "%s is %s", path, is);
    if (strncmp(err.message, line, strlen(line)) != 0 || !strstr(err.message, ", want "))
        fail_msg("want \"%s, want ...\": %s", line, err.message);
}

static void every_reader_names_every_kind(void **state)
{
    for (size_t r = 0; r < CLH_COUNT(readers); r++)
        for (size_t i = 0; i < CLH_COUNT(files); i++)
            refuse(state, r, files[i].bytes, files[i].length, files[i].is);
}

static void what_is_empty_is_said_to_be(void **state)
{
    for (size_t r = 0; r < CLH_COUNT(readers); r++) {
        char is[64];
        (void)snprintf(is, sizeof is, "empty, want %s", readers[r].wanted);
        refuse(state, r, "", 0, is);
        if (readers[r].read == read_lines)
            continue; /* of a blank line it says the number */
        (void)snprintf(is, sizeof is, "blank, want %s", readers[r].wanted);
        refuse(state, r, " \r\n\t", 4, is);
    }
}

static void one_for_the_other_is_named_too(void **state)
{
    static const char tensors[] = "\x48\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[0],"
                                  "\"data_offsets\":[0,0]}}              ";
    static const char index[] = "{\"metadata\": {\"total_size\": 8},\n \"weight_map\": {\"a\": "
                                "\"model-00001-of-00002.safetensors\"}}";
    for (size_t r = 0; r < CLH_COUNT(readers); r++) {
        if (readers[r].good) {
            refuse(state, r, BYTES(tensors), "a safetensors file, want ");
            continue;
        }
        refuse(state, r, BYTES(index), "the index of weights in several files");
        refuse(state, r, BYTES("{\"n_layers\": 2}"), "JSON, want a safetensors file");
        refuse(state, r, BYTES("Entry not found"),
               "text (Entry not found), want a safetensors file");
    }
}

/* Lines ending as on Windows, behind a mark or not; without an end of the last. */
static void marks_and_ends_of_lines_are_taken(void **state)
{
    for (size_t r = 0; r < CLH_COUNT(readers); r++)
        for (int how = 0; readers[r].good && how < 8; how++) {
            char path[TEMP_PATH_MAX];
            clh_strbuf text = {0};
            clh_error err = {0};
            clh_strbuf_adds(&text, how & 1 ? "\xef\xbb\xbf" : "");
            for (const char *at = readers[r].good; *at && (!(how & 4) || at[1]); at++)
                clh_strbuf_addf(&text, "%s%c", *at == '\n' && how & 2 ? "\r" : "", *at);
            temp_folder_put(*state, readers[r].name, clh_strbuf_view(&text), text.length, path);
            if (readers[r].read(path, &err))
                fail_msg("%s, %d: %s", readers[r].name, how, err.message);
            clh_strbuf_deinit(&text);
        }
}

static void zero_bytes_and_utf16_are_said_in_words(void **state)
{
    for (size_t r = 0; r < CLH_COUNT(readers); r++) {
        char path[TEMP_PATH_MAX], wide[512];
        clh_error err = {0};
        size_t length = 2;
        if (!readers[r].good)
            continue;
        memcpy(wide, "\xff\xfe", length);
        for (const char *at = readers[r].good; *at; at++, length += 2) {
            wide[length] = *at;
            wide[length + 1] = '\0';
        }
        refuse(state, r, wide, length,
               "UTF-16 text, as PowerShell's > writes it, want text in UTF-8");
        (void)snprintf(wide, sizeof wide, "%s", readers[r].good);
        wide[1] = '\0';
        temp_folder_put(*state, readers[r].name, wide, strlen(readers[r].good), path);
        assert_int_equal(readers[r].read(path, &err), CLH_EFORMAT);
        assert_non_null(strstr(err.message, " has a zero byte at byte 1, want text"));
    }
}

int main(void)
{
#define IN_FOLDER(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, temp_folder_setup, temp_folder_teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(every_reader_names_every_kind),
        IN_FOLDER(what_is_empty_is_said_to_be),
        IN_FOLDER(one_for_the_other_is_named_too),
        IN_FOLDER(marks_and_ends_of_lines_are_taken),
        IN_FOLDER(zero_bytes_and_utf16_are_said_in_words),
    };
    return cmocka_run_group_tests_name("file kinds", tests, NULL, NULL);
}
