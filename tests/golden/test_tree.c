/* The module tree is what TransformerLens prints, with the true shapes beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "support/each_case.h"
#include "support/golden_case.h"

enum { CASES_MAX = 128, LEAVES_MAX = 128, PATH_SIZE = 96, DEPTH_MAX = 8, TEXT_LIMIT = 1000000 };

/* A parameter or hook point as the text shows it: "blocks.0.attn.hook_q" and what stands beside. */
typedef struct leaf {
    char path[PATH_SIZE], beside[PATH_SIZE];
    bool hook;
} leaf;

typedef struct bench {
    const char *name;
    golden_case golden;
    char *text;
    leaf leaves[LEAVES_MAX];
    size_t count;
} bench;

/* One line of the tree: a module is remembered at its depth, a leaf is written down. */
static void read_line(bench *b, char modules[DEPTH_MAX][PATH_SIZE], const char *line)
{
    size_t depth = strspn(line, " ") / 2, length;
    const char *at = line + 2 * depth;
    if (depth == 0 || *at == ')')
        return;
    bool bracket = *at == '(';
    at += bracket;
    length = strcspn(at, bracket ? ")-" : " ");
    assert_true(depth < DEPTH_MAX && length < PATH_SIZE);
    memcpy(modules[depth], at, length);
    modules[depth][length] = '\0';
    bool hook = strstr(at, "HookPoint()") != NULL;
    if (bracket && !hook)
        return;
    assert_true(b->count < LEAVES_MAX);
    leaf *out = &b->leaves[b->count++];
    out->hook = hook;
    for (size_t d = 1, used = 0; d <= depth; d++)
        used += (size_t)snprintf(out->path + used, PATH_SIZE - used, "%s%s", d > 1 ? "." : "",
                                 modules[d]);
    const char *beside = strstr(at, "  ");
    assert_non_null(beside);
    (void)snprintf(out->beside, PATH_SIZE, "%s", beside + strspn(beside, " "));
}

static int open_bench(void **state)
{
    bench *b = calloc(1, sizeof *b);
    clh_error err = {0};
    char modules[DEPTH_MAX][PATH_SIZE] = {0};
    assert_non_null(b);
    b->name = ((const each_case *)*state)->name;
    golden_open(&b->golden, b->name);
    assert_int_equal(clh_model_tree(&b->golden.config, &b->text, &err), CLH_OK);
    for (const char *line = b->text, *end; (end = strchr(line, '\n')); line = end + 1) {
        char one[256];
        assert_true((size_t)(end - line) < sizeof one);
        (void)snprintf(one, sizeof one, "%.*s", (int)(end - line), line);
        read_line(b, modules, one);
    }
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_free(b->text);
    golden_close(&b->golden);
    free(b);
    return 0;
}

static bool in_later_layer(const char *name)
{
    return strncmp(name, "blocks.", 7) == 0 && strncmp(name, "blocks.0.", 9) != 0;
}

static void hook_points_stand_in_their_order(void **state)
{
    bench *b = *state;
    size_t at = 0;
    for (size_t i = 0; i < json_array_size(b->golden.hook_points); i++) {
        const char *want = json_string_value(json_array_get(b->golden.hook_points, i));
        if (in_later_layer(want))
            continue;
        while (at < b->count && !b->leaves[at].hook)
            at++;
        assert_true(at < b->count);
        assert_string_equal(b->leaves[at++].path, want);
    }
    for (; at < b->count; at++)
        assert_false(b->leaves[at].hook);
}

static leaf *find_leaf(bench *b, const char *path)
{
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->leaves[i].path, path) == 0)
            return &b->leaves[i];
    fail_msg("the tree does not show %s", path);
    return NULL;
}

/* "[batch, pos, 2, 5]" with the numbers for the names. */
static void put_numbers(char *text, const clh_tokens *tokens)
{
    const struct {
        const char *word;
        size_t number;
    } words[] = {{"batch", tokens->batch}, {"key_pos", tokens->pos}, {"pos", tokens->pos}};
    for (size_t w = 0; w < CLH_COUNT(words); w++) {
        char *at = strstr(text, words[w].word), rest[PATH_SIZE];
        if (!at)
            continue;
        (void)snprintf(rest, sizeof rest, "%s", at + strlen(words[w].word));
        (void)snprintf(at, (size_t)(text + PATH_SIZE - at), "%zu%s", words[w].number, rest);
    }
}

