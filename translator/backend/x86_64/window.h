/* The back end's use of softmmu's windows. */
#ifndef TRANSLATOR_BACKEND_X86_64_WINDOW_H
#define TRANSLATOR_BACKEND_X86_64_WINDOW_H

#include "softmmu/window.h"
#include "translator/backend/x86_64/x86_64.h"

/** Reserve addresses for the GS base while no window is in force. */
bool x64_windows_create(struct backend *backend, struct error *error);
void x64_windows_destroy(struct backend *backend);
/** Map the page of a trapped access into the window in force. Unless that is WINDOW_FILLED, the
 *  access must go out of line. */
enum window_fill x64_window_fill(struct backend *backend, uintptr_t address, bool is_write);
/** An access was served out of line, because there was no window or because the window could not
 *  serve it. */
void x64_count_access(struct backend *backend, bool has_window);

#endif
