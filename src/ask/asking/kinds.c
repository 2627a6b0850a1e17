/* Fields that stand for one of each kind of token that a task names. */
#include <string.h>

#include "ask/asking/asking.h"

static bool has_kinds(const clh_field *fields)
{
    for (size_t i = 0; i < clh_field_count(fields); i++)
        if (fields[i].flags & CLH_BY_KIND)
            return true;
    return false;
}

/* The fields of one part with those by kind written out, into `to`; how many, without the end. */
static size_t expand(clh_field *to, const clh_field *fields, const clh_task *task)
{
    size_t kinds = 0, count = 0;
    const clh_token_row *kind = clh_task_kinds(task, &kinds);
    for (size_t i = 0; i < clh_field_count(fields); i++) {
        const clh_field *f = &fields[i];
        if (!(f->flags & CLH_BY_KIND)) {
            to[count++] = *f;
            continue;
        }
        const size_t size = f->from == CLH_FROM_VALUE ? sizeof(clh_value) : sizeof(double);
        for (size_t k = 0; k < kinds; k++) {
            if (!kind[k].accuracy)
                continue;
            to[count] = *f;
            to[count].name = kind[k].accuracy;
            to[count].flags &= ~(unsigned)CLH_BY_KIND;
            to[count++].offset += k * size;
        }
    }
    to[count] = (clh_field){0};
    return count;
}

clh_status clh_kinds_schema(const clh_schema **out, void **owner, const clh_schema *schema,
                            const clh_task *task, clh_error *err)
{
    const size_t parts = clh_schema_count(schema);
    size_t fields = 0;
    *out = schema;
    *owner = NULL;
    for (size_t i = 0; i < parts; i++)
        if (has_kinds(schema[i].fields))
            fields += clh_field_count(schema[i].fields) * CLH_TOKEN_KINDS + 1;
    if (fields == 0)
        return CLH_OK;
    clh_schema *copy =
        clh_alloc_array(1, (parts + 1) * sizeof *copy + fields * sizeof(clh_field), err);
    if (!copy)
        return CLH_ENOMEM;
    clh_field *next = (clh_field *)(void *)(copy + parts + 1);
    memcpy(copy, schema, (parts + 1) * sizeof *copy);
    for (size_t i = 0; i < parts; i++)
        if (has_kinds(schema[i].fields)) {
            copy[i].fields = next;
            next += expand(next, schema[i].fields, task) + 1;
        }
    *out = copy;
    *owner = copy;
    return CLH_OK;
}
