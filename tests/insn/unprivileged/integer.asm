; Integer instructions. A body finds a in EAX, ESI and [memory], b in EDX and ECX, a third value in
; EBX; EAX, EDX, ECX, EBX, [memory] and the defined flags go into the checksum, for all pairs of
; values and for arithmetic flags all clear and all set.
%define DRIVER pairs_of_values
%include "unprivileged.inc"
        BEGIN
; ---- arithmetic and logic, each width and kind of operand
%macro BINARY 3                         ; name, mask, mnemonic
        CASE {%1, "-8"}, %2, %3 al, dl
        CASE {%1, "-8h"}, %2, %3 ah, dl
        CASE {%1, "-16"}, %2, %3 ax, dx
        CASE {%1, "-32"}, %2, %3 eax, edx
        CASE {%1, "-8m"}, %2, %3 byte [memory], dl
        CASE {%1, "-16m"}, %2, %3 word [memory], dx
        CASE {%1, "-32m"}, %2, %3 [memory], edx
        CASE {%1, "-32l"}, %2, %3 edx, [memory]
        CASE {%1, "-8i"}, %2, %3 dl, 0x81
        CASE {%1, "-16i"}, %2, %3 dx, 0x7fff
        CASE {%1, "-32i"}, %2, %3 edx, 0x80000001
        CASE {%1, "-32s"}, %2, %3 edx, byte -3
%endmacro
        BINARY "add", ALL, add
        BINARY "or", NOT_AF, or
        BINARY "adc", ALL, adc
        BINARY "sbb", ALL, sbb
        BINARY "and", NOT_AF, and
        BINARY "sub", ALL, sub
        BINARY "xor", NOT_AF, xor
        BINARY "cmp", ALL, cmp
        CASE "test-8", NOT_AF, test al, dl
        CASE "test-16i", NOT_AF, test dx, 0x8001
        CASE "test-32m", NOT_AF, test [memory], edx
%macro UNARY 3
        CASE {%1, "-8"}, %2, %3 dl
        CASE {%1, "-16"}, %2, %3 dx
        CASE {%1, "-32"}, %2, %3 edx
        CASE {%1, "-8m"}, %2, %3 byte [memory]
        CASE {%1, "-32m"}, %2, %3 dword [memory]
%endmacro
        UNARY "inc", ALL, inc
        UNARY "dec", ALL, dec
        UNARY "neg", ALL, neg
        UNARY "not", ALL, not
        UNARY "mul", CF | OF, mul
        UNARY "imul", CF | OF, imul
        CASE "imul2-16", CF | OF, imul ax, dx
        CASE "imul2-32", CF | OF, imul eax, edx
        CASE "imul2-32m", CF | OF, imul edx, [memory]
        CASE "imul3-32i", CF | OF, imul eax, edx, 0x12345
        CASE "imul3-16s", CF | OF, imul ax, dx, byte -7
        CASE_AT "div-8", 0, div_8
        CASE_AT "div-16", 0, div_16
        CASE_AT "div-32", 0, div_32
        CASE_AT "idiv-8", 0, idiv_8
        CASE_AT "idiv-16", 0, idiv_16
        CASE_AT "idiv-32", 0, idiv_32
; ---- shifts and rotates: OF is defined for a count of 1 alone, AF never
%macro SHIFT 3
        CASE {%1, "-8-1"}, %2, %3 al, 1
        CASE {%1, "-16-1"}, %2, %3 ax, 1
        CASE {%1, "-32-1"}, %2, %3 eax, 1
        CASE {%1, "-8-5"}, (%2) & ~OF, %3 al, 5
        CASE {%1, "-16-9"}, (%2) & ~OF, %3 ax, 9
        CASE {%1, "-32-31"}, (%2) & ~OF, %3 eax, 31
        CASE {%1, "-32m-7"}, (%2) & ~OF, %3 dword [memory], 7
        CASE {%1, "-32-cl"}, (%2) & ~OF, %3 eax, cl
        CASE {%1, "-32m-cl"}, (%2) & ~OF, %3 dword [memory], cl
