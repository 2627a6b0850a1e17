#include "run/run_keys.h"

static const clh_key run_keys[] = {
#define RUN(section_, name_, kind_, field_, fallback_, values_, automatic_, resets_, help_)        \
    {.section = section_,                                                                          \
     .name = #name_,                                                                               \
     .kind = CLH_KEY_##kind_,                                                                      \
     .offset = offsetof(clh_run_config, field_),                                                   \
     .size = sizeof(((clh_run_config *)0)->field_),                                                \
     .count_offset = CLH_KEY_##kind_ == CLH_KEY_LIST ? offsetof(clh_run_config, n_count) : 0,      \
     .fallback = fallback_,                                                                        \
     .automatic = automatic_,                                                                      \
     .values = values_,                                                                            \
     .resets = resets_,                                                                            \
     .help = help_},
#include "run/options.def"
#undef RUN
};

const clh_key *clh_run_keys(void)
{
    return run_keys;
}
