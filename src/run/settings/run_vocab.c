#include "run/settings/run_vocab.h"

#include <assert.h>
#include <string.h>

#include "base/platform/file.h"
#include "file/content.h"
#include "run/settings/run_files.h"
#include "run/settings/run_task.h"
#include "task/vocab_parts.h"

static clh_status read_content(clh_content *content, const char *path, clh_error *err)
{
    return clh_content_read(content, path, CLH_VOCAB_BYTES_MOST, err);
}

/* A pipe has no ending: what begins as JSON does is JSON. */
static bool looks_json(const char *path, const clh_content *content)
{
    const char *ending = strrchr(path, '.'), *folder = strrchr(path, '/');
    const bool named = ending && (!folder || ending > folder);
    return clh_vocab_is_json(path) ||
           (!named && (content->bytes[0] == '{' || content->bytes[0] == '['));
}

clh_status clh_run_vocab_record(clh_run_config *config, clh_error *err)
{
    assert(config);
    clh_content content = {0};
    clh_vocab *vocab = NULL;
    if (!*config->vocab || *config->vocab_sha256)
        return CLH_OK;
    clh_status status = read_content(&content, config->vocab, err);
    if (!status) {
        config->vocab_json = looks_json(config->vocab, &content);
        status = clh_vocab_read(&vocab, content.bytes, content.length, config->vocab_json,
                                config->vocab, err);
    }
    const size_t size = clh_vocab_size(vocab);
    if (!status && clh_run_task_none(config->task) && size > config->model.d_vocab)
        status =
            clh_fail(err, CLH_EINPUT, "%s has %zu symbols, the model takes ids below %zu (d_vocab)",
                     config->vocab, size, config->model.d_vocab);
    if (!status)
        memcpy(config->vocab_sha256, content.sha256, sizeof config->vocab_sha256);
    clh_vocab_close(vocab);
    clh_content_deinit(&content);
    return status;
}

/* The run's copy, where it has the content that is known. */
static clh_status read_copy(clh_content *content, const clh_run_config *config, const char *path,
                            clh_error *err)
{
    char *copy = NULL;
    clh_error why = {0};
    clh_status status = clh_run_files_beside(&copy, path, CLH_RUN_VOCAB_KEPT, err);
    if (status)
        return status;
    status = read_content(content, copy, &why);
    if (!status && strcmp(content->sha256, config->vocab_sha256) == 0) {
        clh_free(copy);
        return CLH_OK;
    }
    clh_content_deinit(content);
    status = clh_fail(err, status == CLH_ENOMEM ? CLH_ENOMEM : CLH_EINPUT,
                      "the run's vocabulary, with SHA-256 %s, is not at %s, nor is its copy at %s",
                      config->vocab_sha256, *config->vocab ? config->vocab : "a path that is known",
                      copy);
    clh_free(copy);
    return status;
}

static clh_status find_content(clh_content *content, const clh_run_config *config, const char *path,
                               clh_error *err)
{
    clh_error why = {0};
    clh_status status = *config->vocab ? read_content(content, config->vocab, &why) : CLH_EIO;
    const bool known = *config->vocab_sha256;
    if (!status && (!known || strcmp(content->sha256, config->vocab_sha256) == 0))
        return CLH_OK;
    clh_content_deinit(content);
    if (status == CLH_ENOMEM || (status && !known))
        return clh_fail(err, status, "%s", why.message);
    if (path)
        return read_copy(content, config, path, err);
    return clh_fail(err, CLH_EINPUT, "%s has other content than the vocabulary with SHA-256 %s",
                    config->vocab, config->vocab_sha256);
}

clh_status clh_run_vocab_open(clh_vocab **out, const clh_run_config *config, const char *path,
                              clh_error *err)
{
    assert(out && config);
    clh_content content = {0};
    *out = NULL;
    if (!*config->vocab && !*config->vocab_sha256)
        return CLH_OK;
    clh_status status = find_content(&content, config, path, err);
    const bool json =
        *config->vocab_sha256 || status ? config->vocab_json : looks_json(config->vocab, &content);
    if (!status)
        status = clh_vocab_read(out, content.bytes, content.length, json,
                                *config->vocab ? config->vocab : CLH_RUN_VOCAB_KEPT, err);
    clh_content_deinit(&content);
    return status;
}

clh_status clh_run_vocab_keep(const clh_run_config *config, const char *folder, bool check,
                              clh_error *err)
{
    assert(config && folder);
    clh_content content = {0}, there = {0};
    clh_file *file = NULL;
    if (!*config->vocab_sha256)
        return CLH_OK;
    char *copy = clh_path_join(folder, CLH_RUN_VOCAB_KEPT, err);
    clh_status status = copy ? find_content(&content, config, folder, err) : CLH_ENOMEM;
    const bool found = !status && clh_path_exists(copy);
    if (found)
        status = read_content(&there, copy, err);
    const bool same = found && !status && strcmp(there.sha256, content.sha256) == 0;
    if (!status && found && !same)
        status = clh_fail(err, CLH_EBUSY,
                          "%s is there already, and the run would write its vocabulary over it: "
                          "name another folder",
                          copy);
    if (!status && !found && !check)
        status = clh_file_begin(&file, copy, err);
    if (file) {
        clh_file_write(file, content.bytes, content.length);
        status = clh_file_commit(file, err);
    }
    clh_content_deinit(&there);
    clh_content_deinit(&content);
    clh_free(copy);
    return status;
}