%endmacro
        SHIFT "shl", NOT_AF, shl
        SHIFT "shr", NOT_AF, shr
        SHIFT "sar", NOT_AF, sar
        SHIFT "rol", ALL, rol
        SHIFT "ror", ALL, ror
        SHIFT "rcl", ALL, rcl
        SHIFT "rcr", ALL, rcr
        CASE "rol-16-cl", ALL & ~OF, rol ax, cl
        CASE "rcl-8-cl", ALL & ~OF, rcl al, cl
        CASE "rcr-16-cl", ALL & ~OF, rcr ax, cl
        CASE "shld-32-1", NOT_AF, shld eax, edx, 1
        CASE "shrd-32-1", NOT_AF, shrd eax, edx, 1
        CASE "shld-32-cl", NOT_AF & ~OF, shld eax, ebx, cl
        CASE "shrd-32-cl", NOT_AF & ~OF, shrd eax, ebx, cl
        CASE "shld-16-9", NOT_AF & ~OF, shld ax, dx, 9
        CASE "shrd-32m-13", NOT_AF & ~OF, shrd [memory], edx, 13
; ---- bits
%macro BIT 2
        CASE {%1, "-16"}, CF, %2 ax, dx
        CASE {%1, "-32"}, CF, %2 eax, edx
        CASE {%1, "-32i"}, CF, %2 eax, 19
        CASE {%1, "-32mi"}, CF, %2 dword [memory], 33
%endmacro
        BIT "bt", bt
        BIT "bts", bts
        BIT "btr", btr
        BIT "btc", btc
        CASE_AT "btc-32m", CF, btc_memory
        CASE_AT "bsf-32", ZF, bsf_32
        CASE_AT "bsr-32", ZF, bsr_32
        CASE_AT "bsr-16", ZF, bsr_16
; ---- decimal
        CASE "daa", NOT_AF & ~OF | AF, daa
        CASE "das", NOT_AF & ~OF | AF, das
        CASE "aaa", AF | CF, aaa
        CASE "aas", AF | CF, aas
        CASE "aam", SF | ZF | PF, aam
        CASE "aam-7", SF | ZF | PF, aam 7
        CASE "aad", SF | ZF | PF, aad
        CASE "aad-16", SF | ZF | PF, aad 16
; ---- moves
        CASE "cbw", ALL, cbw
        CASE "cwde", ALL, cwde
        CASE "cwd", ALL, cwd
        CASE "cdq", ALL, cdq
        CASE "movzx-16-8", ALL, movzx ax, dl
        CASE "movzx-32-8", ALL, movzx eax, dh
        CASE "movzx-32-16m", ALL, movzx edx, word [memory]
        CASE "movsx-16-8", ALL, movsx ax, dl
        CASE "movsx-32-8m", ALL, movsx edx, byte [memory]
        CASE "movsx-32-16", ALL, movsx eax, dx
        CASE "bswap", ALL, bswap edx
        CASE "xchg-8", ALL, xchg ah, dl
        CASE "xchg-32m", ALL, xchg [memory], edx
        CASE "xadd-8", ALL, xadd al, dl
        CASE "xadd-32", ALL, xadd eax, edx
        CASE "xadd-32m", ALL, lock xadd [memory], edx
        CASE "cmpxchg-8", ALL, cmpxchg dl, bl
        CASE "cmpxchg-32", ALL, cmpxchg edx, ebx
        CASE "cmpxchg-32m", ALL, lock cmpxchg [memory], ebx
        CASE_AT "cmpxchg8b", ALL, exchange_8_bytes
        CASE "lea-32", ALL, lea eax, [eax + edx * 8 - 0x1234]
        CASE "lea-16", ALL, lea ax, [bx + si + 0x77]
        CASE "lahf", ALL, lahf
        CASE "sahf", ALL, sahf
        CASE "cmc", ALL, cmc
        CASE "clc", ALL, clc
        CASE "stc", ALL, stc
        CASE "salc", ALL, salc
        CASE_AT "xlat", ALL, translate
        CASE_AT "push-pop-16", ALL, push_pop_16
        CASE_AT "pusha-popa", ALL, push_all
        CASE_AT "enter-leave", ALL, enter_leave
        CASE_AT "loop", ALL, loops
        CASE_AT "jecxz", ALL, jump_zero
