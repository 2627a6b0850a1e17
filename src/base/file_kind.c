#include "base/file_kind.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/quote.h"

/* Bytes of a file, and where the part of it begins that is looked at. */
typedef struct head {
    const unsigned char *bytes;
    size_t length;
} head;

static bool has(const head *h, size_t at, const char *magic, size_t length)
{
    return h->length >= at && h->length - at >= length && memcmp(h->bytes + at, magic, length) == 0;
}

#define HAS(h, at, magic) has(h, at, magic, sizeof(magic) - 1)

static head without_bom(const head *h)
{
    const size_t bom = HAS(h, 0, "\xef\xbb\xbf") ? 3 : 0;
    return (head){h->bytes + bom, h->length - bom};
}

static head without_space(const head *h)
{
    size_t at = 0;
    while (at < h->length && h->bytes[at] != 0 && strchr(" \t\r\n", h->bytes[at]))
        at++;
    return (head){h->bytes + at, h->length - at};
}

static bool contains(const head *h, const char *text)
{
    return memmem(h->bytes, h->length, text, strlen(text)) != NULL;
}

static bool is_printable(const head *h)
{
    for (size_t i = 0; i < h->length; i++)
        if (h->bytes[i] < 0x20 ? !strchr("\t\r\n", h->bytes[i]) || h->bytes[i] == 0
                               : h->bytes[i] == 0x7f)
            return false;
    return true;
}

/* ---- One function for each kind ----------------------------------------------------------------
 */

static bool is_empty(const head *h)
{
    return h->length == 0;
}

static bool is_blank(const head *h)
{
    return without_space(h).length == 0;
}

static bool is_lfs(const head *h)
{
    return HAS(h, 0, "version https://git-lfs.github.com/spec/");
}

