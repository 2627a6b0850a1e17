#include "cli/show/cli_picture.h"

clh_status clh_cli_check_file(const char *option, const char *path, bool picture,
                              const clh_schema *schema, const clh_show *show, clh_error *err)
{
    const clh_format *format = clh_format_of_path(path, err);
    if (!format)
        return CLH_EUSAGE;
    if (picture && !format->picture)
        return clh_fail(err, CLH_EUSAGE, "--%s is %s, want an image: .png, .svg or .pdf", option,
                        path);
    return clh_format_check_path(path, schema, show, err);
}

clh_status clh_cli_colours(const clh_invocation *inv, clh_show *show, clh_error *err)
{
    if (clh_opt_given(inv, "dark"))
        show->dark = clh_opt_flag(inv, "dark");
    show->range = clh_opt_text(inv, "range");
    return clh_opt_real(inv, "gamma", &show->gamma, err);
}
