; Debug registers, TF and RF, interrupt shadows of STI and MOV SS, NMI, SYSENTER and SYSEXIT,
; CMPXCHG8B, CPUID and MSRs, REP interrupted, HLT.
%include "common.inc"
start:
        PROTECTED
        ; TF: a trap behind the next instruction, with BS.
        CATCH_AT .stepped
        xor eax, eax
        mov dr6, eax
        push dword 0x102
        popf
        nop
.behind_nop:
        nop
.stepped:
        CHECK_TRAP VECTOR_DB, 0, .behind_nop
        mov eax, dr6
        and eax, 0xe00f
        CHECK_EQ eax, 0x4000
        test dword [trap_flags], 0x100
        CHECK nz
        ; MOV SS holds the trap back by one instruction.
        CATCH_AT .shadowed
        mov cx, ss
        push dword 0x102
        popf
        mov ss, cx
        nop
.behind_shadow:
        nop
.shadowed:
        CHECK_TRAP VECTOR_DB, 0, .behind_shadow
        ; A breakpoint on execution is a fault; RF in the frame lets the instruction run.
        mov eax, .breakpoint
        mov dr0, eax
        mov eax, 0x402
        mov dr7, eax
        xor eax, eax
        mov dr6, eax
        CATCH_AT .at_breakpoint
.breakpoint:
        inc eax
        jmp .not_caught
.at_breakpoint:
        CHECK_EQ dword [trap_vector], VECTOR_DB
        CHECK_EQ dword [trap_eip], .breakpoint
        test dword [trap_flags], 0x10000
        CHECK z                         ; the handler's business for an instruction breakpoint
        mov eax, dr6
        and eax, 0xe00f
        CHECK_EQ eax, 1
        xor eax, eax
        CATCH_AT .resumed
        push dword 0x10002              ; RF
        push dword CODE0
        push dword .breakpoint
        iret
.not_caught:
        CHECK_EQ eax, 1
        jmp .data
.resumed:
        CHECK_EQ eax, -1                ; not reached
.data:
        ; A breakpoint on a write of 4 bytes is a trap.
        mov eax, 0x100000
        mov dr1, eax
        mov eax, 0x00d00408
        mov dr7, eax
        xor eax, eax
        mov dr6, eax
        EXPECT_TRAP VECTOR_DB, mov byte [0x100003], 1
        mov eax, dr6
        and eax, 0xf
        CHECK_EQ eax, 2
        mov al, [0x100003]              ; reads do not match
        ; GD guards the registers.
        mov eax, 0x2400
        mov dr7, eax
        EXPECT VECTOR_DB, 0, mov ecx, dr0
        mov eax, dr6
        test eax, 0x2000
        CHECK nz
        mov eax, 0x400
        mov dr7, eax
        ; DR4 is DR6 unless CR4.DE.
        mov ecx, dr4
        mov eax, cr4
        or eax, 8
        mov cr4, eax
        EXPECT VECTOR_UD, 0, mov ecx, dr4
        ; STI: the next instruction still runs before a pending interrupt.
        xor ebx, ebx
        mov al, 0x48
        out INTR_PORT, al
        CATCH_AT .interrupted
        sti
        inc ebx
.behind_inc:
        inc ebx
        inc ebx
.interrupted:
        CHECK_TRAP 0x48, 0, .behind_inc
        CHECK_EQ ebx, 1
        ; So does MOV SS with interrupts enabled.
        mov al, 0x48
        out INTR_PORT, al
        xor ebx, ebx
        mov cx, ss
        CATCH_AT .interrupted_2
        sti
        mov ss, cx
        inc ebx
.behind_inc_2:
        inc ebx
.interrupted_2:
        CHECK_EQ dword [trap_vector], 0x48
        ; NMI ends a HLT with interrupts disabled.
        CATCH_AT .nmi
        out NMI_PORT, al
        nop
        hlt
.nmi:   CHECK_EQ dword [trap_vector], VECTOR_NMI
        ; CMPXCHG8B.
        mov dword [0x100008], 0x11111111
        mov dword [0x10000c], 0x22222222
        mov eax, 0x11111111
        mov edx, 0x22222222
        mov ebx, 0x33333333
        mov ecx, 0x44444444
        lock cmpxchg8b [0x100008]
        CHECK z
        CHECK_EQ dword [0x100008], ebx
        CHECK_EQ dword [0x10000c], ecx
        cmpxchg8b [0x100008]
        CHECK nz
        CHECK_EQ eax, ebx
        CHECK_EQ edx, ecx
        EXPECT VECTOR_UD, 0, db 0x0f, 0xc7, 0xc8
        EXPECT VECTOR_UD, 0, db 0xf0, 0x90
        EXPECT VECTOR_UD, 0, db 0xf0, 0x01, 0xc0
        EXPECT VECTOR_GP, 0, db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
        ; SYSENTER and SYSEXIT, with the layout of descriptors that they imply.
        xor eax, eax
        mov ecx, 0x174
        xor edx, edx
        wrmsr
        EXPECT VECTOR_GP, 0, sysenter
        DESCRIPTOR 0x58, 0, 0xfffff, 0x9b, 0xc
        DESCRIPTOR 0x60, 0, 0xfffff, 0x93, 0xc
        DESCRIPTOR 0x68, 0, 0xfffff, 0xfb, 0xc
        DESCRIPTOR 0x70, 0, 0xfffff, 0xf3, 0xc
        mov ecx, 0x174
        mov eax, 0x58
        xor edx, edx
        wrmsr
        inc ecx
        mov eax, STACK0_TOP
        wrmsr
        inc ecx
        mov eax, .entered
        wrmsr
        CATCH_AT .left
        RUN_RING3 .user
.user:  sysenter
.entered:
        CHECK_EQ esp, STACK0_TOP
        mov ax, cs
        CHECK_EQ ax, 0x58
        mov ax, ss
        CHECK_EQ ax, 0x60
        mov edx, .user_again
        mov ecx, STACK3_TOP - 16
        sysexit
.user_again:
        mov bx, cs
        mov si, ss
        hlt
.left:
        CHECK_EQ dword [trap_vector], VECTOR_GP
        CHECK_EQ bx, 0x6b
        CHECK_EQ si, 0x73
        CHECK_EQ dword [trap_esp], STACK3_TOP - 16
        RING3_EXPECT VECTOR_GP, 0, sysexit
        ; MSRs.
        mov ecx, 0x12345
        EXPECT VECTOR_GP, 0, rdmsr
        RING3_EXPECT VECTOR_GP, 0, rdmsr
        ; RDTSC under CR4.TSD.
        rdtsc
        mov eax, cr4
        or eax, 4
        mov cr4, eax
        rdtsc
        RING3_EXPECT VECTOR_GP, 0, rdtsc
        ; Reserved bits of CR4, PG without PE.
        mov eax, 0x80000000
        EXPECT VECTOR_GP, 0, mov cr4, eax
        EXPECT VECTOR_GP, 0, mov cr0, eax
        PASS
