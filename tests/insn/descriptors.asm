; Protected mode: every kind of segment descriptor, its limit and rights, null and absent segments,
; the LDT, and LAR, LSL, VERR, VERW, ARPL.
%include "common.inc"
start:
        PROTECTED
        ; Byte-granular read/write data, limit fffh.
        DESCRIPTOR SPARE, 0x100000, 0xfff, 0x92, 0x4
        mov ax, SPARE
        mov fs, ax
        mov dword [fs:0xffc], 0x11223344
        CHECK_EQ dword [0x100ffc], 0x11223344
        EXPECT VECTOR_GP, 0, mov eax, [fs:0xffd]
        EXPECT VECTOR_GP, 0, mov al, [fs:0x1000]
        EXPECT VECTOR_GP, 0, mov byte [fs:0xffffffff], 1
        ; Loading sets Accessed.
        CHECK_EQ byte [GDT_BASE + SPARE + 5], 0x93
        ; Read-only data.
        DESCRIPTOR SPARE, 0x100000, 0xfff, 0x91, 0x4
        mov fs, ax
        mov ecx, [fs:0]
        EXPECT VECTOR_GP, 0, mov [fs:0], ecx
        EXPECT VECTOR_GP, SPARE, mov ss, ax
        ; Expand-down, 16 and 32 bits.
        DESCRIPTOR SPARE, 0x100000, 0xfff, 0x97, 0x0
        mov fs, ax
        mov byte [fs:0x1000], 1
        mov byte [fs:0xffff], 2
        EXPECT VECTOR_GP, 0, mov al, [fs:0xfff]
        EXPECT VECTOR_GP, 0, mov ax, [fs:0xffff]
        EXPECT VECTOR_GP, 0, mov al, [fs:0x10000]
        DESCRIPTOR SPARE, 0x100000, 0xfff, 0x97, 0x4
        mov ax, SPARE
        mov fs, ax
        mov byte [fs:0x10000], 1
        EXPECT VECTOR_GP, 0, mov al, [fs:0xfff]
        ; Page-granular: limit 1 means 1fffh.
        DESCRIPTOR SPARE, 0x100000, 1, 0x93, 0xc
        mov fs, ax
        mov byte [fs:0x1fff], 1
        EXPECT VECTOR_GP, 0, mov al, [fs:0x2000]
        ; Code segments: readable, execute-only, conforming.
        DESCRIPTOR SPARE, 0x100000, 0xfff, 0x9a, 0x4
        mov fs, ax
        mov cl, [fs:0]
        EXPECT VECTOR_GP, 0, mov [fs:0], cl
        DESCRIPTOR SPARE, 0x100000, 0xfff, 0x98, 0x4
        EXPECT VECTOR_GP, SPARE, mov fs, ax
        EXPECT VECTOR_GP, SPARE, mov ss, ax
        ; Not present: #NP for data, #SS for the stack.
        DESCRIPTOR SPARE, 0x100000, 0xfff, 0x12, 0x4
        EXPECT VECTOR_NP, SPARE, mov fs, ax
        EXPECT VECTOR_SS, SPARE, mov ss, ax
        ; System descriptors are not for data registers.
        EXPECT VECTOR_GP, TSS0, mov fs, [selector_tss]
        ; Null selectors load into data registers, and fault when used; never into SS.
        xor eax, eax
        mov fs, ax
        EXPECT VECTOR_GP, 0, mov cl, [fs:0]
        EXPECT VECTOR_GP, 0, mov ss, ax
        ; Beyond the GDT's limit, and no LDT.
        mov ax, 0x80
        EXPECT VECTOR_GP, 0x80, mov fs, ax
        mov ax, 0x84
        EXPECT VECTOR_GP, 0x84, mov fs, ax
        ; The stack segment's limit is #SS.
        DESCRIPTOR SPARE, 0, 0xffff, 0x93, 0x4
        mov ax, SPARE
        mov ss, ax
        mov ebp, 0x10000
        EXPECT VECTOR_SS, 0, mov al, [ebp]
        EXPECT VECTOR_SS, 0, mov eax, [ebp - 3]
        mov ax, DATA0
        mov ss, ax

        ; LDT: entry 1 is data.
        DESCRIPTOR SPARE + 8, LDT_BASE, 15, 0x82, 0
        mov dword [LDT_BASE + 8], 0x00000fff
        mov dword [LDT_BASE + 12], 0x00409310
        mov ax, SPARE + 8
        lldt ax
        sldt cx
        CHECK_EQ cx, SPARE + 8
        mov ax, 0x0c
        mov fs, ax
        mov byte [fs:0xfff], 0x5a
        CHECK_EQ byte [0x100fff], 0x5a
        mov ax, 0x14
        EXPECT VECTOR_GP, 0x14, mov fs, ax
        EXPECT VECTOR_GP, DATA0, lldt [selector_data]
        xor eax, eax
        lldt ax
        mov fs, ax

        ; LAR, LSL, VERR, VERW.
        DESCRIPTOR SPARE, 0x100000, 1, 0x91, 0xc
        mov cx, SPARE
        lar eax, cx
        CHECK z
        and eax, 0xf0ff00
        CHECK_EQ eax, 0xc09100
        lsl eax, cx
        CHECK z
        CHECK_EQ eax, 0x1fff
        verr cx
        CHECK z
        verw cx
        CHECK nz
        mov cx, TSS0
        lsl eax, cx
        CHECK z
        CHECK_EQ eax, 0x27f
        verr cx
        CHECK nz
        mov cx, 0xfff8
        lar eax, cx
        CHECK nz
        ; ARPL raises the RPL and tells so.
        mov ax, DATA0
        mov cx, 3
        arpl ax, cx
        CHECK z
        CHECK_EQ ax, DATA0 + 3
        arpl ax, cx
        CHECK nz

        ; At CPL 3: a DPL 0 segment is out of reach.
        mov ax, DATA0
        RING3_EXPECT VECTOR_GP, DATA0, mov fs, [selector_data]
        RING3_EXPECT VECTOR_GP, 0, hlt
        RING3_EXPECT VECTOR_GP, 0, cli
        RING3_EXPECT VECTOR_GP, 0, lgdt [table_pointers]
        RING3_EXPECT VECTOR_GP, 0, mov eax, cr0
        RING3_EXPECT VECTOR_GP, 0, in al, 0x80
        ; #AC needs CR0.AM, AC and CPL 3.
        mov eax, cr0
        or eax, 1 << 18
        mov cr0, eax
        CATCH_AT .aligned
        push dword DATA3
        push dword STACK3_TOP
        push dword 0x40002
        push dword CODE3
        push dword .ring3
        iret
.ring3: RING3_SEGMENTS
        mov eax, [0x100000]
.misaligned:
        mov eax, [0x100002]
        hlt
.aligned:
        CHECK_TRAP VECTOR_AC, 0, .misaligned
        PASS
selector_tss:  dw TSS0
selector_data: dw DATA0
