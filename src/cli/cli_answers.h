/** The numbers that decide the answers to the notebook's questions, on one page. */
#ifndef CLH_CLI_ANSWERS_H
#define CLH_CLI_ANSWERS_H

#include "clearhead/answers.h"

/** Draw them into `path` with the run's name below. Errors of clh_figure_rows(). */
clh_status clh_cli_answers_draw(const clh_answers *answers, const char *run, const char *path,
                                clh_error *err);

#endif
