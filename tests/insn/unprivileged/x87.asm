; x87 instructions whose results are exact. A body finds a in ST(0), b in ST(1) and b as an integer
; and as a double in [memory] and [memory + 8]; ST(0), ST(1), [memory], the defined flags and the
; defined bits of the status word (the mask's upper half) go into the checksum, for all pairs of
; values, three precisions and four directions of rounding, with all exceptions masked.
%define DRIVER pairs_of_numbers
%include "unprivileged.inc"
EXCEPTIONS equ 0x003f0000
C0 equ 0x01000000
C1 equ 0x02000000
C2 equ 0x04000000
C3 equ 0x40000000
ROUNDED equ EXCEPTIONS | C1             ; C1: the result was rounded up
COMPARED equ EXCEPTIONS | C0 | C2 | C3
        BEGIN
%macro ARITHMETIC 2
        CASE {%1, "-st"}, ROUNDED, %2 st0, st1
        CASE {%1, "-to"}, ROUNDED, %2 st1, st0
        CASE {%1, "p"}, ROUNDED, %2 %+ p st1, st0
        CASE {%1, "-m64"}, ROUNDED, %2 qword [memory + 8]
%endmacro
        ARITHMETIC "fadd", fadd
        ARITHMETIC "fsub", fsub
        ARITHMETIC "fsubr", fsubr
        ARITHMETIC "fmul", fmul
        ARITHMETIC "fdiv", fdiv
        ARITHMETIC "fdivr", fdivr
        CASE "fiadd", ROUNDED, fiadd dword [memory]
        CASE "fisub-16", ROUNDED, fisub word [memory]
        CASE "fimul", ROUNDED, fimul dword [memory]
        CASE "fidivr-16", ROUNDED, fidivr word [memory]
        CASE "fadd-m32", ROUNDED, fadd dword [memory]
        CASE "fsqrt", ROUNDED, fsqrt
        CASE "frndint", ROUNDED, frndint
        CASE "fscale", ROUNDED, fscale
        CASE "fprem", EXCEPTIONS | C2, fprem
        CASE "fprem1", EXCEPTIONS | C2, fprem1
        CASE "fxtract", EXCEPTIONS, fxtract
        CASE "fabs", EXCEPTIONS, fabs
        CASE "fchs", EXCEPTIONS, fchs
        CASE "fcom", COMPARED, fcom st1
        CASE "fucom", COMPARED, fucom st1
        CASE "fcom-m64", COMPARED, fcom qword [memory + 8]
        CASE "ficom", COMPARED, ficom dword [memory]
        CASE "fcompp", COMPARED, fcompp
        CASE "fucompp", COMPARED, fucompp
        CASE "ftst", COMPARED, ftst
        CASE "fxam", EXCEPTIONS | C0 | C1 | C2 | C3, fxam
        CASE "fcomi", EXCEPTIONS | ZF | PF | CF, fcomi st0, st1
        CASE "fucomi", EXCEPTIONS | ZF | PF | CF, fucomi st0, st1
        CASE "fcmovb", EXCEPTIONS, fcmovb st0, st1
        CASE "fcmovne", EXCEPTIONS, fcmovne st0, st1
        CASE "fcmovu", EXCEPTIONS, fcmovu st0, st1
        CASE "fxch", EXCEPTIONS, fxch st1
        CASE "fld-st", EXCEPTIONS, fld st1
        CASE "fst-m32", ROUNDED, fst dword [memory]
        CASE "fst-m64", ROUNDED, fst qword [memory]
        CASE "fstp-m80", EXCEPTIONS, fstp tword [memory]
        CASE "fist-16", ROUNDED, fist word [memory]
        CASE "fist-32", ROUNDED, fist dword [memory]
        CASE "fistp-64", ROUNDED, fistp qword [memory]
        CASE "fild-16", EXCEPTIONS, fild word [memory]
        CASE "fild-32", EXCEPTIONS, fild dword [memory]
        CASE "fild-64", EXCEPTIONS, fild qword [memory]
        CASE "fld-m32", EXCEPTIONS, fld dword [memory]
        CASE "fld-m64", EXCEPTIONS, fld qword [memory + 8]
        CASE "fbstp", ROUNDED, fbstp tword [memory]
        CASE_AT "fbld", EXCEPTIONS, load_decimal
        CASE "fld1", EXCEPTIONS, fld1
        CASE "fldpi", EXCEPTIONS, fldpi
        CASE "fldl2t", EXCEPTIONS, fldl2t
        CASE "fldl2e", EXCEPTIONS, fldl2e
        CASE "fldlg2", EXCEPTIONS, fldlg2
        CASE "fldln2", EXCEPTIONS, fldln2
        CASE "fldz", EXCEPTIONS, fldz
        CASE "ffree", EXCEPTIONS, ffree st1
        CASE "fincstp", EXCEPTIONS, fincstp
        CASE_AT "overflow", EXCEPTIONS | C1, overflow_stack
        FINISH

load_decimal:
        fbstp [memory]
        fbld [memory]
        ret
overflow_stack:
        times 7 fldz
        ret

pairs_of_numbers:
        mov dword [control_index], 0
.control:
        mov dword [index_a], 0
.a:     mov dword [index_b], 0
.b:     fninit
        mov eax, [control_index]
        imul ebx, [index_b], 12
        fld tword [numbers + ebx]
        fst qword [memory + 8]
        mov ecx, [numbers + ebx + 4]
        mov [memory], ecx
        imul ebx, [index_a], 12
        fld tword [numbers + ebx]
        fnclex
        fldcw [controls + eax * 2]
        xor ecx, ecx
        call [case_body]
        pushf
        pop eax
        fnstsw [status]
        fnclex
        movzx ecx, word [status]
        shl ecx, 16
        movzx eax, ax
        or eax, ecx
        and eax, [case_mask]
        call mix
        fldcw [controls]                ; storing rounds nothing
        fstp tword [stored]
        fstp tword [stored + 12]
        MIX_DWORDS stored, 6
        MIX_DWORDS memory, 4
        NEXT index_b, NUMBERS, .b
        NEXT index_a, NUMBERS, .a
        NEXT control_index, 12, .control
        ret
        SUPPORT
control_index: dd 0
index_a:  dd 0
index_b:  dd 0
status:   dw 0
controls: dw 0x37f, 0x77f, 0xb7f, 0xf7f, 0x27f, 0x67f, 0xa7f, 0xe7f, 0x07f, 0x47f, 0x87f, 0xc7f
align 4
stored:   times 6 dd 0
%macro NUMBER 3                         ; sign and exponent, significand's halves
        dd %3, %2, %1
%endmacro
numbers:
        NUMBER 0x0000, 0x00000000, 0x00000000 ; 0
        NUMBER 0x8000, 0x00000000, 0x00000000 ; -0
        NUMBER 0x3fff, 0x80000000, 0x00000000 ; 1
        NUMBER 0xbfff, 0xc0000000, 0x00000000 ; -1.5
        NUMBER 0x4000, 0xc90fdaa2, 0x2168c235 ; pi
        NUMBER 0xc00e, 0xfffd8000, 0x00000001 ; about -65533.5
        NUMBER 0x403d, 0xffffffff, 0xffffffff ; nearly 2^63
        NUMBER 0x3ffe, 0xffffffff, 0xffffffff ; just below 1
        NUMBER 0x0001, 0x80000000, 0x00000001 ; about the smallest normal number
        NUMBER 0x0000, 0x00000000, 0x00000001 ; the smallest denormal number
        NUMBER 0x8000, 0x7fffffff, 0xffffffff ; the largest one, negative
        NUMBER 0x7ffe, 0xffffffff, 0xffffffff ; the largest number
        NUMBER 0x7fff, 0x80000000, 0x00000000 ; infinity
        NUMBER 0xffff, 0x80000000, 0x00000000 ; -infinity
        NUMBER 0x7fff, 0xc0000001, 0x00000000 ; a quiet NaN
        NUMBER 0xffff, 0xa0000000, 0x12345678 ; a signalling NaN
        NUMBER 0x4001, 0x40000000, 0x00000000 ; an unnormal number
NUMBERS equ ($ - numbers) / 12
