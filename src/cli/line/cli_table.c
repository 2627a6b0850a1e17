#include "cli/line/cli.h"

#include <assert.h>
#include <string.h>

#include "ask/asking/asking.h"
#include "base/quote.h"
#include "report/format.h"
#include "run/settings/run_keys.h"

static const clh_command commands[] = {
#define COMMAND(name_, hidden_, args_, least_, most_, summary_, description_, keys_, examples_,    \
                exits_)                                                                            \
    {.name = #name_,                                                                               \
     .typed = #name_,                                                                              \
     .args = args_,                                                                                \
     .args_least = least_,                                                                         \
     .args_most = most_,                                                                           \
     .summary = summary_,                                                                          \
     .description = description_,                                                                  \
     .keys = keys_,                                                                                \
     .examples = examples_,                                                                        \
     .exits = exits_,                                                                              \
     .hidden = hidden_},
#include "cli/line/commands.def"
#undef COMMAND
};

static const clh_option own_options[] = {
#define OPTION(name_, commands_, kind_, values_, fallback_, help_)                                 \
    {.name = name_,                                                                                \
     .section = "options",                                                                         \
     .commands = commands_,                                                                        \
     .kind = CLH_OPTION_##kind_,                                                                   \
     .values = values_,                                                                            \
     .fallback = fallback_,                                                                        \
     .help = help_},
#include "cli/line/cli_options.def"
#undef OPTION
};

enum { ARGS_MAX = 48 };

/** Positional arguments: the words the question takes, then the run it asks. */
static size_t args_of(const clh_question *q, char args[ARGS_MAX])
{
    size_t count = 0, length = 0;
    *args = '\0';
    for (size_t w = 0; w < clh_question_words(q); w++, count++) {
        const char *what = clh_question_word(q, w)->values;
        length +=
            (size_t)snprintf(args + length, ARGS_MAX - length, "%s%s", count ? " " : "", what);
    }
    if (!(q->needs & CLH_NEEDS_NOTHING)) {
        (void)snprintf(args + length, ARGS_MAX - length, "%sRUN[@STEP]", count ? " " : "");
        count++;
    }
    return count;
}

/** A question as a command: all that a command is stands in the question's row. `args` and `typed` are its
 *  room. */
static clh_command command_of(const clh_question *q, char args[ARGS_MAX], char typed[ARGS_MAX])
{
    const size_t count = args_of(q, args);
    (void)snprintf(typed, ARGS_MAX, "%s", q->name);
    for (char *at = typed; (at = strchr(at, '_'));)
        *at = ' ';
    return (clh_command){.name = q->name,
                         .typed = typed,
                         .args = args,
                         .args_least = count,
                         .args_most = count,
                         .summary = q->summary,
                         .description = q->description,
                         .keys = "",
                         .examples = q->examples,
                         .exits = "",
                         .question = q};
}

enum { COMMANDS_MAX = 64 };

const clh_command *clh_commands(size_t *count)
{
    static clh_command all[COMMANDS_MAX]; /* commands, then questions: made once */
    static char args[COMMANDS_MAX][ARGS_MAX], typed[COMMANDS_MAX][ARGS_MAX];
    static size_t made = 0;
    assert(CLH_COUNT(commands) + clh_question_count() <= COMMANDS_MAX);
    for (size_t i = 0; made == 0 && i < CLH_COUNT(commands); i++)
        all[i] = commands[i];
    for (size_t i = 0; made == 0 && i < clh_question_count(); i++)
        all[CLH_COUNT(commands) + i] = command_of(clh_question_at(i), args[i], typed[i]);
    *count = made = CLH_COUNT(commands) + clh_question_count();
    return all;
}

