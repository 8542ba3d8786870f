; Virtual-8086 mode: entry and exit, IOPL-sensitive instructions, ports and the I/O bitmap, VME's
; interrupt redirection and virtual IF, and PVI.
%include "common.inc"
; ENTER_V86 label, flags
%macro ENTER_V86 2
        push dword 0                    ; GS, FS, DS, ES
        push dword 0
        push dword 0
        push dword 0
        push dword 0                    ; SS:ESP
        push dword STACK3_TOP
        push dword (1 << 17) | 2 | (%2)
        push dword 0                    ; CS:EIP
        push dword %1
        iret
%endmacro
; V86_EXPECT vector, error, flags, insn
%macro V86_EXPECT 4+
        CATCH_AT %%caught
        ENTER_V86 %%at, %3
bits 16
%%at:   %4
        hlt
bits 32
%%caught:
        CHECK_TRAP %1, %2, %%at
%endmacro
; V86_RUNS flags, insn: insn does not fault; the HLT behind it does
%macro V86_RUNS 2+
        CATCH_AT %%caught
        ENTER_V86 %%start, %1
bits 16
%%start:
        %2
%%at:   hlt
bits 32
%%caught:
        CHECK_TRAP VECTOR_GP, 0, %%at
%endmacro
IOPL3 equ 0x3000
start:
        PROTECTED
        ; Segments are real-mode ones, CPL is 3.
        V86_RUNS 0, {mov ax, [0x8000]}
        test dword [trap_flags], 1 << 17
        CHECK nz
        CHECK_EQ dword [trap_cs], 0
        CHECK_EQ dword [trap_esp], STACK3_TOP
        V86_EXPECT VECTOR_GP, 0, 0, mov eax, cr0
        V86_EXPECT VECTOR_UD, 0, 0, lldt ax
        V86_EXPECT VECTOR_UD, 0, 0, lar ax, ax
        ; With IOPL below 3: CLI, STI, PUSHF, POPF, INT, IRET are #GP.
        V86_EXPECT VECTOR_GP, 0, 0, cli
        V86_EXPECT VECTOR_GP, 0, 0, sti
        V86_EXPECT VECTOR_GP, 0, 0, pushf
        V86_EXPECT VECTOR_GP, 0, 0, popf
        V86_EXPECT VECTOR_GP, 0, 0, int 0x21
        V86_EXPECT VECTOR_GP, 0, 0, iret
        V86_RUNS IOPL3, cli
        V86_RUNS IOPL3, pushf
        ; INT at IOPL 3 goes through the IDT: the gate's DPL counts.
        V86_EXPECT VECTOR_GP, 0x21 * 8 + 2, IOPL3, int 0x21
        mov byte [IDT_BASE + 0x21 * 8 + 5], 0xee
        CATCH_AT .through_idt
        ENTER_V86 .int21, IOPL3
bits 16
.int21: int 0x21
.behind_int:
        hlt
bits 32
.through_idt:
        CHECK_TRAP 0x21, 0, .behind_int
        ; INT3 is not IOPL-sensitive.
        mov byte [IDT_BASE + 3 * 8 + 5], 0xee
        CATCH_AT .breakpoint
        ENTER_V86 .int3, 0
bits 16
.int3:  int3
.behind_int3:
        hlt
bits 32
.breakpoint:
        CHECK_TRAP VECTOR_BP, 0, .behind_int3
        ; Ports go by the bitmap whatever IOPL is.
        V86_EXPECT VECTOR_GP, 0, IOPL3, in al, 0x80
        mov word [TSS_BASE + 0x66], 0x88
        mov byte [TSS_BASE + 0x88 + 0x80 / 8], 0xfe
        V86_RUNS 0, in al, 0x80
        V86_EXPECT VECTOR_GP, 0, 0, in al, 0x81
        V86_EXPECT VECTOR_GP, 0, 0, in ax, 0x80
        ; VME: the redirection bitmap is the 32 bytes below the I/O bitmap.
        mov eax, cr4
        or eax, 1
        mov cr4, eax
        mov byte [TSS_BASE + 0x68 + 0x21 / 8], 0xfd
        mov word [0x21 * 4], .v86_handler
        mov word [0x21 * 4 + 2], 0
        CATCH_AT .redirected
        ENTER_V86 .vme_int, 1 << 19     ; VIF
bits 16
.vme_int:
        int 0x21
.behind_vme_int:
        hlt
.v86_handler:
        mov bp, sp
        mov bx, [bp]
        mov cx, [bp + 4]
        hlt
bits 32
.redirected:
        CHECK_EQ dword [trap_vector], VECTOR_GP
        CHECK_EQ bx, .behind_vme_int
        test cx, 0x200                  ; IF as VIF was
        CHECK nz
        test dword [trap_flags], 1 << 19
        CHECK z
        ; CLI and STI work on VIF; STI with VIP is #GP.
        CATCH_AT .vif_set
        ENTER_V86 .vif, 0
bits 16
.vif:   sti
        hlt
bits 32
.vif_set:
        test dword [trap_flags], 1 << 19
        CHECK nz
        test dword [trap_flags], 0x200
        CHECK z
        V86_EXPECT VECTOR_GP, 0, 1 << 20, sti
        ; A bit that is set sends INT to the monitor.
        mov byte [TSS_BASE + 0x68 + 0x21 / 8], 0xff
        V86_EXPECT VECTOR_GP, 0, 0, int 0x21
        ; PVI: the same for CLI and STI at CPL 3 in protected mode.
        mov eax, cr4
        and eax, ~1
        mov cr4, eax
        RING3_EXPECT VECTOR_GP, 0, sti
        or eax, 2
        mov cr4, eax
        CATCH_AT .pvi_done
        RUN_RING3 .pvi
.pvi:   sti
        hlt
.pvi_done:
        test dword [trap_flags], 1 << 19
        CHECK nz
        PASS