static bool is_html(const head *h)
{
    const head text = without_space(h);
    static const char *const begins[] = {"<!doctype html", "<html", "<head", "<body"};
    for (size_t i = 0; i < CLH_COUNT(begins); i++)
        if (text.length >= strlen(begins[i]) &&
            strncasecmp((const char *)text.bytes, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

static bool is_xml(const head *h)
{
    const head text = without_space(h);
    return HAS(&text, 0, "<?xml");
}

/* The name of the first file in a zip, which tells who wrote it. */
static head zip_name(const head *h)
{
    enum { LENGTH_AT = 26, NAME_AT = 30 };
    if (!HAS(h, 0, "PK\3\4") || h->length < NAME_AT)
        return (head){h->bytes, 0};
    const size_t length = h->bytes[LENGTH_AT] + ((size_t)h->bytes[LENGTH_AT + 1] << 8);
    const size_t most = h->length - NAME_AT;
    return (head){h->bytes + NAME_AT, length < most ? length : most};
}

static bool ends_with(const head *h, const char *end)
{
    const size_t length = strlen(end);
    return h->length >= length && memcmp(h->bytes + h->length - length, end, length) == 0;
}

static bool is_torch_zip(const head *h)
{
    const head name = zip_name(h);
    return ends_with(&name, "/data.pkl") || ends_with(&name, "/constants.pkl");
}

static bool is_npz(const head *h)
{
    const head name = zip_name(h);
    return ends_with(&name, ".npy");
}

static bool is_zip(const head *h)
{
    return HAS(h, 0, "PK\3\4") || HAS(h, 0, "PK\5\6");
}

static bool is_npy(const head *h)
{
    return HAS(h, 0, "\x93NUMPY");
}

/* Protocols 2 to 5 begin with their number; before them a dictionary began with "(dp0". */
static bool is_pickle(const head *h)
{
    return (h->length > 2 && h->bytes[0] == 0x80 && h->bytes[1] >= 2 && h->bytes[1] <= 5) ||
           HAS(h, 0, "(dp0\n");
}

static bool is_gzip(const head *h)
{
    return HAS(h, 0, "\x1f\x8b");
}

static bool is_compressed(const head *h)
{
    return HAS(h, 0, "BZh") ||
           HAS(h, 0,
               "\xfd"
               "7zXZ") ||
           HAS(h, 0, "\x28\xb5\x2f\xfd") || HAS(h, 0, "7z\xbc\xaf\x27\x1c");
}

static bool is_tar(const head *h)
{
    return HAS(h, 257, "ustar");
}

static bool is_gguf(const head *h)
{
    return HAS(h, 0, "GGUF");
}

static bool is_hdf5(const head *h)
{
    return HAS(h, 0, "\x89HDF\r\n\x1a\n");
}

static bool is_utf16(const head *h)
{
    return HAS(h, 0, "\xff\xfe") || HAS(h, 0, "\xfe\xff");
}

/* 8 bytes of a length that no text would give, and an object. */
static bool is_safetensors(const head *h)
{
    return HAS(h, 5, "\0\0\0{");
}

static bool is_index(const head *h)
{
    const head text = without_space(h);
    return is_printable(h) && HAS(&text, 0, "{") && contains(h, "\"weight_map\"");
}

static bool is_json(const head *h)
{
    const head text = without_space(h);
    return is_printable(h) && (HAS(&text, 0, "{") || HAS(&text, 0, "["));
}

static const struct kind {
    bool (*is)(const head *h);
    const char *what, *advice; /* NULL: none */
    unsigned not_where;        /* bits of what was wanted where it is none, or no news */
    bool of_weights;           /* the advice is how to make a file of weights */
} kinds[] = {
#define NOT_JSON (BUT(JSON) | BUT(LINES) | BUT(TEXT))
#define BUT(wanted) (1U << CLH_WANT_##wanted)
#define SAVE "safetensors.torch.save_file(state_dict, \"model.safetensors\") makes one"
    {is_empty, "empty", NULL, BUT(TEXT) | BUT(LINES), false},
    {is_blank, "blank", NULL, BUT(TEXT) | BUT(LINES), false},
    {is_lfs, "a Git LFS pointer", "git lfs pull fetches the file it stands for", 0, false},
    {is_html, "an HTML page", "the file itself is behind a link of that page", 0, false},
    {is_xml, "XML, which servers send for an error", NULL, 0, false},
    {is_torch_zip, "a zip as torch.save() writes (.pth, .pt, .bin)", SAVE, 0, true},
    {is_npz, "a zip of NumPy arrays (.npz)", SAVE, 0, true},
    {is_zip, "a zip", "unpack it first", 0, false},
    {is_npy, "a NumPy array (.npy)", SAVE, 0, true},
    {is_pickle, "a pickle of Python (.pth, .pt, .bin, .pkl)", SAVE, 0, true},
    {is_gzip, "compressed with gzip", "unpack it first", 0, false},
    {is_compressed, "compressed", "unpack it first", 0, false},
    {is_tar, "a tar archive", "unpack it first", 0, false},
    {is_gguf, "a GGUF file of llama.cpp", NULL, 0, false},
    {is_hdf5, "an HDF5 file", NULL, 0, false},
    {is_utf16, "UTF-16 text, as PowerShell's > writes it", NULL, BUT(SAFETENSORS), false},
    {is_safetensors, "a safetensors file", NULL, BUT(SAFETENSORS), false},
    {is_index, "the index of weights in several files", "clearhead import takes it", NOT_JSON,
     true},
    {is_json, "JSON", NULL, NOT_JSON, false},
#undef SAVE
#undef NOT_JSON
#undef BUT
};

clh_status clh_file_kind_name(clh_status status, const char *path, const void *bytes, size_t length,
                              clh_wanted wanted, clh_error *err)
{
    static const char *const wanted_text[] = {
        [CLH_WANT_SAFETENSORS] = "a safetensors file",
        [CLH_WANT_JSON] = "JSON",
        [CLH_WANT_LINES] = "lines of JSON",
        [CLH_WANT_TEXT] = "text in UTF-8",
    };
    assert(status != CLH_OK && path && (bytes || length == 0) && wanted < CLH_COUNT(wanted_text));
    const head whole = {bytes, length < CLH_FILE_KIND_BYTES ? length : CLH_FILE_KIND_BYTES};
    const head h = without_bom(&whole);
    if (wanted == CLH_WANT_SAFETENSORS && is_safetensors(&h))
        return status; /* it is one, and something else is wrong with it */
    for (size_t i = 0; i < CLH_COUNT(kinds); i++) {
        if ((kinds[i].not_where >> wanted & 1) || !kinds[i].is(&h))
            continue;
        const bool told =
            kinds[i].advice && (!kinds[i].of_weights || wanted == CLH_WANT_SAFETENSORS);
        return clh_fail(err, status, "%s is %s, want %s%s%s", path, kinds[i].what,
                        wanted_text[wanted], told ? ": " : "", told ? kinds[i].advice : "");
    }
    if (wanted == CLH_WANT_SAFETENSORS && is_printable(&h))
        return clh_fail(err, status, "%s is text (%s), want a safetensors file", path,
                        clh_quoted_bytes((const char *)h.bytes, h.length).text);
    return status;
}

clh_status clh_text_begin(const char **text, const char *bytes, size_t length, const char *path,
                          clh_error *err)
{
    assert(text && (bytes || length == 0) && path);
    const head whole = {(const unsigned char *)bytes, length};
    const char *zero = length ? memchr(bytes, '\0', length) : NULL;
    *text = (const char *)without_bom(&whole).bytes;
    if (!zero)
        return CLH_OK;
    const clh_status status =
        clh_fail(err, CLH_EFORMAT, "%s has a zero byte at byte %zu, want text", path,
                 (size_t)(zero - bytes));
    return clh_file_kind_name(status, path, bytes, length, CLH_WANT_TEXT, err);
}