const clh_command *clh_command_find(const char *const *words, size_t count, size_t *used,
                                    clh_error *err)
{
    const char *names[COMMANDS_MAX];
    char two[ARGS_MAX], first[ARGS_MAX];
    size_t shown = 0, rows = 0;
    bool begins = false; /* the first word is one of a command of two */
    const clh_command *all = clh_commands(&rows);
    (void)snprintf(first, sizeof first, "%.20s ", words[0]);
    (void)snprintf(two, sizeof two, "%.20s %.20s", words[0], count > 1 ? words[1] : "");
    for (size_t i = 0; i < rows; i++) {
        const bool both = count > 1 && strcmp(all[i].typed, two) == 0;
        *used = both ? 2 : 1;
        if (both || strcmp(all[i].name, words[0]) == 0)
            return &all[i];
        begins = begins || strncmp(all[i].typed, first, strlen(first)) == 0;
        if (!all[i].hidden)
            names[shown++] = all[i].typed;
    }
    const char *nearest = clh_nearest_name(begins ? two : words[0], names, shown);
    nearest = nearest ? nearest : clh_nearest_name(two, names, shown);
    clh_fail(err, CLH_EUSAGE, "unknown command %s%s%s%s",
             clh_quoted_text(begins ? two : words[0]).text, nearest ? "; did you mean " : "",
             nearest ? nearest : "; clearhead help lists them", nearest ? "?" : "");
    return NULL;
}

/** A configuration key as an option: the same name with dashes. */
static clh_option option_of_key(const clh_key *key)
{
    static const clh_option_kind kind[] = {
        [CLH_KEY_SIZE] = CLH_OPTION_SIZE,     [CLH_KEY_SEED] = CLH_OPTION_SIZE,
        [CLH_KEY_REAL] = CLH_OPTION_REAL,     [CLH_KEY_BOOL] = CLH_OPTION_BOOL,
        [CLH_KEY_CHOICE] = CLH_OPTION_CHOICE, [CLH_KEY_TEXT] = CLH_OPTION_FILE,
        [CLH_KEY_LIST] = CLH_OPTION_TEXT,
    };
    clh_option option = {.section = key->section ? key->section : "settings",
                         .kind = kind[key->kind],
                         .values = key->kind == CLH_KEY_LIST ? "N[,N...]" : key->values,
                         .fallback = key->fallback,
                         .automatic = key->automatic,
                         .help = key->help,
                         .key = key};
    assert(strlen(key->name) < sizeof option.name);
    if (key->kind == CLH_KEY_TEXT && !clh_word_in(key->values, '|', "FILE"))
        option.kind = CLH_OPTION_TEXT;
    for (size_t i = 0; key->name[i]; i++)
        option.name[i] = key->name[i] == '_' ? '-' : key->name[i];
    return option;
}

/** Whether a command's `keys` name the run's key at `place` or its section; with "@task" go the
 *  settings of every task, whose sections are called after them. */
static bool takes_key(const char *keys, size_t place)
{
    const clh_key *key = &clh_run_keys()[place];
    char section[32] = "@";
    if (key->record)
        return false;
    strncat(section, clh_run_key_task(place) ? "task" : key->section, sizeof section - 2);
    return clh_word_in(keys, ' ', section) || clh_word_in(keys, ' ', key->name);
}

/** The run's keys that a command takes; those of one section stand together. */
static void add_keys(const clh_command *command, clh_option_set *out)
{
    const clh_key *keys = clh_run_keys();
    const size_t count = clh_run_key_count();
    for (size_t first = 0; first < count; first++) {
        bool seen = false;
        for (size_t i = 0; i < first && !seen; i++)
            seen = strcmp(keys[i].section, keys[first].section) == 0;
        for (size_t i = first; i < count && !seen; i++)
            if (strcmp(keys[i].section, keys[first].section) == 0 && takes_key(command->keys, i))
                out->option[out->count++] = option_of_key(&keys[i]);
    }
}

/** Whether a row of cli_options.def is for this command; the word "?" stands for every question, "@" for those
 *  that ask a run. */
