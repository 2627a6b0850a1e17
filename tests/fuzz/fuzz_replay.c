/* Every fuzz target without libFuzzer, as a test (TAP): seeds and inputs that were once found, each also
 * with every allocation made to fail in turn; then mutations of the seeds, the same ones each time.
 *
 *    fuzz_replay [NAME [MUTATIONS]]       without a name all of them
 */
#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include "base/random.h"
#include "fuzz/fuzz.h"
#include "support/failing_alloc.h"

/* FUZZ_TARGETS is made from the list in meson.build. */
#define FUZZ(name) bool fuzz_##name(const uint8_t *bytes, size_t size);
FUZZ_TARGETS
#undef FUZZ

static const struct target {
    const char *name;
    bool (*one)(const uint8_t *bytes, size_t size);
} targets[] = {
#define FUZZ(name) {#name, fuzz_##name},
    FUZZ_TARGETS
#undef FUZZ
};

enum { INPUTS_MOST = 256, INPUT_MOST = 1 << 14, MUTATIONS = 1000, FAILURES_MOST = 4000 };

typedef struct input {
    char name[96]; /* "seeds/metric/loss" */
    uint8_t bytes[INPUT_MOST];
    size_t size;
} input;

/* What is being done, said when it ends the process. */
static char doing[192];

