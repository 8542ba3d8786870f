; Call gates with parameters, interrupt and trap gates from CPL 3, DPL checks, conforming code, far
; returns to outer levels, and errors with selectors.
%include "common.inc"
start:
        PROTECTED
        ; A call gate to CPL 0 with two parameters.
        GATE GDT_BASE + SPARE, 0xec, CODE0, gate_target, 2
        CATCH_AT .back
        RUN_RING3 .ring3
.ring3: RING3_SEGMENTS
        push dword 0x1111
        push dword 0x2222
        call SPARE + 3:0
        mov ebx, esp
        int3                            ; DPL 0: #GP
.back:  CHECK_EQ dword [trap_vector], VECTOR_GP
        CHECK_EQ dword [trap_error], 3 * 8 + 2
        CHECK_EQ dword [seen_cs], CODE3
        CHECK_EQ dword [seen_cpl], 0
        CHECK_EQ dword [seen_first], 0x1111
        CHECK_EQ dword [seen_second], 0x2222
        CHECK_EQ ebx, STACK3_TOP        ; RETF 8 released them on both stacks
        CHECK_EQ dword [seen_esp], STACK0_TOP - 24

        ; DPL of gates: INT n of a DPL 0 gate is #GP with the vector; DPL 3 works.
        RING3_EXPECT VECTOR_GP, 0x40 * 8 + 2, int 0x40
        mov byte [IDT_BASE + 0x40 * 8 + 5], 0xee
        RING3_TRAP 0x40, int 0x40
        CHECK_EQ dword [trap_cs], CODE3
        CHECK_EQ dword [trap_esp], STACK3_TOP
        ; Not present.
        mov byte [IDT_BASE + 0x41 * 8 + 5], 0x6e
        RING3_EXPECT VECTOR_NP, 0x41 * 8 + 2, int 0x41
        ; INT3, INTO and BOUND.
        mov byte [IDT_BASE + 3 * 8 + 5], 0xee
        mov byte [IDT_BASE + 4 * 8 + 5], 0xee
        RING3_TRAP VECTOR_BP, int3
        mov al, 0x7f
        CATCH_AT .overflow
        add al, 1
        into
.into:  nop
.overflow:
        CHECK_TRAP VECTOR_OF, 0, .into
        mov eax, 10
        EXPECT VECTOR_BR, 0, bound eax, [bounds]
        EXPECT VECTOR_UD, 0, ud2
        xor ecx, ecx
        EXPECT VECTOR_DE, 0, div ecx
        mov eax, 0x80000000
        cdq
        mov ecx, -1
        EXPECT VECTOR_DE, 0, idiv ecx

        ; Interrupt gates clear IF, trap gates do not.
        GATE IDT_BASE + 0x50 * 8, 0x8e, CODE0, flags_handler, 0
        GATE IDT_BASE + 0x51 * 8, 0x8f, CODE0, flags_handler, 0
        sti
        int 0x50
        test ebx, 0x200
        CHECK z
        int 0x51
        test ebx, 0x200
        CHECK nz
        cli

        ; Call gate faults: null, data, privilege, limit.
        GATE GDT_BASE + SPARE, 0x8c, CODE0, gate_target, 0
        RING3_EXPECT VECTOR_GP, SPARE, call SPARE:0
        GATE GDT_BASE + SPARE, 0xec, 0, gate_target, 0
        RING3_EXPECT VECTOR_GP, 0, call SPARE + 3:0
        GATE GDT_BASE + SPARE, 0xec, DATA0, gate_target, 0
        RING3_EXPECT VECTOR_GP, DATA0, call SPARE + 3:0
        GATE GDT_BASE + SPARE, 0x6c, CODE0, gate_target, 0
        RING3_EXPECT VECTOR_NP, SPARE, call SPARE + 3:0
        EXPECT VECTOR_GP, DATA0, jmp DATA0:0
        EXPECT VECTOR_GP, 0, jmp 0:0
        RING3_EXPECT VECTOR_GP, CODE0, jmp CODE0:0
        EXPECT VECTOR_GP, CODE3 & ~3, jmp CODE3:0

        ; A conforming segment runs at the caller's level.
        DESCRIPTOR SPARE, 0, 0xfffff, 0x9e, 0xc
        CATCH_AT .conformed
        RUN_RING3 .ring3_conforming
.ring3_conforming:
        call SPARE:.conforming
        hlt
.conforming:
        mov cx, cs
.privileged:
        hlt
.conformed:
        CHECK_TRAP VECTOR_GP, 0, .privileged
        CHECK_EQ cx, SPARE + 3

        ; A far return to an outer level drops segments that are out of its reach.
        mov ax, DATA0
        mov fs, ax
        CATCH_AT .outer_done
        push dword DATA3
        push dword STACK3_TOP
        push dword CODE3
        push dword .outer
        retf
.outer: mov bx, fs
        hlt
.outer_done:
        CHECK_EQ bx, 0
        ; Not to an inner one.
        push dword CODE0
        push dword .bad
        CATCH_AT .inner_done
        push dword DATA3
        push dword STACK3_TOP
        push dword 2
        push dword CODE3
        push dword .inner
        iret
.inner: push dword CODE0
        push dword .bad
.inner_at:
        retf
.bad:   hlt
.inner_done:
        CHECK_TRAP VECTOR_GP, CODE0, .inner_at

        ; 16-bit gates and code.
        GATE GDT_BASE + SPARE, 0x84, CODE0, target16, 1
        push word 0x77
        mov ebx, esp
        call SPARE:0
        CHECK_EQ eax, 0x77
        add ebx, 2
        CHECK_EQ esp, ebx
        jmp CODE16:.code16
bits 16
.code16:
        mov ax, 0xffff
        inc ax
        CHECK z
        jmp dword CODE0:.code32
bits 32
.code32:
        PASS
gate_target:
        mov [seen_esp], esp
        mov eax, [esp + 4]
        mov [seen_cs], eax
        mov ax, cs
        and eax, 3
        mov [seen_cpl], eax
        mov eax, [esp + 12]
        mov [seen_first], eax
        mov eax, [esp + 8]
        mov [seen_second], eax
        retf 8
flags_handler:
        pushf
        pop ebx
        iret
target16:
        movzx eax, word [esp + 4]
        o16 retf 2
bounds: dd 1, 9
seen_cs: dd 0
seen_cpl: dd 9
seen_esp: dd 0
seen_first: dd 0
seen_second: dd 0
