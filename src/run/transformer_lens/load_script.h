/** The Python that loads an exported folder into TransformerLens.
 *
 *    clh_file_write_text("theirs/load.py", clh_load_script, &err);
 */
#ifndef CLH_LOAD_SCRIPT_H
#define CLH_LOAD_SCRIPT_H

extern const char clh_load_script[];

#endif
