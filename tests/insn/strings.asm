; String instructions that fault in the middle, direction, 16-bit counts, and REP at CPL 3.
%include "common.inc"
start:
        PROTECTED
        DESCRIPTOR SPARE, 0x100000, 0x0fff, 0x93, 0x4
        mov ax, SPARE
        mov es, ax
        cld
        ; STOSD over the limit: the count and index show the iterations done.
        mov edi, 0xff0
        mov ecx, 8
        mov eax, 0xa5a5a5a5
        EXPECT VECTOR_GP, 0, rep stosd
        CHECK_EQ ecx, 4
        CHECK_EQ edi, 0x1000
        CHECK_EQ dword [0x100ffc], 0xa5a5a5a5
        ; The same downwards, where the source faults.
        std
        mov ax, SPARE
        mov fs, ax
        mov es, [.data_selector]
        mov esi, 4
        mov edi, 0x101000
        mov ecx, 5
        EXPECT VECTOR_GP, 0, fs rep movsd
        CHECK_EQ ecx, 3
        CHECK_EQ esi, -4
        CHECK_EQ edi, 0x101000 - 8
        cld
        ; SCASB ends at a match, and changes flags only if it ran.
        mov byte [0x100010], 1
        mov byte [0x100011], 2
        mov byte [0x100012], 3
        mov es, [.data_selector]
        mov edi, 0x100010
        mov ecx, 10
        mov al, 3
        repne scasb
        CHECK z
        CHECK_EQ ecx, 7
        CHECK_EQ edi, 0x100013
        xor ecx, ecx
        stc
        repe cmpsb
        CHECK c
        ; 16-bit addresses use CX, SI and DI only.
        mov ecx, 0x10002
        mov edi, 0x12345000
        mov al, 0x77
        a16 rep stosb
        CHECK_EQ ecx, 0x10000
        CHECK_EQ edi, 0x12345002
        CHECK_EQ word [0x5000], 0x7777
        ; CMPSD's fault is restartable with the same operands.
        mov ax, SPARE
        mov es, ax
        mov esi, 0x100000
        mov edi, 0xffc
        mov ecx, 9
        mov eax, [0x100000]
        mov [0x100ffc], eax
        EXPECT VECTOR_GP, 0, repe cmpsd
        CHECK_EQ ecx, 8
        CHECK_EQ edi, 0x1000
        CHECK_EQ esi, 0x100004
        ; INS and OUTS at CPL 3 need the port.
        mov dx, 0x80
        mov ecx, 1
        RING3_EXPECT VECTOR_GP, 0, rep outsb
        CHECK_EQ ecx, 1
        PASS
.data_selector: dw DATA0
