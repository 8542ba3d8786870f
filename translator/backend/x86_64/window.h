/* The back end's use of softmmu's windows. */
#ifndef TRANSLATOR_BACKEND_X86_64_WINDOW_H
#define TRANSLATOR_BACKEND_X86_64_WINDOW_H

#include "translator/backend/x86_64/x86_64.h"

#define WINDOW_BYTES (UINT64_C(1) << 32)

/** Map the page at `linear` into the window in force; false: the access must go out of line. */
bool window_fill(struct backend *backend, uint32_t linear, bool is_write);

#endif
