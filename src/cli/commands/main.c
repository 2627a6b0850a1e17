/* clearhead <command>: look the command up, parse its options, run it, see its output out. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "clearhead/safetensors.h"
#include "cli/commands/commands.h"
#include "cli/help/cli_help.h"
#include "cli/show/cli_output.h"

/** Descriptors 0 to 2 that were closed are opened, so that no file of ours becomes one of them: the
 *  wrong way round, so that whoever reads or writes them fails as before. */
static void open_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/** Whether --json stands among the words: for errors found before the options are known. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static int run_command(clh_invocation *inv, int argc, char **argv)
{
    clh_error err = {0};
    if (clh_cli_parse(inv, argc, argv, &err)) {
        inv->json = wants_json(argc, argv);
        return clh_cli_fail(inv, &err);
    }
    if (!inv->help) {
        clh_verify_set(!clh_opt_is_on(inv, "no-verify"));
        return clh_cli_take_pipes(inv, &err) ? clh_cli_fail(inv, &err) : clh_command_do(inv);
    }
    clh_help_command(stdout, inv->command);
    return 0;
}

int main(int argc, char **argv)
{
    clh_invocation inv = {0};
    clh_error err = {0};
    int code = 0;
    size_t used = 0;
    open_descriptors();
    /* A reader that goes away shows as a failed write, so that a run in progress is not killed. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* likewise a file that may not grow further */
    if (argc < 2) {
        clh_help_program(stderr);
        return clh_status_exit_code(CLH_EUSAGE);
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0) {
        (void)printf("clearhead %s\n", clh_version());
    } else if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
        clh_help_program(stdout);
    } else if (word[0] == '-') {
        inv.json = wants_json(argc, argv);
        code = clh_cli_usage(&inv, "want a command before %s; clearhead help lists them", word);
    } else if (!(inv.command = clh_command_find((const char *const *)(argv + 1), (size_t)argc - 1,
                                                &used, &err))) {
        inv.json = wants_json(argc, argv);
        code = clh_cli_fail(&inv, &err);
    } else {
        code = run_command(&inv, argc - (int)used, argv + used);
    }
    return clh_cli_out_finish(&inv, code);
}
