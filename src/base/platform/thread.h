/** Threads, as far as the operating system has any. Two builds: thread_posix.c, and thread_plain.c where
 *  there are none, chosen with the platform (meson option `platform`).
 *
 *    clh_mutex mutex;
 *    clh_mutex_init(&mutex);
 *    if (clh_thread_start(&thread, work, argument)) ...     // none to be had: do the work here
 *    clh_thread_join(&thread);
 *
 *  Without threads a mutex is nothing, waiting for another thread is a mistake of ours, and the caller
 *  is on no processor in particular.
 */
#ifndef CLH_THREAD_H
#define CLH_THREAD_H

#include <stdbool.h>
#include <stddef.h>

#ifdef CLH_PLATFORM_PLAIN
typedef struct clh_thread {
    char none;
} clh_thread;
typedef struct clh_mutex {
    char none;
} clh_mutex;
typedef struct clh_condition {
    char none;
} clh_condition;
typedef int clh_once;
#define CLH_ONCE_INIT 0
#else
#include <pthread.h>
typedef pthread_t clh_thread;
typedef pthread_mutex_t clh_mutex;
typedef pthread_cond_t clh_condition;
typedef pthread_once_t clh_once;
#define CLH_ONCE_INIT PTHREAD_ONCE_INIT
#endif

/** Whether a thread can be had at all. */
bool clh_thread_exists(void);

/** Start one, which ends when `work` returns; what that returns is nobody's. It gets no signals: those stay with the thread that
 *  starts it. 0, or the errno that says why not: ENOTSUP where there are none. */
int clh_thread_start(clh_thread *thread, void *(*work)(void *argument), void *argument);

/** Wait for the end of one that was started. */
void clh_thread_join(const clh_thread *thread);

/** Call `work` the first time that `once`, a static CLH_ONCE_INIT, comes here, and let others wait for
 *  its end. */
void clh_once_do(clh_once *once, void (*work)(void));

void clh_mutex_init(clh_mutex *mutex);
void clh_mutex_lock(clh_mutex *mutex);
void clh_mutex_unlock(clh_mutex *mutex);
void clh_mutex_deinit(clh_mutex *mutex);

void clh_condition_init(clh_condition *condition);
void clh_condition_wait(clh_condition *condition, clh_mutex *mutex);

/** The same for at most `nanoseconds` < 1e9, by a clock that only goes forward. */
void clh_condition_wait_for(clh_condition *condition, clh_mutex *mutex, long nanoseconds);

void clh_condition_signal(clh_condition *condition);
void clh_condition_broadcast(clh_condition *condition);
void clh_condition_deinit(clh_condition *condition);

/** The processor that the caller is on now, from 0; negative where nobody knows. */
int clh_processor_here(void);

/** How many processors the caller may use; 0 where nobody knows. */
size_t clh_processor_count(void);

/** Of those the next one after `processor`, and after the last the first. */
int clh_processor_next(int processor);

/** Keep a thread on one processor; false where that cannot be. */
bool clh_thread_pin(const clh_thread *thread, int processor);

#endif
