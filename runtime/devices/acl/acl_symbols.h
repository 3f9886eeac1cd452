/* AscendCL as this library uses it: one line a symbol, declared by hand from public descriptions.
 * Nothing here was ever called on a board: that a signature or a number below does not fit the
 * installed CANN is the main risk of this library. What is marked R or O was compared with public
 * copies of CANN's headers (acl_rt.h, version 1.15) and reference, which need not be yours: whoever
 * has a board begins by comparing this table with the installed `acl/acl_rt.h`.
 *
 * Source of each line: Huawei CANN, "AscendCL API reference (C)", the page named like the function,
 * in the chapter that stands above the group. */
#ifndef ACL_SYMBOLS_H
#define ACL_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

typedef int aclError;                   /* 0: success */
typedef void *aclrtStream;
typedef void *aclrtEvent;
typedef void *aclrtContext;

/* R: nothing works without it, and a library that lacks it is refused. O: it is used where it is
 * there; what lacks is told in the log. N: nothing here calls it; it is looked up all the same, so
 * that the log of a board tells what could be built on there.
 *
 *   R(returns, name, parameters) */
#define ACL_SYMBOLS(R, O, N) \
    /* Initialisation and errors. */ \
    R(aclError, aclInit, (const char *config_path)) \
    R(const char *, aclGetRecentErrMsg, (void)) \
    R(const char *, aclrtGetSocName, (void)) \
    /* Devices. */ \
    R(aclError, aclrtGetDeviceCount, (uint32_t *count)) \
    O(aclError, aclrtDeviceCanAccessPeer, (int32_t *can, int32_t device, int32_t peer)) \
    O(aclError, aclrtDeviceEnablePeerAccess, (int32_t peer, uint32_t flags)) \
    /* Contexts; the current one is the thread's. */ \
    R(aclError, aclrtCreateContext, (aclrtContext *context, int32_t device)) \
    R(aclError, aclrtDestroyContext, (aclrtContext context)) \
    R(aclError, aclrtSetCurrentContext, (aclrtContext context)) \
    /* Streams; a timeout is in ms, a status 0 is complete. */ \
    R(aclError, aclrtCreateStream, (aclrtStream *stream)) \
    R(aclError, aclrtDestroyStream, (aclrtStream stream)) \
    R(aclError, aclrtSynchronizeStreamWithTimeout, (aclrtStream stream, int32_t timeout)) \
    O(aclError, aclrtStreamAbort, (aclrtStream stream)) \
    R(aclError, aclrtSetStreamFailureMode, (aclrtStream stream, uint64_t mode)) \
    /* Events; record and query overwrite what was recorded before. */ \
    R(aclError, aclrtCreateEventExWithFlag, (aclrtEvent *event, uint32_t flag)) \
    R(aclError, aclrtDestroyEvent, (aclrtEvent event)) \
    R(aclError, aclrtRecordEvent, (aclrtEvent event, aclrtStream stream)) \
    R(aclError, aclrtQueryEventStatus, (aclrtEvent event, int *status)) \
    /* Memory; `policy` and `kind` are enums, handed over as int. */ \
    R(aclError, aclrtMalloc, (void **device, size_t size, int policy)) \
    R(aclError, aclrtFree, (void *device)) \
    R(aclError, aclrtMallocHost, (void **host, size_t size)) \
    R(aclError, aclrtFreeHost, (void *host)) \
    R(aclError, aclrtMemcpy, (void *to, size_t room, const void *from, size_t size, int kind)) \
    R(aclError, aclrtMemcpyAsync, \
      (void *to, size_t room, const void *from, size_t size, int kind, aclrtStream stream)) \
    R(aclError, aclrtMemsetAsync, \
      (void *to, size_t room, int32_t value, size_t size, aclrtStream stream)) \
    /* Memory of other processes. */ \
    N(aclError, aclrtIpcMemGetExportKey, \
      (void *device, size_t size, char *key, size_t room, uint64_t flags)) \
    N(aclError, aclrtIpcMemImportByKey, (void **device, const char *key, uint64_t flags)) \
    N(aclError, aclrtIpcMemClose, (const char *key)) \
    /* Counters of the device, which are no words of memory. Recorded: int32_t mode (0 set, 1 add, \
     * 2 or, 4 and), uint32_t value. Awaited: int32_t mode (below, equal, above, at least), \
     * uint32_t value, uint32_t timeout, uint8_t clear, three reserved. */ \
    N(aclError, aclrtCntNotifyCreate, (void **counter, uint64_t flags)) \
    N(aclError, aclrtCntNotifyDestroy, (void *counter)) \
    N(aclError, aclrtCntNotifyReset, (void *counter, aclrtStream stream)) \
    N(aclError, aclrtCntNotifyRecord, (void *counter, aclrtStream stream, void *what)) \
    N(aclError, aclrtCntNotifyWaitWithTimeout, (void *counter, aclrtStream stream, void *what)) \
    /* A stream writes a 64-bit word, or waits for one: 0 at least, 1 equal, 2 and, 3 nor. */ \
    N(aclError, aclrtValueWrite, \
      (void *device, uint64_t value, uint32_t flag, aclrtStream stream)) \
    N(aclError, aclrtValueWait, \
      (void *device, uint64_t value, uint32_t flag, aclrtStream stream)) \
    /* Kernels for the cores (CANN 8.5 and later). */ \
    N(aclError, aclrtBinaryLoadFromFile, (const char *path, void *options, void **binary)) \
    N(aclError, aclrtBinaryUnLoad, (void *binary)) \
    N(aclError, aclrtBinaryGetFunction, (void *binary, const char *name, void **function)) \
    N(aclError, aclrtKernelArgsInit, (void *function, void **arguments)) \
    N(aclError, aclrtKernelArgsAppend, \
      (void *arguments, void *bytes, size_t size, void **parameter)) \
    N(aclError, aclrtKernelArgsFinalize, (void *arguments)) \
    N(aclError, aclrtLaunchKernelWithConfig, \
      (void *function, uint32_t blocks, aclrtStream stream, void *config, void *arguments, \
       void *reserved)) \
    /* Functions of the host that a stream, or an exception on the device, calls. */ \
    N(aclError, aclrtLaunchHostFunc, \
      (aclrtStream stream, void (*function)(void *argument), void *argument)) \
    N(aclError, aclrtSetExceptionInfoCallback, (void (*function)(void *what)))

