/** What a program is inside. */
#ifndef CLH_PROGRAM_PARTS_H
#define CLH_PROGRAM_PARTS_H

#include "base/strbuf.h"
#include "clearhead/program.h"
#include "measure/sequences/place.h"
#include "prove/decision/target.h"

#define CLH_PROGRAM_FORMAT "clearhead-program 1"

enum { CLH_PROGRAM_WIDTH = 100 };

/** The rule of a position. Sources that hold the letter of one slot are one item of the target, at the
 *  position that was named first. */
typedef struct clh_program_rule_row {
    bool given;
    clh_target target;
    size_t line;  /**< of the text that gave it */
    bool reached; /**< while a cycle is looked for: read from where it would begin */
    double attention,
        least; /**< mean, and the least, of the attention on the letters it names; NaN: not known */
} clh_program_rule_row;

struct clh_program {
    clh_task *task;             /**< its own */
    char *header;               /**< "permutations n=4": the task as the text names it */
    clh_letters_asked asked;    /**< all tuples */
    clh_place *place;           /**< [length] */
    clh_program_rule_row *rule; /**< [length] */
};

/** An empty one of a task, which is opened anew by its header. */
clh_status clh_program_open(clh_program **out, const char *header, clh_error *err);

/** Of the task that has this n and is otherwise as `task`. */
clh_status clh_program_header_of(char **header, const clh_task *task, clh_error *err);

/** Name of a position: "2.3" is slot 3 of term 2, "2.0" what stands before term 2, else a number. */
void clh_place_name(const clh_program *program, size_t position, char out[24]);

/** Term and slot of a position, slot 0 where it stands before a term; term 0 for all others. */
clh_place clh_place_of(const clh_program *program, size_t position);

/** The position of a term and slot, SIZE_MAX where there is none. */
size_t clh_place_find(const clh_program *program, size_t term, size_t slot);

/** The first scored position that has no rule; SIZE_MAX: every one has. */
size_t clh_program_missing(const clh_program *program);

/** CLH_ESHAPE where the sequences of a task are others than the program's. */
clh_status clh_program_fits(const clh_program *program, const clh_task *task, clh_error *err);

/** Add a source to a target: of the same slot as one before, its weight to that. */
void clh_target_add(clh_target *target, const clh_letters_asked *asked, size_t position,
                    double weight);

/** "copy 1.3", "write \" \"", without a destination. */
void clh_program_rule_text(const clh_program *program, const clh_target *target, clh_strbuf *out);

bool clh_target_equal(const clh_target *a, const clh_target *b);

#endif
