/*
 * The three kinds of address. Linear: after segmentation, before paging. Physical: after the
 * guest's paging. Host: ours, an ordinary pointer.
 */
#ifndef SOFTMMU_ADDRESS_H
#define SOFTMMU_ADDRESS_H

#include <stdint.h>

typedef uint64_t linear_addr;
typedef uint64_t phys_addr;

#define GUEST_PAGE_SHIFT 12
#define GUEST_PAGE_SIZE  UINT32_C(4096)
#define GUEST_PAGE_MASK  UINT64_C(0xfff)

/* Number of a 4 KiB page of the machine's own backing store (RAM first, then ROMs). Two physical
   addresses that reach the same bytes (A20 wrap, ROM aliases) have the same frame. */
typedef uint32_t frame_number;
#define FRAME_NONE UINT32_MAX

#endif