static bool is_for(const clh_option *option, const clh_command *command)
{
    const clh_question *q = command->question;
    return strcmp(option->commands, "*") == 0 || (q && clh_word_in(option->commands, ' ', "?")) ||
           (q && !(q->needs & CLH_NEEDS_NOTHING) && clh_word_in(option->commands, ' ', "@")) ||
           clh_word_in(option->commands, ' ', command->name);
}

enum { ENDINGS_MAX = 256 };

/** "also write the result; ...": the endings are those of the table of formats. The same each time, so
 *  made once; without them where there is no memory. */
static const char *endings_help(const char *what, bool pictures, char text[ENDINGS_MAX])
{
    clh_strbuf endings = {0};
    if (*text)
        return text;
    clh_format_endings(&endings, pictures);
    if (clh_strbuf_check(&endings, NULL))
        return what;
    const int length = snprintf(text, ENDINGS_MAX, "%s%s", what, clh_strbuf_view(&endings));
    assert((size_t)length < ENDINGS_MAX);
    (void)length;
    clh_strbuf_deinit(&endings);
    return text;
}

/** Options that the table of formats makes: files to write, and a flag for each format of text. */
static void add_formats(clh_option_set *out)
{
    static char files[ENDINGS_MAX], pictures[ENDINGS_MAX];
    clh_option option = {
        .name = "out",
        .section = "options",
        .commands = "?",
        .kind = CLH_OPTION_WRITTEN,
        .values = "FILE",
        .help = endings_help("also write the result; the ending decides: ", false, files)};
    out->option[out->count++] = option;
    (void)snprintf(option.name, sizeof option.name, "figure");
    option.help = endings_help("also draw the result: ", true, pictures);
    out->option[out->count++] = option;
    option.kind = CLH_OPTION_FLAG;
    option.values = NULL;
    const clh_format *format = NULL;
    for (size_t i = 0; (format = clh_format_at(i)); i++) {
        (void)snprintf(option.name, sizeof option.name, "%s", format->name);
        option.help = format->summary;
        if (clh_format_is_flag(format))
            out->option[out->count++] = option;
    }
}

/** Options of parts that have a file of their own. */
static void add_own_files(const clh_schema *schema, clh_option_set *out)
{
    for (; schema && schema->kind; schema++) {
        if (!(schema->flags & CLH_OWN_FILE))
            continue;
        clh_option *option = &out->option[out->count++];
        *option = (clh_option){.section = "options",
                               .kind = CLH_OPTION_WRITTEN,
                               .values = "FILE",
                               .help = schema->meaning,
                               .part = schema->name};
        (void)snprintf(option->name, sizeof option->name, "%s", schema->name);
    }
}

void clh_command_options(const clh_command *command, clh_option_set *out)
{
    assert(command && out);
    const clh_question *q = command->question;
    out->count = 0;
    size_t count = 0;
    const clh_key *keys = q ? clh_question_keys(q, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        if (!clh_word_in(q->words, ' ', keys[i].name))
            out->option[out->count++] = option_of_key(&keys[i]);
    if (q) {
        add_formats(out);
        add_own_files(q->schema, out);
    }
    if (q && q->as) {
        clh_option *option = &out->option[out->count++];
        *option = (clh_option){.section = "options", .kind = CLH_OPTION_FLAG, .help = q->as->help};
        (void)snprintf(option->name, sizeof option->name, "as-%s", q->as->name);
    }
    for (size_t i = 0; i < CLH_COUNT(own_options); i++)
        if (is_for(&own_options[i], command) && clh_option_place(out, own_options[i].name) ==
                                                    out->count) { /* else a setting has that name */
            out->option[out->count] = own_options[i];
            if (q && strcmp(own_options[i].name, "numbers") == 0)
                out->option[out->count].automatic = q->over; /* what it is, not a value of it */
            out->count++;
        }
    add_keys(command, out);
    assert(out->count <= CLH_OPTIONS_MAX);
}
