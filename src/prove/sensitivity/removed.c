/* Rows of a query of every model: docs/mathematics.md, "Necessity". */
#include "prove/sensitivity/removed.h"

#include <math.h>
#include <string.h>

#include "base/base.h"

#define SCORE(q, k) (1u << (2 * (q) + (k)))
#define OF_QK(text) text ", its part of every score"

const clh_removed_part clh_removed_parts[CLH_NECESSITY_PARTS] = {
    {"head", "what attention writes to the residual stream", .head = true},
    {"qk.token_token", OF_QK("query's token with key's token"), .scores = SCORE(0, 0)},
    {"qk.token_position", OF_QK("query's token with key's position"), .scores = SCORE(0, 1)},
    {"qk.position_token", OF_QK("query's position with key's token"), .scores = SCORE(1, 0)},
    {"qk.position_position", OF_QK("query's position with key's position"), .scores = SCORE(1, 1)},
    {"qk.bias_token", OF_QK("query's bias with key's token"), .scores = SCORE(2, 0)},
    {"qk.bias_position", OF_QK("query's bias with key's position"), .scores = SCORE(2, 1)},
    {"ov.token", "token's part of every value", .value_token = true},
    {"ov.position", "position's part of every value", .value_place = true},
    {"direct", "what the embeddings bring to the unembedding on their own", .direct = true},
    {"sources.same_slot", "sources in the predicted slot of a term", .group = CLH_GROUP_SLOT},
    {"sources.first_term", "sources that are letters of the first term", .group = CLH_GROUP_FIRST},
    {"sources.answer", "sources that hold the right token", .group = CLH_GROUP_ANSWER},
};

/* ---- Opening -----------------------------------------------------------------------------------
 */

static clh_status open_rows(clh_removed *r, clh_error *err)
{
    const size_t columns = r->columns, n = r->tables->asked->n;
    for (size_t m = 0; m < r->models; m++) {
        r->base[m] = clh_alloc_zeroed(columns, sizeof(double), err);
        if (!r->base[m])
            return CLH_ENOMEM;
        for (size_t s = 0; s < n; s++)
            if (!(r->row[m][s] = clh_alloc_zeroed(CLH_LETTER_ROW * columns, sizeof(double), err)))
                return CLH_ENOMEM;
    }
    return CLH_OK;
}

/* The biases, their middle at 0. */
static void centre_bias(clh_removed *r)
{
    const clh_tables *t = r->tables;
    double least = INFINITY, most = -INFINITY;
    for (size_t o = 0; o < t->outputs; o++) {
        least = fmin(least, t->bias.data[o]);
        most = fmax(most, t->bias.data[o]);
    }
    for (size_t o = 0; o < t->outputs; o++)
        r->bias[o] = t->bias.data[o] - (least + most) / 2;
    r->spread = most - least;
}

clh_status clh_removed_open(clh_removed *r, const clh_tables *t, const clh_task *task,
                            clh_removal by, size_t models, clh_error *err)
{
    const size_t columns = t->width + CLH_REMOVED_MORE;
    *r = (clh_removed){.tables = t, .by = by, .models = models, .columns = columns};
    const struct {
        double **at;
        size_t count;
    } rows[] = {{&r->bias, t->outputs},           {&r->place_key, t->length},
                {&r->place_letter, t->d_vocab},   {&r->letter_part[0], t->d_vocab},
                {&r->letter_part[1], t->d_vocab}, {&r->letter_part[2], t->d_vocab},
                {&r->key_part[0], t->length},     {&r->key_part[1], t->length},
                {&r->key_part[2], t->length},     {&r->own_answer, columns},
                {&r->nothing, columns},           {&r->direct, t->width},
                {&r->towards, t->d_model + 1},    {&r->answer_direct, t->width}};
    bool all = (r->place = clh_alloc_zeroed(t->length, sizeof *r->place, err));
    all = (r->room = clh_alloc_array(t->length, sizeof *r->room, err)) && all;
    for (size_t i = 0; i < CLH_COUNT(rows); i++)
        all = (*rows[i].at = clh_alloc_zeroed(rows[i].count, sizeof(double), err)) && all;
    clh_status status = all ? open_rows(r, err) : CLH_ENOMEM;
    if (!status)
        status = clh_removed_weights_open(&r->whole, t, err);
    if (!status)
        status = clh_removed_weights_open(&r->other, t, err);
    if (!status && by == CLH_REMOVAL_MEAN)
        status = clh_removed_means_open(r, err);
    if (status) {
        clh_removed_deinit(r);
        return status;
    }
    centre_bias(r);
    (void)clh_places_find(r->place, task, t->length);
    return CLH_OK;
}