static void every_tensor_stands_there_with_its_shape(void **state)
{
    bench *b = *state;
    clh_cache *cache = NULL;
    char shape[96];
    size_t shown = 0, off = 0;
    assert_int_equal(clh_cache_open(&cache, &b->golden.config, CLH_KEEP_ALL, NULL), CLH_OK);
    assert_int_equal(clh_cache_reserve(cache, b->golden.tokens.batch, b->golden.tokens.pos, NULL),
                     CLH_OK);
    for (size_t t = 0; t < clh_model_tensor_count(b->golden.model); t++) {
        clh_tensor tensor = clh_model_tensor(b->golden.model, t);
        if (in_later_layer(tensor.name))
            continue;
        assert_string_equal(find_leaf(b, tensor.name)->beside,
                            clh_tensor_shape_text(&tensor, shape));
        shown++;
    }
    for (size_t t = 0; t < clh_cache_count(cache); t++) {
        clh_tensor tensor = clh_cache_tensor(cache, t);
        if (in_later_layer(tensor.name) || strcmp(tensor.name, "logits") == 0)
            continue;
        leaf *at = find_leaf(b, tensor.name);
        shown += strstr(at->beside, "batch") != NULL; /* ln1 of split inputs occurs three times */
        put_numbers(at->beside, &b->golden.tokens);
        assert_string_equal(at->beside, clh_tensor_shape_text(&tensor, shape));
    }
    for (size_t i = 0; i < b->count; i++)
        off += strncmp(b->leaves[i].beside, "off: ", 5) == 0;
    assert_int_equal(shown + off, b->count);
    clh_cache_close(cache);
}

/* What TransformerLens prints: without parameters and what stands beside. */
static char *bare(const char *text)
{
    char *out = calloc(1, strlen(text) + 1);
    assert_non_null(out);
    size_t used = 0;
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        size_t indent = strspn(line, " ");
        const char *at = line + indent, *beside = strstr(at, "  ");
        size_t length = (size_t)((beside && beside < end ? beside : end) - line);
        if (indent > 0 && *at != '(' && *at != ')')
            continue;
        if (*at == ')' && used > 1 && out[used - 2] == '(')
            used--, line += indent, length -= indent; /* an empty module: "()" */
        memcpy(out + used, line, length);
        used += length;
        out[used++] = '\n';
    }
    out[used] = '\0';
    return out;
}

static void tree_is_what_transformer_lens_prints(void **state)
{
    bench *b = *state;
    char *file = NULL, title[PATH_SIZE];
    size_t length;
    assert_int_equal(
        clh_file_read(&file, &length, CLH_GOLDEN_DIR "/module_trees.txt", TEXT_LIMIT, NULL),
        CLH_OK);
    (void)snprintf(title, sizeof title, "## %s\n", b->name);
    char *at = strstr(file, title), *got = bare(b->text);
    if (at) {
        char *want = at + strlen(title), *end = strstr(want, "## ");
        if (end)
            *end = '\0';
        assert_string_equal(got, want);
    } else { /* printed alike by an earlier case */
        assert_non_null(strstr(file, got));
    }
    free(got);
    clh_free(file);
}

static const each_truth truths[] = {
    {"hook points stand in their order", hook_points_stand_in_their_order},
    {"every tensor stands there with its shape", every_tensor_stands_there_with_its_shape},
    {"the tree is what TransformerLens prints", tree_is_what_transformer_lens_prints},
};

int main(void)
{
    char *names[CASES_MAX];
    size_t cases = golden_names(names, CASES_MAX);
    int failed =
        cases == 0 || each_case_run("tree", truths, CLH_COUNT(truths), (const char *const *)names,
                                    cases, open_bench, close_bench);
    for (size_t c = 0; c < cases; c++)
        free(names[c]);
    return failed;
}
