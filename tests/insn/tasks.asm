; Hardware task switches: JMP, CALL with IRET, task gates, NT and busy bits, CR3 and LDT of the new
; task, the T bit, and a double fault through a task gate.
%include "common.inc"
TSS1 equ 0x3a00
TASK_STACK equ 0x4800
BUSY0 equ GDT_BASE + TSS0 + 5
BUSY1 equ GDT_BASE + SPARE + 5
%macro MAKE_TASK 1                  ; entry
        mov edi, TSS1
        mov ecx, 26
        xor eax, eax
        rep stosd
        mov dword [TSS1 + 0x20], %1
        mov dword [TSS1 + 0x24], 2
        mov dword [TSS1 + 0x38], TASK_STACK
        mov dword [TSS1 + 0x48], DATA0
        mov dword [TSS1 + 0x4c], CODE0
        mov dword [TSS1 + 0x50], DATA0
        mov dword [TSS1 + 0x54], DATA0
        mov dword [TSS1 + 0x28], 0xaaaa
        DESCRIPTOR SPARE, TSS1, 0x67, 0x89, 0
%endmacro
start:
        PROTECTED
        CHECK_EQ byte [BUSY0], 0x8b     ; LTR marked it
        EXPECT VECTOR_GP, TSS0, ltr [selector_tss0]
        ; CALL nests: back link, NT, both busy; IRET returns.
        MAKE_TASK .called
        mov ebx, 0x1234
        call SPARE:0
.after_call:
        CHECK_EQ ebx, 0x1234
        CHECK_EQ dword [seen], 1
        CHECK_EQ byte [BUSY0], 0x8b
        CHECK_EQ byte [BUSY1], 0x89
        pushf
        pop eax
        test eax, 0x4000
        CHECK z
        str ax
        CHECK_EQ ax, TSS0
        jmp .call_again
.called:
        CHECK_EQ eax, 0xaaaa
        CHECK_EQ word [TSS1], TSS0
        CHECK_EQ byte [BUSY0], 0x8b
        CHECK_EQ byte [BUSY1], 0x8b
        CHECK_EQ dword [TSS_BASE + 0x20], .after_call
        pushf
        pop eax
        test eax, 0x4000
        CHECK nz
        mov eax, cr0
        test eax, 8                     ; TS is set
        CHECK nz
        clts
        mov dword [seen], 1
        iret
        ; The task goes on where it left.
        mov dword [seen], 2
        iret
.call_again:
        call SPARE:0
        CHECK_EQ dword [seen], 2
        ; A busy TSS cannot be entered.
        mov byte [BUSY1], 0x8b
        EXPECT VECTOR_GP, SPARE, call SPARE:0
        mov byte [BUSY1], 0x09
        EXPECT VECTOR_NP, SPARE, call SPARE:0
        ; Limit below 67h.
        DESCRIPTOR SPARE, TSS1, 0x66, 0x89, 0
        EXPECT VECTOR_TS, SPARE, call SPARE:0
        ; JMP: not nested, the old task no longer busy.
        MAKE_TASK .jumped
        jmp SPARE:0
.back_from_jump:
        CHECK_EQ byte [BUSY1], 0x89
        jmp .jump_done
.jumped:
        CHECK_EQ byte [BUSY0], 0x89
        pushf
        pop eax
        test eax, 0x4000
        CHECK z
        jmp TSS0:0
.jump_done:
        ; A task gate in the GDT, and one in the IDT.
        MAKE_TASK .gated
        mov dword [GDT_BASE + SPARE + 8], SPARE << 16
        mov dword [GDT_BASE + SPARE + 12], 0x8500
        mov dword [seen], 0
        call SPARE + 8:0
        CHECK_EQ dword [seen], 3
        mov dword [IDT_BASE + 0x60 * 8], SPARE << 16
        mov dword [IDT_BASE + 0x60 * 8 + 4], 0x8500
        int 0x60
        CHECK_EQ dword [seen], 6
        jmp .debug_trap
.gated: add dword [seen], 3
        iret
        jmp .gated
.debug_trap:
        ; The T bit of the new task: #DB before its first instruction, BT in DR6.
        MAKE_TASK .traced
        mov word [TSS1 + 0x64], 1
        xor eax, eax
        mov dr6, eax
        CATCH_AT .traced_caught
        jmp SPARE:0
.traced:
        hlt
.traced_caught:
        CHECK_TRAP VECTOR_DB, 0, .traced
        mov eax, dr6
        test eax, 0x8000
        CHECK nz
        ; Now in the other task: go back.
        mov dword [TSS_BASE + 0x20], .home
        jmp TSS0:0
.home:
        ; A double fault through a task gate: #GP whose gate's segment is absent.
        MAKE_TASK .double
        mov dword [IDT_BASE + 8 * 8], SPARE << 16
        mov dword [IDT_BASE + 8 * 8 + 4], 0x8500
        mov word [IDT_BASE + 13 * 8 + 2], 0xfff8
.faulting:
        mov fs, [selector_bad]
        hlt
.double:
        CHECK_EQ dword [esp], 0         ; the error code, on the new task's stack
        CHECK_EQ dword [TSS_BASE + 0x20], .faulting
        CHECK_EQ word [TSS1], TSS0
        PASS
selector_tss0: dw TSS0
selector_bad:  dw 0xff00
seen: dd 0
