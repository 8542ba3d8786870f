; x87: the environment in its four formats, tags, pending exceptions by #MF and by FERR#, EM and TS.
%include "common.inc"
AREA equ 0x100000
start:
        ; Real mode, 16 bits: linear addresses, opcode in the second word.
        fninit
        fld1
        fld dword [number]
.code:  fadd dword [number]
        mov bx, 0x780
        mov es, bx
        fnstenv [es:0]
        CHECK_EQ word [es:0], 0x037f
        CHECK_EQ word [es:4], 0x0fff        ; registers 6 and 7 valid
        CHECK_EQ word [es:6], .code
        CHECK_EQ word [es:8], 0x0006        ; D8 06: FADD m32
        CHECK_EQ word [es:10], number
        CHECK_EQ word [es:12], 0
        ; FNSTENV masks all exceptions.
        fldcw [control_open]
        fnstenv [es:0]
        fnstcw [es:0x20]
        CHECK_EQ word [es:0], 0x0340
        CHECK_EQ word [es:0x20], 0x037f
        fldenv [es:0]
        fnstcw [es:0x20]
        CHECK_EQ word [es:0x20], 0x0340
        fninit
        PROTECTED
        ; Protected mode, 32 and 16 bits.
        fninit
.code32:
        fld dword [number]
        fnstenv [AREA]
        CHECK_EQ dword [AREA], 0xffff037f
        CHECK_EQ dword [AREA + 4], 0xffff3800
        CHECK_EQ dword [AREA + 8], 0xffff3fff
        CHECK_EQ dword [AREA + 12], .code32
        CHECK_EQ dword [AREA + 16], CODE0 | 0x01050000
        CHECK_EQ dword [AREA + 20], number
        CHECK_EQ word [AREA + 24], DATA0
        o16 fnstenv [AREA]
        CHECK_EQ word [AREA + 4], 0x3fff
        CHECK_EQ word [AREA + 6], .code32
        CHECK_EQ word [AREA + 8], CODE0
        CHECK_EQ word [AREA + 12], DATA0
        ; FNSAVE initialises; FRSTOR brings all back.
        fldpi
        fnsave [AREA]
        fnstsw ax
        CHECK_EQ ax, 0
        fnstcw [AREA + 0x100]
        CHECK_EQ word [AREA + 0x100], 0x37f
        CHECK_EQ dword [AREA + 28 + 4], 0xc90fdaa2
        CHECK_EQ word [AREA + 28 + 8], 0x4000
        frstor [AREA]
        fstp tword [AREA + 0x200]
        CHECK_EQ dword [AREA + 0x204], 0xc90fdaa2
        ; Tags: zero, special, empty.
        fninit
        fldz
        fld tword [infinity]
        fnstenv [AREA]
        CHECK_EQ word [AREA + 8], 0x6fff
        ; An unmasked exception waits for the next waiting instruction (#MF with CR0.NE).
        mov eax, cr0
        or eax, 0x20
        mov cr0, eax
        fninit
        fldcw [control_open]
        fld1
        fldz
        fdivp                       ; 1 / 0: pending
        fnstsw ax
        test ax, 0x80
        CHECK nz
        EXPECT VECTOR_MF, 0, fld1
        EXPECT VECTOR_MF, 0, fwait
        fnclex
        fwait
        ; FERR# with NE clear: the unit waits for IGNNE# or an interrupt.
        mov eax, cr0
        and eax, ~0x20
        mov cr0, eax
        fninit
        fldcw [control_open]
        in al, FERR_PORT
        CHECK_EQ al, 0
        fld1
        fldz
        fdivp
        out 0xf0, al
        fld1                        ; IGNNE# lets it pass
        in al, FERR_PORT
        CHECK_EQ al, 1
        fnclex
        in al, FERR_PORT
        CHECK_EQ al, 0
        fninit
        ; TS, EM and MP.
        mov eax, cr0
        or eax, 8
        mov cr0, eax
        EXPECT VECTOR_NM, 0, fld1
        fwait                       ; MP is clear
        mov eax, cr0
        or eax, 2
        mov cr0, eax
        EXPECT VECTOR_NM, 0, fwait
        clts
        mov eax, cr0
        or eax, 4
        mov cr0, eax
        EXPECT VECTOR_NM, 0, fld1
        EXPECT VECTOR_UD, 0, emms
        PASS
number:       dd 1.5
control_open: dw 0x340
infinity:     dd 0, 0x80000000
              dw 0x7fff