static void say_what(int number)
{
    (void)!write(STDERR_FILENO, doing, strlen(doing));
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* ---- Inputs ----------------------------------------------------------------------------------*/

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Those of tests/fuzz/KIND/NAME, in the order of their names, behind the `count` that are there. */
static size_t read_inputs(input *inputs, size_t count, const char *kind, const char *name)
{
    char folder[1024], path[2048];
    struct dirent **entry = NULL;
    const char *source = getenv("CLH_SOURCE");
    (void)snprintf(folder, sizeof folder, "%s/tests/fuzz/%s/%s", source ? source : ".", kind, name);
    const int found = scandir(folder, &entry, is_input, alphasort);
    for (int i = 0; i < found; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
        (void)snprintf(inputs[count].name, sizeof inputs->name, "%s/%s/%.40s", kind, name,
                       entry[i]->d_name);
        FILE *file = fopen(path, "rb");
        FUZZ_MUST(file && count < INPUTS_MOST);
        inputs[count].size = fread(inputs[count].bytes, 1, INPUT_MOST, file);
        FUZZ_MUST(feof(file)); /* all of it */
        count++;
        (void)fclose(file);
        free(entry[i]);
    }
    free(entry);
    return count;
}

/* ---- Failing allocations ---------------------------------------------------------------------*/

/* With an allocation that failed nothing is taken: the answer is that there is no memory, or the refusal
 * that there is anyway. Nothing stays allocated. */
static void fail_each_allocation(const struct target *t, const input *in)
{
    fuzz_last = CLH_OK;
    const bool taken = t->one(in->bytes, in->size);
    const clh_status refusal = fuzz_last;
    for (size_t k = 1; k < FAILURES_MOST; k++) {
        failing_alloc state;
        (void)snprintf(doing, sizeof doing, "%.95s, allocation %zu fails\n", in->name, k);
        fuzz_last = CLH_OK;
        failing_alloc_install(&state, k);
        const bool again = t->one(in->bytes, in->size);
        const bool failed = failing_alloc_remove(&state);
        FUZZ_MUST(state.live == 0);
        if (!failed) {
            FUZZ_MUST(again == taken && fuzz_last == refusal);
            return;
        }
        FUZZ_MUST(fuzz_last == CLH_ENOMEM || (refusal && fuzz_last == refusal));
    }
}

/* ---- Mutations -------------------------------------------------------------------------------*/

static const char *const tokens[] = {
    "{",     "}",       "[",     "]",    ",",        ":",     "\"",
    "\\",    "\\u0000", "-",     "0",    "1",        "80",    "1.0",
    "1e9",   "null",    "true",  "\xff", "\n",       " ",     "=",
    "@",     "->",      "[]",    "{}",   "nan",      "inf",   "-1",
    "1e999", "auto",    "[0,1]", "#",    "\xc3\xa9", "[1,1]", "9223372036854775807",
    "\xef",  "\t",      "a",     "None", "\"a\":1",  "\r\n",  "18446744073709551616",
};

/* Put `length` bytes where `cut` were, as far as there is room. */
static void splice(input *in, size_t at, size_t cut, const void *bytes, size_t length)
{
    if (in->size - cut + length > INPUT_MOST)
        return;
    memmove(in->bytes + at + length, in->bytes + at + cut, in->size - at - cut);
    memcpy(in->bytes + at, bytes, length);
    in->size += length - cut;
}

/* Another digit where the next one is: still JSON, other numbers. */
static void change_digit(input *in, size_t at, uint32_t to)
{
    while (at < in->size && (in->bytes[at] < '0' || in->bytes[at] > '9'))
        at++;
    if (at < in->size)
        in->bytes[at] = (uint8_t)('0' + to % 10);
}

static void mutate_once(input *in, const input *other, const uint32_t word[4])
{
    if (in->size == 0 || other->size == 0)
        return;
    const size_t at = word[1] % in->size, rest = in->size - at;
    const char *token = tokens[word[2] % CLH_COUNT(tokens)];
    uint8_t span[32];
    const size_t length = 1 + word[3] % (rest < sizeof span ? rest : sizeof span);
    const size_t from = word[2] % other->size;
    const size_t taken = other->size - from < length ? other->size - from : length;
    memcpy(span, other->bytes + from, taken);
    switch (word[0] % 8) {
    case 0:
        in->bytes[at] ^= (uint8_t)(1 << word[2] % 8);
        break;
    case 1:
        in->size = at;
        break;
    case 2:
        splice(in, at, length, "", 0);
        break;
    case 3:
        splice(in, at, 0, span, taken);
        break;
    case 4:
        splice(in, at, length, span, taken);
        break;
    case 5:
        splice(in, at, 0, token, strlen(token));
        break;
    case 6:
        splice(in, at, length, token, strlen(token));
        break;
    default:
        change_digit(in, at, word[2]);
    }
}

/* Mutation number `index`: a seed changed one to four times. */
static void mutate(input *out, const input *seeds, size_t count, uint64_t index)
{
    uint32_t word[4];
    clh_random_words(0, 0, index, word);
    *out = seeds[word[0] % count];
    const size_t times = 1 + word[1] % 4;
    for (uint64_t i = 1; i <= times; i++) {
        uint32_t change[4];
        clh_random_words(0, i, index, change);
        mutate_once(out, &seeds[change[1] / 7 % count], change);
    }
}

/* ---- A target --------------------------------------------------------------------------------*/

static void replay(size_t number, const struct target *t, uint64_t mutations)
{
    static input inputs[INPUTS_MOST], one;
    size_t taken = 0;
    const size_t seeds = read_inputs(inputs, 0, "seeds", t->name);
    const size_t count = read_inputs(inputs, seeds, "found", t->name);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(doing, sizeof doing, "%.95s\n", inputs[i].name);
        taken += t->one(inputs[i].bytes, inputs[i].size);
        if (mutations > 0)
            fail_each_allocation(t, &inputs[i]);
    }
    /* a target that takes all of its seeds, or none, tests half of its parser */
    const bool fair = taken > 0 && taken < count;
    for (uint64_t i = 0; fair && i < mutations; i++) {
        mutate(&one, inputs, seeds, i);
        (void)snprintf(doing, sizeof doing, "%s, mutation %ju\n", t->name, (uintmax_t)i);
        taken += t->one(one.bytes, one.size);
    }
    (void)printf("%s %zu - %s: %zu inputs, %ju mutations, %zu taken\n", fair ? "ok" : "not ok",
                 number, t->name, count, (uintmax_t)mutations, taken);
    (void)fflush(stdout);
}

int main(int count, char **arguments)
{
    const char *name = count > 1 ? arguments[1] : NULL;
    const uint64_t mutations = count > 2 ? strtoull(arguments[2], NULL, 10) : MUTATIONS;
    size_t number = 0;
    (void)signal(SIGABRT, say_what);
    (void)signal(SIGSEGV, say_what);
    for (size_t i = 0; i < CLH_COUNT(targets); i++)
        if (!name || !*name || strcmp(targets[i].name, name) == 0)
            replay(++number, &targets[i], mutations);
    (void)printf("1..%zu\n", number);
    return number > 0 ? 0 : 2;
}