; ---- conditions
%macro CONDITION 1-*
%rep %0
%defstr condition_name %1
        CASE {"set", condition_name}, ALL, set%1 bl
        CASE {"cmov", condition_name}, ALL, cmov%1 eax, edx
        CASE_AT {"j", condition_name}, ALL, jump_%1
        jmp behind_%1
jump_%1:
        cmp eax, edx
        j%1 %%taken_%1
        inc ebx
%%taken_%1:
        ret
behind_%1:
%rotate 1
%endrep
%endmacro
        CONDITION o, no, b, nb, z, nz, be, nbe, s, ns, p, np, l, nl, le, nle
        FINISH

div_8:  or cl, 1                        ; the quotient always fits
        movzx eax, al
        div cl
        ret
div_16: or cx, 1
        xor edx, edx
        div cx
        ret
div_32: or ecx, 1
        xor edx, edx
        div ecx
        ret
idiv_8: and cl, 0x7f
        or cl, 1
        cbw
        idiv cl
        ret
idiv_16:
        and cx, 0x7fff
        or cx, 1
        cwd
        idiv cx
        ret
idiv_32:
        and ecx, 0x7fffffff
        or ecx, 1
        cdq
        idiv ecx
        ret
btc_memory:
        and edx, 511                    ; inside [memory]
        btc [memory], edx
        ret
bsf_32: bsf eax, edx                    ; the manual leaves the register of a source of 0 open;
        ret                             ; every CPU leaves it as it was
bsr_32: bsr eax, edx
        ret
bsr_16: bsr ax, dx
        ret
exchange_8_bytes:
        mov [memory + 4], edx
        cmpxchg8b [memory]
        mov eax, [memory + 4]
        mov dword [memory + 4], 0
        ret
translate:
        mov ebx, memory
        and al, 3
        xlatb
        mov ebx, 0
        ret
push_pop_16:
        push dx
        push ax
        pop edx
        ret
push_all:
        pusha
        mov eax, [esp + 20]             ; EDX
        xor eax, [esp + 28]             ; EAX
        mov [esp + 16], eax             ; EBX
        popa
        ret
enter_leave:
        enter 8, 0
        mov [ebp - 4], eax
        mov [ebp - 8], edx
        mov ebx, [esp + 4]
        sub ebx, [esp]
        leave
        ret
loops:  movzx ecx, cl
        inc ecx
        xor eax, eax
.next:  add eax, ecx
        cmp al, dl
        loopne .next
        setz bl
        ret
jump_zero:
        jecxz .taken
        inc ebx
.taken: ret

pairs_of_values:
        mov dword [flags_in], 0
.flags: mov dword [index_a], 0
.a:     mov dword [index_b], 0
.b:     mov eax, [index_a]
        mov eax, [values + eax * 4]
        mov [memory], eax
        mov esi, eax
        mov edx, [index_b]
        mov edx, [values + edx * 4]
        mov ecx, edx
        mov ebx, 0x89abcdef
        push dword [flags_in]
        popf
        call [case_body]
        pushf
        push dword [memory]
        push ebx
        push ecx
        push edx
        call mix
%rep 4
        pop eax
        call mix
%endrep
        pop eax
        and eax, [case_mask]
        call mix
        NEXT index_b, VALUES, .b
        NEXT index_a, VALUES, .a
        xor dword [flags_in], ALL
        jnz .flags
        ret
        SUPPORT
flags_in: dd 0
index_a:  dd 0
index_b:  dd 0
values: dd 0, 1, 2, 0x0f, 0x7f, 0x80, 0xff, 0x0199, 0x7fff, 0x8000, 0xffff, 0x10000, 0x12345678
        dd 0x7fffffff, 0x80000000, 0xa5a5a5a5, 0xfffffffe, 0xffffffff
VALUES equ ($ - values) / 4
