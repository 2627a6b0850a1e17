/* Positions by the names that a program's text has for them. */
#include <stdio.h>

#include "base/base.h"
#include "prove/program/program_parts.h"

size_t clh_place_find(const clh_program *p, size_t term, size_t slot)
{
    for (size_t i = 0; i < p->asked.length; i++)
        if (p->place[i].term == term && p->place[i].slot == (slot ? slot : 1))
            return slot ? i : i - 1; /* something stands before every term */
    return SIZE_MAX;
}

clh_place clh_place_of(const clh_program *p, size_t position)
{
    const clh_place at = p->place[position];
    if (at.slot == 0 && position + 1 < p->asked.length && p->place[position + 1].slot == 1)
        return (clh_place){.term = p->place[position + 1].term};
    return at;
}

void clh_place_name(const clh_program *p, size_t position, char out[24])
{
    const clh_place at = clh_place_of(p, position);
    if (at.term)
        (void)snprintf(out, 24, "%zu.%zu", at.term, at.slot);
    else
        (void)snprintf(out, 24, "%zu", position);
}
