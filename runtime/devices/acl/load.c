/* Finds AscendCL, which this library does not link: so that it loads anywhere, and says what lacks
 * instead of failing in the loader. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl_device.h"

struct acl acl;

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_loaded;

/* A list of words in a text that may be too short for them. */
static void list(char *text, size_t room, const char *word)
{
    size_t used = strlen(text);

    snprintf(text + used, room - used, "%s%s", used == 0 ? "" : ", ", word);
}

static void *open_named(const char *path, char *tried, size_t room)
{
    void *library = path[0] == '\0' ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL && path[0] != '\0') {
        list(tried, room, path);
    }
    return library;
}

/* FINBOX_ACL_LIB alone, if it is set; else the toolkit's folder, then the loader's names. */
static void *find(char *tried, size_t room)
{
    const char *named = getenv("FINBOX_ACL_LIB"), *home = getenv("ASCEND_HOME_PATH");
    char path[1024] = "";
    void *library;

    if (named != NULL && named[0] != '\0') {
        return open_named(named, tried, room);
    }
    if (home != NULL && home[0] != '\0') {
        snprintf(path, sizeof path, "%s/lib64/libascendcl.so", home);
    }
    library = open_named(path, tried, room);
    if (library == NULL) {
        library = open_named("libascendcl.so", tried, room);
    }
    return library != NULL ? library : open_named("libacl_rt.so", tried, room);
}

static void look_up(void *library, const char *name, void *place, char *missing, size_t room)
{
    void *symbol = dlsym(library, name);

    memcpy(place, &symbol, sizeof symbol);
    if (symbol == NULL) {
        list(missing, room, name);
    }
}

/* The library stays loaded, and AscendCL initialised, as long as the process lives: what else in it
 * uses AscendCL is not known, and what was finalised cannot be initialised again. */
static int32_t load(void)
{
    char tried[300] = "", required[700] = "", optional[200] = "", unused[900] = "";
    void *library = find(tried, sizeof tried);
    aclError error;

    if (library == NULL) {
        return refuse(SYSTEM_REFUSED, "open: no AscendCL: tried %s; source CANN's set_env.sh, or "
                      "name the library in FINBOX_ACL_LIB", tried);
    }
#define ACL_REQUIRED(returns, name, parameters) \
    look_up(library, #name, &acl.name, required, sizeof required);
#define ACL_OPTIONAL(returns, name, parameters) \
    look_up(library, #name, &acl.name, optional, sizeof optional);
#define ACL_UNUSED(returns, name, parameters) \
    look_up(library, #name, &acl.name, unused, sizeof unused);
    ACL_SYMBOLS(ACL_REQUIRED, ACL_OPTIONAL, ACL_UNUSED)
#undef ACL_REQUIRED
#undef ACL_OPTIONAL
#undef ACL_UNUSED
    if (required[0] != '\0') {
        dlclose(library);
        return refuse(SYSTEM_REFUSED, "open: AscendCL was found and lacks %s; install another "
                      "CANN", required);
    }
    if (optional[0] != '\0') {
        log_line(FINBOX_LOG_LEVEL_WARN, "this AscendCL lacks %s; it goes on without", optional);
    }
    log_line(FINBOX_LOG_LEVEL_DEBUG, "of what could be built on, this AscendCL lacks: %s",
             unused[0] != '\0' ? unused : "nothing");
    error = acl.aclInit(NULL);
    if (error != 0 && error != ACL_REPEAT_INITIALIZE) {
        return acl_refuse("open: aclInit", error);
    }
    is_loaded = true;
    return 0;
}

int32_t acl_load(void)
{
    int32_t refused = 0;

    pthread_mutex_lock(&load_lock);
    if (!is_loaded) {
        refused = load();
    }
    pthread_mutex_unlock(&load_lock);
    return refused;
}

static const char *meaning(aclError code)
{
    switch (code) {
#define ACL_CASE(number, name, sentence) \
    case number: \
        return sentence;
        ACL_CODES(ACL_CASE)
#undef ACL_CASE
    default:
        return "see the page aclError of CANN's reference";
    }
}

static const char *recent(void)
{
    const char *text = acl.aclGetRecentErrMsg();
    return text == NULL || text[0] == '\0' ? "it says no more" : text;
}

int32_t acl_refuse(const char *doing, aclError code)
{
    return refuse((enum code)code, "%s: AscendCL says %d: %s; %s", doing, code, meaning(code),
                  recent());
}

void acl_log(const char *doing, uint32_t rank, aclError code)
{
    log_line(FINBOX_LOG_LEVEL_ERROR, "rank %u: %s: AscendCL says %d: %s; %s", rank, doing, code,
             meaning(code), recent());
}
