/** Named fields of a plain struct. One table of keys says where each value lives, what it may be
 *  and what it means; the command line, JSON both ways, help and checks are loops over that table.
 *
 *    static const clh_key key = {.name = "batch", .kind = CLH_KEY_SIZE, .values = "[1, 1024]",
 *                                .offset = offsetof(struct my_config, batch),
 *                                .size = sizeof(size_t)};
 *    clh_key_from_text(&key, &config, "16", err);      // config.batch = 16
 *    clh_key_to_json(&key, &config, &text);            // 16
 *
 *  Keys and configs are the caller's; nothing here allocates but the JSON text.
 */
#ifndef CLH_KEYS_H
#define CLH_KEYS_H

#include "base/base.h"
#include "base/strbuf.h"

struct json_t;

/** What a field is, and the C type behind it. */
typedef enum clh_key_kind {
    CLH_KEY_SIZE,   /**< size_t */
    CLH_KEY_SEED,   /**< uint64_t, at most 2^63-1: the largest integer JSON readers agree on */
    CLH_KEY_REAL,   /**< double, always finite */
    CLH_KEY_BOOL,   /**< bool */
    CLH_KEY_CHOICE, /**< an enum counted from 0 */
    CLH_KEY_TEXT,   /**< char[size], terminated */
    CLH_KEY_LIST, /**< unsigned[] and, at count_offset, a size_t saying how many; kept ascending */
} clh_key_kind;

/** One row of a table of keys. */
typedef struct clh_key {
    const char *section; /**< heading in help and documents */
    const char *name;    /**< as in JSON: "max_grad_norm" */
    clh_key_kind kind;
    size_t offset, size, count_offset;
    const char *fallback;  /**< default as text; NULL: automatic */
    const char *automatic; /**< how the automatic value comes about; NULL: there is none */
    const char *values;    /**< numbers: "[1, 6]", "(0, inf)"; choices: "a|b|c" in the enum's order;
                                texts: the placeholder, "FILE" */
    const char *resets;    /**< keys that follow from this one, separated by spaces; NULL: none */
    const char *help;      /**< one line */
    /** What it was, as text, in whole configs that were written before there was this key; NULL: it was
     *  always there, or its default. */
    const char *before;
    /** Of a path: the key whose text is the SHA-256 of what it leads to, and the name under which a
     *  run's folder may have that; NULL: none. */
    const char *content, *kept;
    bool record; /**< what a run found, and no setting; "" or 0: nothing yet */
} clh_key;

/** Where a row's value lives in its struct: `type` and the name of the field. */
#define CLH_SETTING(type, field) .offset = offsetof(type, field), .size = sizeof(((type *)0)->field)

/** A row called as its field: CLH_ROW(heads_settings, count, SIZE, "100", "[1, 1000]", "how many"). */
#define CLH_ROW(type, field, kind, fallback, values, help)                                         \
    CLH_ROW_AT(#field, type, field, kind, fallback, NULL, values, help)

/** The same without a default: how the value comes about then, NULL where there is none. */
#define CLH_ROW_AUTO(type, field, kind, automatic, values, help)                                   \
    CLH_ROW_AT(#field, type, field, kind, NULL, automatic, values, help)

#define CLH_ROW_AT(name_, type, field, kind_, fallback_, automatic_, values_, help_)               \
    {                                                                                              \
        .name = name_, .kind = CLH_KEY_##kind_, CLH_SETTING(type, field), .fallback = fallback_,   \
        .automatic = automatic_, .values = values_, .help = help_                                  \
    }

/** Of what has such rows: the table, and the struct that they are read into. */
#define CLH_SETTINGS(keys_, type)                                                                  \
    .keys = keys_, .key_count = CLH_COUNT(keys_), .settings_size = sizeof(type)

/** Set the field from text. CLH_ECONFIG or CLH_ERANGE naming key, found and wanted; the field is
 *  then untouched. */
clh_status clh_key_from_text(const clh_key *key, void *config, const char *text, clh_error *err);

/** Set the field from a JSON value of the right type (a list may be one number; a choice whose
 *  first name is "None" may be null). Errors as clh_key_from_text(). */
clh_status clh_key_from_json(const clh_key *key, void *config, const struct json_t *value,
                             clh_error *err);

/** Append the field as a JSON value that clh_key_from_json() reads back to the same bits. */
void clh_key_to_json(const clh_key *key, const void *config, clh_strbuf *out);

/** Append `value` with as few digits as read back to the same bits. */
void clh_real_to_json(double value, clh_strbuf *out);

/** Copy one field. */
void clh_key_copy(const clh_key *key, void *to, const void *from);

/** Whether a field is the same in both. */
bool clh_key_equal(const clh_key *key, const void *a, const void *b);

/** Whether the field's value is one that clh_key_from_text() would take, whatever stands there: an
 *  enum without a name, a text without an end. CLH_ERANGE or CLH_ECONFIG if not. */
clh_status clh_key_check(const clh_key *key, const void *config, clh_error *err);

/** The key called `name`; NULL with CLH_ECONFIG filled in, naming the nearest. Words may be joined
 *  by '-' as well as '_'. */
const clh_key *clh_key_find(const clh_key *keys, size_t count, const char *name, clh_error *err);

/** Whether `name` is one of the words in `list` (separated by `separator`); NULL has none. */
bool clh_word_in(const char *list, char separator, const char *name);

#endif
