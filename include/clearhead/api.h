/** How the public functions are declared. The shared library exports what CLH_API stands before and
 *  hides everything else; a C++ program finds C functions between CLH_BEGIN_DECLS and
 *  CLH_END_DECLS.
 *
 *    CLH_BEGIN_DECLS
 *    CLH_API const char *clh_version(void);
 *    CLH_END_DECLS
 */
#ifndef CLEARHEAD_API_H
#define CLEARHEAD_API_H

#define CLH_API __attribute__((visibility("default")))

#ifdef __cplusplus
#define CLH_BEGIN_DECLS extern "C" {
#define CLH_END_DECLS }
#else
#define CLH_BEGIN_DECLS
#define CLH_END_DECLS
#endif

#endif
