; String instructions. A body finds ESI and EDI inside two buffers, a count in ECX and a value in EAX;
; the distances that ESI and EDI moved, ECX, EAX, the defined flags and both buffers go into the
; checksum, for counts of 0, 1 and 5, both directions, and values that the buffers hold or not.
%define DRIVER buffers
%include "unprivileged.inc"
        BEGIN
%macro STRING 3                         ; name, mask, mnemonic without size
        CASE {%1, "b"}, %2, %3 %+ b
        CASE {%1, "w"}, %2, %3 %+ w
        CASE {%1, "d"}, %2, %3 %+ d
%endmacro
        STRING "movs", 0, movs
        STRING "stos", 0, stos
        STRING "lods", 0, lods
        STRING "cmps", ALL, cmps
        STRING "scas", ALL, scas
%macro REP_CASES 4                      ; name, mask, prefix, mnemonic without size
        CASE {%1, "b"}, %2, %3 %4 %+ b
        CASE {%1, "w"}, %2, %3 %4 %+ w
        CASE {%1, "d"}, %2, %3 %4 %+ d
%endmacro
        REP_CASES "rep-movs", 0, rep, movs
        REP_CASES "rep-stos", 0, rep, stos
        REP_CASES "rep-lods", 0, rep, lods
        REP_CASES "repe-cmps", ALL, repe, cmps
        REP_CASES "repne-cmps", ALL, repne, cmps
        REP_CASES "repe-scas", ALL, repe, scas
        REP_CASES "repne-scas", ALL, repne, scas
        CASE_AT "overlap-up", 0, overlap_up
        CASE_AT "overlap-down", 0, overlap_down
        FINISH

overlap_up:                             ; each byte is copied from the one before: a fill
        mov edi, esi
        inc edi
        rep movsb
        ret
overlap_down:
        mov edi, esi
        dec edi
        rep movsb
        ret

buffers:
        mov dword [direction], 0
.direction:
        mov dword [count_index], 0
.count: mov dword [value_index], 0
.value: cld
        mov edi, first
        mov eax, 0x10203040
        mov ecx, 32                     ; both buffers: equal for the first three dwords
.fill:  mov [edi], eax
        add edi, 4
        add eax, 0x01010101
        cmp edi, second
        jne .same
        mov eax, 0x10203040
.same:  cmp edi, second + 12
        jne .go_on
        add eax, 0x55
.go_on: loop .fill
        mov eax, [count_index]
        mov ecx, [counts + eax * 4]
        mov eax, [value_index]
        mov eax, [values + eax * 4]
        mov esi, first
        mov edi, second
        cmp dword [direction], 0
        je .up
        add esi, 28
        add edi, 28
        std
.up:    mov ebx, 0
        cmp ebx, 1                      ; the same flags before each body
        call [case_body]
        pushf
        cld
        sub esi, first
        sub edi, second
        push esi
        push edi
        push ecx
        call mix
%rep 3
        pop eax
        call mix
%endrep
        pop eax
        and eax, [case_mask]
        call mix
        mov esi, first
        mov ecx, 32
.mix:   lodsd
        call mix
        loop .mix
        NEXT value_index, 3, .value
        NEXT count_index, 3, .count
        xor dword [direction], 1
        jnz .direction
        ret
        SUPPORT
direction:   dd 0
count_index: dd 0
value_index: dd 0
counts:      dd 0, 1, 5
values:      dd 0x10203040, 0x12223242, 0xdeadbeef
first:       times 16 dd 0
second:      times 16 dd 0