void clh_removed_deinit(clh_removed *r)
{
    if (!r)
        return;
    double *all[] = {r->bias,           r->place_key,      r->place_letter, r->letter_part[0],
                     r->letter_part[1], r->letter_part[2], r->key_part[0],  r->key_part[1],
                     r->key_part[2],    r->own_answer,     r->nothing,      r->direct,
                     r->towards,        r->answer_direct};
    for (size_t i = 0; i < CLH_COUNT(all); i++)
        clh_free(all[i]);
    for (size_t m = 0; m < CLH_MODELS; m++) {
        clh_free(r->base[m]);
        for (size_t s = 0; s < CLH_CERTIFY_LETTERS; s++)
            clh_free(r->row[m][s]);
    }
    clh_free(r->place);
    clh_free(r->room);
    clh_removed_weights_deinit(&r->whole);
    clh_removed_weights_deinit(&r->other);
    clh_removed_means_deinit(&r->means);
    *r = (clh_removed){0};
}

uint64_t clh_removed_fitting(const clh_letters_asked *a, const uint8_t *letters, unsigned mask,
                             size_t slot)
{
    size_t begin, end;
    uint64_t which = 0;
    clh_letters_range(a, letters, mask, slot, &begin, &end);
    for (size_t x = begin; x < end; x++)
        if (clh_letters_fit(a, letters, mask, (uint8_t)x))
            which |= (uint64_t)1 << x;
    return which;
}

size_t clh_removed_letter(const clh_letters_asked *a, uint32_t token)
{
    for (size_t x = 0; x < a->letters; x++)
        if (a->token[x] == token)
            return x;
    return SIZE_MAX;
}

/* ---- The query ---------------------------------------------------------------------------------
 */

/* Free slots that have keys, and the answer's in front of them even without. */
static void order_slots(clh_removed *r)
{
    const clh_tables *t = r->tables;
    r->slots = 0;
    for (int rest = 0; rest < 2; rest++)
        for (size_t s = 0; s < t->asked->n; s++) {
            const clh_slot_keys *keys = &t->slots[s];
            const bool seen = keys->count > 0 && keys->position[0] <= r->position;
            if (s != r->own && (s == r->answer ? !rest : seen && rest))
                r->order[r->slots++] = s;
        }
}

