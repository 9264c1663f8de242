/* The C interface of libqudnn.so: the state of the library in this process. RegisterCustomOps, which
   onnxruntime calls, stands beside it.

   Each function ends with a status and an answer, which has to be released whatever the status is. They may
   be called from any thread. Texts are UTF-8 and end with a null character; a path is as the system has it.
 */
#ifndef QUDNN_H
#define QUDNN_H

#include <stdint.h>

#if defined(__GNUC__)
#define QUDNN_C_API __attribute__((visibility("default")))
#else
#define QUDNN_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum QudnnStatus {
    QUDNN_OK = 0,
    QUDNN_INVALID = 1,       /* an argument that cannot be */
    QUDNN_SYSTEM = 2,        /* the operating system refused; `number` is errno's */
    QUDNN_OUT_OF_MEMORY = 3, /* there may be no text then */
    QUDNN_BAD_FILE = 4,      /* a file that holds no plans */
    QUDNN_FAILED = 5
};

typedef struct QudnnAnswer {
    char* text;     /* JSON, where a function does not say otherwise; the message where it failed */
    uint64_t size;  /* bytes of it, without a null character, which follows */
    int64_t number; /* where a function says so */
} QudnnAnswer;

/* Frees the text. */
QUDNN_C_API void qudnn_release(QudnnAnswer* answer);

/* {"qudnn": version, "cuda": that it is built with, ..., "cudnn_at_runtime": "" where there is none}. */
QUDNN_C_API int qudnn_versions(QudnnAnswer* answer);

/* [[name, compute capability as 90 for 9.0]] of the GPUs of the process; none without a driver. */
QUDNN_C_API int qudnn_cuda_devices(QudnnAnswer* answer);

/* Why RegisterCustomOps adds no operators in this process; "" where it does. */
QUDNN_C_API int qudnn_no_usable_device(QudnnAnswer* answer);

/* The counters of the process's plans, by name. */
QUDNN_C_API int qudnn_statistics(QudnnAnswer* answer);

/* Waits until no plan is looked for aside any more, at most so many seconds; whether none is. */
QUDNN_C_API int qudnn_wait_for_tuning(double seconds, QudnnAnswer* answer);

/* Looks for no plans aside any more, now or later; waits until what is being built is, at most so many
   seconds; whether it is. Programs that end do this by themselves if they return from main() or call exit().
 */
QUDNN_C_API int qudnn_stop_tuning(double seconds, QudnnAnswer* answer);

/* Forgets the process's plans, imported ones too, and the counters. Files stay. */
QUDNN_C_API int qudnn_clear(QudnnAnswer* answer);

/* The process's plans, most recently used first: a list of objects. */
QUDNN_C_API int qudnn_list_plans(QudnnAnswer* answer);

/* [plans of a cache folder, [[file that is none for this user, why]]]. */
QUDNN_C_API int qudnn_stored_plans(const char* folder, QudnnAnswer* answer);

/* Deletes the plans of a cache folder; how many. */
QUDNN_C_API int qudnn_delete_plans(const char* folder, QudnnAnswer* answer);

/* The text is the content of an exported file: the process's plans, and those of a folder ("": none). The
   number: how many. */
QUDNN_C_API int qudnn_export_plans(const char* folder, QudnnAnswer* answer);

/* Takes an exported file's plans over, into a folder ("": none) too: [how many, how many damaged]. */
QUDNN_C_API int qudnn_import_plans(const char* path, const char* folder, QudnnAnswer* answer);

/* Where plans are kept if a session does not say; "" for nowhere. */
QUDNN_C_API int qudnn_default_cache_folder(QudnnAnswer* answer);

/* [the full text of a problem that may leave out what follows from the rest, its multiplications and
   additions]. */
QUDNN_C_API int qudnn_read_problem(const char* text, QudnnAnswer* answer);

/* [[engine, why it has no plan for the problem of this text, [its plans]]] on the current GPU, in order. */
QUDNN_C_API int qudnn_answers(const char* problem, QudnnAnswer* answer);

/* [int8 multiplications and additions a second, bytes a second to and from memory] of the current GPU at
   best, by its properties: clocks, multiprocessors and bus. 0 stands for what is not known. */
QUDNN_C_API int qudnn_rates(QudnnAnswer* answer);

/* Runs every plan of the problem on the current GPU: [[engine, plan, why it does not run, bytes that differ
   from the reference's, microseconds, whether it is the reference]]. only: the name of an engine or a plan,
   "" for all. with_unlikely: not 0 for plans too that no heuristics name. */
QUDNN_C_API int qudnn_replay(const char* problem, const char* only, int with_unlikely, QudnnAnswer* answer);

#ifdef __cplusplus
}
#endif

#endif
