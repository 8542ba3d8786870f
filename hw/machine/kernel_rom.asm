; Option ROM that starts a kernel given on the command line. The firmware finds it as a boot
; device (PnP header with a boot entry vector), so everything the firmware sets up - ACPI tables,
; the memory map, interrupt vectors - is there when the kernel starts.
;
; The machine hands over a plan through fw_cfg (layout: struct kernel_plan in kernel_plan.h): which
; items go to which physical address, and how to start. The items are copied by fw_cfg's DMA, which
; reaches all of memory, so no protected mode is needed to load anything.
;
; Low memory used meanwhile: 5E00h GDT, 5F00h DMA descriptor, 6000h plan, 6800h-73FFh memory map.
; kernel_rom_to_c.py pads the image, sets its length and both checksums.

bits 16
cpu 386
org 0

PLAN_KEY        equ 0x8100
FW_CFG_DMA_HIGH equ 0x514
FW_CFG_DMA_LOW  equ 0x518
DMA_SELECT_READ equ 0x0a

GDT_AT          equ 0x5e00
GDTR_AT         equ 0x5e18
DMA_AT          equ 0x5f00
PLAN_AT         equ 0x6000
PLAN_SIZE       equ 0x400
MAP_AT          equ 0x6800
MAP_END         equ 0x7400
STACK_TOP       equ 0x7c00

; struct kernel_plan
PLAN_KIND       equ PLAN_AT + 0         ; 0: real mode, 1: Multiboot
PLAN_ENTRY      equ PLAN_AT + 4         ; segment of the setup code, or EIP
PLAN_INFO       equ PLAN_AT + 8         ; Multiboot information, paragraph-aligned, below 1 MiB
PLAN_COUNT      equ PLAN_AT + 12
PLAN_ITEMS      equ PLAN_AT + 16        ; {u32 key, size, address}
ITEM_SIZE       equ 12

; Multiboot information
INFO_MAP_LENGTH equ 44
INFO_MAP_ADDR   equ 48
MULTIBOOT_MAGIC equ 0x2badb002

        db 0x55, 0xaa
        db 0                            ; length in 512-byte blocks, set by kernel_rom_to_c.py
        jmp near initialise
        times 0x1a - ($ - $$) db 0
        dw pnp_header

        align 16
pnp_header:
        db "$PnP"
        db 1                            ; version
        db (pnp_end - pnp_header) / 16
        dw 0                            ; no further header
        db 0
        db 0                            ; checksum, set by kernel_rom_to_c.py
        dd 0                            ; device identifier
        dw 0                            ; manufacturer
        dw product_name
        db 0, 0x80, 2                   ; device type: other boot device
        db 0xe4                         ; indicators: device driver initialises, boot device
        dw 0                            ; boot connection vector: none
        dw 0                            ; disconnect vector
        dw boot                         ; boot entry vector
        dw 0
        dw 0
pnp_end:

product_name:
        db "Kernel from the command line", 0

initialise:
        xor     ax, ax
        retf

; The firmware jumps here when this is the boot device that is next.
boot:
        cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, STACK_TOP

        mov     eax, PLAN_KEY
        mov     ecx, PLAN_SIZE
        mov     edi, PLAN_AT
        call    load_item

        mov     si, PLAN_ITEMS
        mov     bp, [PLAN_COUNT]
.next:  test    bp, bp
        jz      .loaded
        mov     eax, [si]
        mov     ecx, [si + 4]
        mov     edi, [si + 8]
        call    load_item
        add     si, ITEM_SIZE
        dec     bp
        jmp     .next
.loaded:
        cmp     dword [PLAN_KIND], 0
        jne     start_multiboot

; Linux: CS = setup segment + 20h, all other segments the setup segment, interrupts off.
start_real_mode:
        mov     ax, [PLAN_ENTRY]
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ss, ax
        mov     sp, 0xfff0
        add     ax, 0x20
        push    ax
        push    word 0
        xor     eax, eax
        xor     ebx, ebx
        xor     ecx, ecx
        xor     edx, edx
        xor     esi, esi
        xor     edi, edi
        xor     ebp, ebp
        retf

start_multiboot:
        call    read_memory_map         ; di: end of the map
        sub     di, MAP_AT
        movzx   eax, di
        mov     edx, [PLAN_INFO]
        shr     edx, 4
        mov     es, dx
        mov     [es:INFO_MAP_LENGTH], eax
        mov     dword [es:INFO_MAP_ADDR], MAP_AT
        xor     ax, ax
        mov     es, ax

        mov     si, gdt                 ; a copy below 64K, since this ROM may be anywhere
        mov     di, GDT_AT
        mov     cx, gdt_end - gdt
        cs rep movsb
        mov     word [GDTR_AT], gdt_end - gdt - 1
        mov     dword [GDTR_AT + 2], GDT_AT
        xor     ebx, ebx
        mov     bx, cs
        shl     ebx, 4
        add     ebx, flat
        cli
        o32 lgdt [GDTR_AT]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        push    dword 0x08
        push    ebx
        o32 retf

; All of the BIOS's memory map as Multiboot entries: a size before each. Returns di: the end.
read_memory_map:
        sti
        mov     di, MAP_AT
        xor     ebx, ebx
.next:  mov     eax, 0xe820
        mov     edx, 0x534d4150         ; "SMAP"
        mov     ecx, 20
        add     di, 4
        int     0x15
        jc      .end
        mov     dword [di - 4], 20
        add     di, 20
        cmp     di, MAP_END - 24
        ja      .done
        test    ebx, ebx
        jnz     .next
.done:  ret
.end:   sub     di, 4
        ret

; Copy fw_cfg item eax, ecx bytes of it, to physical address edi.
load_item:
        shl     eax, 16
        mov     ax, DMA_SELECT_READ
        call    swap
        mov     [DMA_AT], eax
        mov     eax, ecx
        call    swap
        mov     [DMA_AT + 4], eax
        mov     dword [DMA_AT + 8], 0
        mov     eax, edi
        call    swap
        mov     [DMA_AT + 12], eax
        mov     dx, FW_CFG_DMA_HIGH
        xor     eax, eax
        out     dx, eax
        mov     dx, FW_CFG_DMA_LOW
        mov     eax, DMA_AT
        call    swap
        out     dx, eax
.wait:  mov     eax, [DMA_AT]           ; cleared when done, but for the error bit
        and     eax, 0xfeffffff
        jnz     .wait
        ret

; Byte order of eax, without the 80486's BSWAP.
swap:
        xchg    al, ah
        ror     eax, 16
        xchg    al, ah
        ret

        align 8
gdt:    dq 0
        dq 0x00cf9a000000ffff           ; 08h: flat code
        dq 0x00cf92000000ffff           ; 10h: flat data
gdt_end:

bits 32
flat:
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ss, ax
        mov     esp, STACK_TOP
        mov     ebx, [PLAN_INFO]
        mov     edx, [PLAN_ENTRY]
        mov     eax, MULTIBOOT_MAGIC
        jmp     edx
