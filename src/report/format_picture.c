/* A result as a picture: three formats, one writer, which the ending of the file decides. */
#include "report/draw/draw.h"

static clh_status check(const clh_schema *schema, const clh_show *show, clh_error *err)
{
    clh_status status = clh_figure_available(err);
    return status ? status : clh_draw_check(schema, show, err);
}

static clh_status save(clh_result *r, const clh_show *show, const char *path, clh_error *err)
{
    return clh_draw_figure(r, show, path, err);
}

#define PICTURE(name_, summary_)                                                                   \
    const clh_format clh_format_##name_ = {.name = #name_,                                         \
                                           .endings = "." #name_,                                  \
                                           .summary = summary_,                                    \
                                           .picture = true,                                        \
                                           .check = check,                                         \
                                           .save = save};
PICTURE(png, "an image of pixels")
PICTURE(svg, "an image of lines, for pages")
PICTURE(pdf, "an image of lines, for print")