void clh_removed_place(clh_removed *r, size_t position)
{
    const clh_tables *t = r->tables;
    const clh_table_bounds *b = &t->bound;
    r->position = position;
    r->own = t->asked->slot[position];
    r->answer = t->asked->slot[position + 1];
    r->answer_same = t->asked->fixed[position + 1];
    order_slots(r);
    clh_removed_halves_place(r);
    const double share = expm1(4 * b->table_score + 400 * 0x1p-53) +
                         2 * clh_gamma(1000 + (double)t->length, 0x1p-53);
    r->unit = 8 * (share * (b->value + b->direct) + b->table_value);
    if (r->by == CLH_REMOVAL_MEAN)
        clh_removed_means_place(r);
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

static void add(size_t n, double a, const double *restrict x, double *restrict to)
{
    for (size_t i = 0; i < n; i++)
        to[i] += a * x[i];
}

/* What the query itself brings, and its attention whatever it is on, of a model without `part`. */
static void set_direct(clh_removed *r, const clh_removed_part *part)
{
    const clh_tables *t = r->tables;
    const double *value = t->constants.data, *b_O = value + t->width;
    const bool mean = r->by == CLH_REMOVAL_MEAN;
    const double *token = t->direct_token.data + r->token * t->width;
    for (size_t c = 0; c < t->width; c++) {
        const double place = t->direct_place.data[r->position * t->width + c];
        r->direct[c] = part && part->direct
                           ? (mean ? r->means.direct[c] + place : value[c] + b_O[c])
                           : token[c] + place;
        if (part && part->head)
            r->direct[c] += mean ? r->means.group[CLH_GROUP_NONE][c] : -value[c];
        if (part && part->group && mean)
            r->direct[c] += r->means.group[part->group][c];
    }
}

/* What a key with a token whose weight is e brings, into a row. */
static void add_key(const clh_removed *r, const clh_removed_part *part, size_t key, uint32_t token,
                    double e, double *row)
{
    const clh_tables *t = r->tables;
    const bool mean = r->by == CLH_REMOVAL_MEAN;
    const double u = e * t->u.data[key * t->d_vocab + token];
    if (part && part->head)
        return;
    if (!part || !part->value_token)
        add(t->width, u, t->row_token.data + token * t->width, row);
    else if (mean)
        add(t->width, e, r->means.token + key * t->width, row);
    if (!part || !part->value_place)
        add(t->width, u, t->row_place.data + key * t->width, row);
    else if (mean)
        add(t->width, e, r->means.place + key * t->width, row);
}

/* Whether the token of a key that is known is the one that is predicted, whatever the letters. */
static bool holds_answer(const clh_removed *r, size_t key)
{
    const clh_letters_asked *a = r->tables->asked;
    return r->answer == a->n ? a->slot[key] == a->n && a->fixed[key] == r->answer_same
                             : a->slot[key] == r->answer;
}

/* Keys whose token is known; `without_own`: but for those of the query's own letter. */
static void set_base(const clh_removed *r, const clh_removed_part *part,
                     const clh_removed_weights *w, bool without_own, double *row)
{
    const clh_tables *t = r->tables;
    double sum = 0;
    memset(row, 0, r->columns * sizeof *row);
    for (size_t j = 0; j <= r->position; j++) {
        uint32_t token;
        const double e = w->weight[j * CLH_LETTER_ROW];
        if (!clh_removed_stays(r, j, &token))
            continue;
        const bool gone =
            (part && part->group &&
             (part->group == CLH_GROUP_ANSWER ? holds_answer(r, j)
                                              : clh_removed_in_group(r, j, part->group))) ||
            (without_own && t->asked->slot[j] == r->own);
        if (gone && r->by == CLH_REMOVAL_ZERO)
            continue;
        sum += e;
        if (gone)
            add(t->width, -e, t->constants.data, row);
        else
            add_key(r, part, j, token, e, row);
    }
    add(t->width, sum, r->direct, row);
    row[t->width + CLH_REMOVED_WEIGHT] = sum;
}

/* Means that stand in for a part of the values of a slot's keys with letter x. */
static void add_means(const clh_removed *r, const clh_removed_part *part,
                      const clh_removed_weights *w, size_t slot, size_t x, double *row)
{
    const clh_tables *t = r->tables;
    const clh_slot_keys *keys = &t->slots[slot];
    const double *of = part->value_token ? r->means.token : r->means.place;
    for (size_t k = 0; k < keys->count && keys->position[k] <= r->position; k++)
        add(t->width, w->weight[keys->position[k] * CLH_LETTER_ROW + x],
            of + keys->position[k] * t->width, row);
}

static void set_row(const clh_removed *r, const clh_removed_part *part,
                    const clh_removed_weights *w, size_t slot, size_t x, double *row)
{
    const clh_tables *t = r->tables;
    const size_t at = slot * CLH_LETTER_ROW + x;
    const bool values = part && (part->value_token || part->value_place);
    const bool answer = part && part->group == CLH_GROUP_ANSWER && slot == r->answer;
    const double sum = answer && r->by == CLH_REMOVAL_ZERO ? 0 : w->sum[at];
    memset(row, 0, r->columns * sizeof *row);
    if (!(part && part->head) && !answer) {
        if (!values || part->value_token)
            memcpy(row, w->row + at * t->width, t->width * sizeof *row);
        if (!values || part->value_place)
            add(t->width, w->scaled[at], t->row_token.data + t->asked->token[x] * t->width, row);
        if (values && r->by == CLH_REMOVAL_MEAN)
            add_means(r, part, w, slot, x, row);
    }
    if (part && part->group) /* the constant of values that are not there; `sum` adds it for all */
        add(t->width, answer ? -sum : -w->left[at], t->constants.data, row);
    add(t->width, sum, r->direct, row);
    row[t->width + CLH_REMOVED_WEIGHT] = sum;
}

/* ---- The size of the stream --------------------------------------------------------------------
 * As in query_rows.c: D s is at most the sum of the lengths of the parts, at least what they reach in the
 * direction of the whole for the mean of all letters. */

static void end_row(const clh_removed *r, double *row)
{
    const clh_tables *t = r->tables;
    const double *stream = row + t->outputs;
    double *more = row + t->width;
    const double weight = more[CLH_REMOVED_WEIGHT], root = sqrt((double)t->d_model * t->eps);
    double square = weight * weight * root * root, along = weight * root * r->towards[t->d_model];
    more[CLH_REMOVED_MIDDLE] = weight;
    more[CLH_REMOVED_HALF] = 0;
    if (t->normed) {
        for (size_t c = 0; c < t->d_model; c++) {
            square += stream[c] * stream[c];
            along += stream[c] * r->towards[c];
        }
        const double high = sqrt(square / (double)t->d_model), by = sqrt((double)t->d_model);
        const double low = fmin(along / by, high);
        more[CLH_REMOVED_MIDDLE] = (low + high) / 2;
        more[CLH_REMOVED_HALF] = (high - low) / 2 + 1e-12 * high;
    }
    for (size_t o = 0; o < t->outputs; o++)
        row[o] += r->bias[o] * more[CLH_REMOVED_MIDDLE];
}

/* Letters that may stand in a free slot, beside the query's own. */
static void letters_of(const clh_removed *r, size_t slot, size_t *begin, size_t *end)
{
    const clh_letters_asked *a = r->tables->asked;
    clh_letters_range(a, r->letters, r->own < a->n ? 1u << r->own : 0, slot, begin, end);
}

static void set_towards(clh_removed *r, size_t m)
{
    const clh_tables *t = r->tables;
    const double root = sqrt((double)t->d_model * t->eps);
    double weight = r->base[m][t->width + CLH_REMOVED_WEIGHT], square = 0;
    memcpy(r->towards, r->base[m] + t->outputs, t->d_model * sizeof *r->towards);
    for (size_t l = 0; l < r->slots; l++) {
        size_t begin, end;
        letters_of(r, r->order[l], &begin, &end);
        for (size_t x = begin; x < end; x++) {
            const double *row = r->row[m][r->order[l]] + x * r->columns;
            add(t->d_model, 1 / (double)(end - begin), row + t->outputs, r->towards);
            weight += row[t->width + CLH_REMOVED_WEIGHT] / (double)(end - begin);
        }
    }
    r->towards[t->d_model] = weight * root;
    for (size_t c = 0; c <= t->d_model; c++)
        square += r->towards[c] * r->towards[c];
    for (size_t c = 0; c <= t->d_model; c++)
        r->towards[c] *= square > 0 ? 1 / sqrt(square) : 0;
}

static void set_model(clh_removed *r, size_t m, const clh_removed_weights *w)
{
    const clh_removed_part *part = m ? &clh_removed_parts[m - 1] : NULL;
    const bool answer = part && part->group == CLH_GROUP_ANSWER;
    set_direct(r, part);
    set_base(r, part, w, false, r->base[m]);
    if (answer)
        set_base(r, part, w, true, r->own_answer);
    for (size_t c = 0; c < r->tables->width && answer && r->by == CLH_REMOVAL_MEAN; c++)
        r->answer_direct[c] = r->direct[c] - r->tables->constants.data[c];
    for (size_t l = 0; l < r->slots; l++) {
        size_t begin, end;
        letters_of(r, r->order[l], &begin, &end);
        for (size_t x = begin; x < end; x++)
            set_row(r, part, w, r->order[l], x, r->row[m][r->order[l]] + x * r->columns);
    }
    set_towards(r, m);
    end_row(r, r->base[m]);
    if (answer)
        end_row(r, r->own_answer);
    for (size_t l = 0; l < r->slots; l++) {
        size_t begin, end;
        letters_of(r, r->order[l], &begin, &end);
        for (size_t x = begin; x < end; x++)
            end_row(r, r->row[m][r->order[l]] + x * r->columns);
    }
}

/* A query without a source gets nothing from attention, not even what a value's constant brings. */
static void set_nothing(clh_removed *r)
{
    const clh_tables *t = r->tables;
    set_direct(r, NULL);
    memset(r->nothing, 0, r->columns * sizeof *r->nothing);
    for (size_t c = 0; c < t->width; c++)
        r->nothing[c] = r->direct[c] - t->constants.data[c];
    r->nothing[t->width + CLH_REMOVED_WEIGHT] = 1;
    memset(r->towards, 0, (t->d_model + 1) * sizeof *r->towards);
    end_row(r, r->nothing);
}

void clh_removed_token(clh_removed *r, uint32_t token)
{
    const clh_letters_asked *a = r->tables->asked;
    r->token = token;
    if (r->own < a->n)
        r->letters[r->own] = (uint8_t)clh_removed_letter(a, token);
    clh_removed_halves_token(r);
    clh_removed_weights_set(r, &r->whole, 0, CLH_GROUP_NONE, false);
    set_nothing(r);
    set_model(r, 0, &r->whole);
    for (size_t m = 1; m < r->models; m++) {
        const clh_removed_part *part = &clh_removed_parts[m - 1];
        const bool anew =
            part->scores || part->group == CLH_GROUP_SLOT || part->group == CLH_GROUP_FIRST;
        if (anew)
            clh_removed_weights_set(r, &r->other, part->scores, part->group,
                                    r->by == CLH_REMOVAL_MEAN);
        set_model(r, m, anew ? &r->other : &r->whole);
    }
}