/* Their numbers, from the same pages (aclrtMemcpyKind, aclrtMemMallocPolicy,
 * aclrtEventRecordedStatus, aclrtCreateEventExWithFlag, aclrtSetStreamFailureMode). */
enum {
    ACL_HOST_TO_DEVICE = 1,
    ACL_DEVICE_TO_HOST = 2,
    ACL_DEVICE_TO_DEVICE = 3,
    ACL_HUGE_FIRST = 0,
    ACL_EVENT_NOT_READY = 0,
    ACL_EVENT_COMPLETE = 1,
    ACL_EVENT_STREAM_PROGRESS = 2,
    ACL_STOP_ON_FAILURE = 1
};

/* Error codes (page aclError), and what they mean to whoever reads them.
 *
 *   C(code, name, sentence) */
#define ACL_CODES(C) \
    C(100002, REPEAT_INITIALIZE, "AscendCL was initialised before") \
    C(107000, PARAM_INVALID, "a parameter is wrong; compare acl_symbols.h with this CANN") \
    C(107001, INVALID_DEVICE, "there is no such device; see npu-smi, ASCEND_RT_VISIBLE_DEVICES") \
    C(107002, NO_CONTEXT, "the thread has no context; tell whoever made this library") \
    C(107003, STREAM_CONTEXT, "the stream is not of this context, or was destroyed") \
    C(107019, WAIT_TIMEOUT, "waiting took longer than allowed; see option timeout_ms") \
    C(107020, TASK_TIMEOUT, "a task ran longer than the device allows") \
    C(107022, TASK_ABORT, "the device's tasks were aborted; open the machine anew") \
    C(207000, NOT_SUPPORTED, "this device or this CANN cannot do that") \
    C(207001, OUT_OF_MEMORY, "the device is out of memory; open a machine with less") \
    C(507014, CORE_TIMEOUT, "a cube or vector core did not end in time") \
    C(507015, CORE_EXCEPTION, "a cube or vector core stopped with an exception") \
    C(507018, CPU_EXCEPTION, "a control CPU stopped with an exception") \
    C(507046, STREAM_TIMEOUT, "a stream did not come to rest in time")

enum {
#define ACL_CODE(code, name, sentence) ACL_##name = code,
    ACL_CODES(ACL_CODE)
#undef ACL_CODE
};

#endif
