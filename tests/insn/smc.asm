; Self-modifying code: the next instruction, the same block, another page, and through an alias.
%include "common.inc"
PAGES equ 0x200000
start:
        PROTECTED
        ; The very next instruction, its opcode changed by the one before it.
        mov byte [.next], 0x40      ; INC EAX in place of NOP
        xor eax, eax
        mov ebx, 3
.again: mov byte [.next], 0x48      ; DEC EAX
.next:  nop
        mov byte [.next], 0x40
        dec ebx
        jnz .again
        CHECK_EQ eax, -3
        ; An immediate later in the same block.
        mov ecx, 5
        xor edx, edx
.loop:  mov [.immediate + 1], ecx
        nop
.immediate:
        mov eax, 0
        add edx, eax
        loop .loop
        CHECK_EQ edx, 15
        ; A loop's own counter, 1000 times.
        mov dword [.count + 1], 0
        mov ecx, 1000
.counting:
.count: mov eax, 0
        inc eax
        mov [.count + 1], eax
        loop .counting
        CHECK_EQ dword [.count + 1], 1000
        ; Code in another page, called, rewritten, called again.
        mov byte [0x100000], 0xb8   ; MOV EAX, imm32; RET
        mov dword [0x100001], 7
        mov byte [0x100005], 0xc3
        mov ebx, 0x100000
        call ebx
        CHECK_EQ eax, 7
        mov dword [0x100001], 9
        call ebx
        CHECK_EQ eax, 9
        ; By a string instruction.
        mov esi, .bytes
        mov edi, 0x100000
        mov ecx, 6
        rep movsb
        call ebx
        CHECK_EQ eax, 0x55
        ; Through an alias: linear 400000h maps to the same physical page.
        mov edi, PAGES
        mov eax, PAGES + 0x1000 + 7
        stosd
        mov eax, PAGES + 0x2000 + 7
        stosd
        mov edi, PAGES + 0x1000
        mov eax, 7
.identity:
        stosd
        add eax, 0x1000
        cmp edi, PAGES + 0x2000
        jne .identity
        mov dword [PAGES + 0x2000], 0x100007
        mov eax, PAGES
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        call ebx
        CHECK_EQ eax, 0x55
        mov dword [0x400001], 0x66
        call ebx
        CHECK_EQ eax, 0x66
        ; The mapping of a page with code changes.
        mov dword [0x101000], 0x000077b8 ; MOV EAX, 77h; RET
        mov word [0x101004], 0xc300
        mov dword [PAGES + 0x1000 + 0x100 * 4], 0x101007
        invlpg [ebx]
        call ebx
        CHECK_EQ eax, 0x77
        ; An instruction over two pages, its second half rewritten.
        mov word [0x102ffe], 0xb890
        mov dword [0x103000], 0x1111
        mov byte [0x103004], 0xc3
        mov ebx, 0x102ffe
        call ebx
        CHECK_EQ eax, 0x1111
        mov dword [0x103000], 0x2222
        call ebx
        CHECK_EQ eax, 0x2222
        PASS
.bytes: db 0xb8, 0x55, 0, 0, 0, 0xc3
