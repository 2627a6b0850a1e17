/* clearhead docs: what the build installs beside the program, made from its own tables. */
#include <stdlib.h>
#include <string.h>

#include "base/platform/file.h"
#include "cli/commands/commands.h"
#include "cli/help/cli_help.h"

/** Write what `print` (or, for a page, clh_man_page) prints to out/name, whole or not at all. */
static clh_status write_file(const char *folder, const char *name, void (*print)(FILE *out),
                             const clh_command *command, clh_error *err)
{
    char *text = NULL, *path = clh_path_join(folder, name, err);
    size_t length = 0;
    clh_file *file = NULL;
    FILE *memory = open_memstream(&text, &length);
    clh_status status = CLH_ENOMEM;
    if (!path || !memory)
        goto done;
    if (print)
        print(memory);
    else
        clh_man_page(memory, command);
    if (fflush(memory))
        goto done;
    if ((status = clh_file_begin(&file, path, err)))
        goto done;
    clh_file_write(file, text, length);
    status = clh_file_commit(file, err);
done:
    if (memory)
        (void)fclose(memory);
    free(text);
    clh_free(path);
    return status;
}

static clh_status write_pages(const char *folder, clh_error *err)
{
    size_t count;
    const clh_command *command = clh_commands(&count);
    clh_status status = write_file(folder, "clearhead.1", NULL, NULL, err);
    for (size_t i = 0; i < count && !status; i++) {
        char name[64];
        if (command[i].hidden)
            continue;
        (void)snprintf(name, sizeof name, "clearhead-%s.1", command[i].name);
        status = write_file(folder, name, NULL, &command[i], err);
    }
    return status;
}

int clh_cmd_docs(const clh_invocation *inv)
{
    static const struct {
        const char *kind, *file;
        void (*print)(FILE *out);
    } script[] = {{"bash", "clearhead", clh_completion_bash},
                  {"zsh", "_clearhead", clh_completion_zsh},
                  {"fish", "clearhead.fish", clh_completion_fish}};
    clh_error err = {.status = CLH_ENOMEM, .message = "out of memory"};
    const char *kind = clh_arg(inv, 0), *folder = clh_opt_text(inv, "out");
    clh_status status = clh_folder_make(folder, &err);
    if (status)
        return clh_cli_fail(inv, &err);
    if (strcmp(kind, "man") == 0)
        return write_pages(folder, &err) ? clh_cli_fail(inv, &err) : 0;
    for (size_t i = 0; i < CLH_COUNT(script); i++)
        if (strcmp(kind, script[i].kind) == 0)
            return write_file(folder, script[i].file, script[i].print, NULL, &err)
                       ? clh_cli_fail(inv, &err)
                       : 0;
    return clh_cli_usage(inv, "unknown kind %s, want man, bash, zsh or fish", kind);
}
