/* No threads: what would be done on one is done by who wants it. */
#include "base/platform/thread.h"

#include <assert.h>
#include <errno.h>

bool clh_thread_exists(void)
{
    return false;
}

int clh_thread_start(clh_thread *thread, void *(*work)(void *argument), void *argument)
{
    (void)thread, (void)work, (void)argument;
    return ENOTSUP;
}

void clh_thread_join(const clh_thread *thread)
{
    (void)thread;
    assert(false && "a thread was started");
}

void clh_once_do(clh_once *once, void (*work)(void))
{
    if (*once == CLH_ONCE_INIT)
        work();
    *once = CLH_ONCE_INIT + 1;
}

/* ---- Waiting -----------------------------------------------------------------------------------
 */

void clh_mutex_init(clh_mutex *mutex)
{
    *mutex = (clh_mutex){0};
}

void clh_mutex_lock(clh_mutex *mutex)
{
    (void)mutex;
}

void clh_mutex_unlock(clh_mutex *mutex)
{
    (void)mutex;
}

void clh_mutex_deinit(clh_mutex *mutex)
{
    (void)mutex;
}

void clh_condition_init(clh_condition *condition)
{
    *condition = (clh_condition){0};
}

void clh_condition_wait(clh_condition *condition, clh_mutex *mutex)
{
    (void)condition, (void)mutex;
    assert(false && "somebody else can end the wait");
}

void clh_condition_wait_for(clh_condition *condition, clh_mutex *mutex, long nanoseconds)
{
    (void)condition, (void)mutex, (void)nanoseconds;
    assert(false && "somebody else can end the wait");
}

void clh_condition_signal(clh_condition *condition)
{
    (void)condition;
}

void clh_condition_broadcast(clh_condition *condition)
{
    (void)condition;
}

void clh_condition_deinit(clh_condition *condition)
{
    (void)condition;
}

/* ---- Processors --------------------------------------------------------------------------------
 */

int clh_processor_here(void)
{
    return -1;
}

size_t clh_processor_count(void)
{
    return 0;
}

int clh_processor_next(int processor)
{
    return processor;
}

bool clh_thread_pin(const clh_thread *thread, int processor)
{
    (void)thread, (void)processor;
    return false;
}
