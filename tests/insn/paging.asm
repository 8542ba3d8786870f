; Paging: rights and error codes, accessed and dirty bits, WP, accesses over two pages, 4 MiB pages,
; global pages, PAE and NX.
%include "common.inc"
PD  equ 0x200000
PT  equ 0x201000
PDPT equ 0x202000
%define PTE(page) dword [PT + (page) * 4]
start:
        PROTECTED
        ; Identity-map the first 4 MiB for everybody.
        mov edi, PT
        mov eax, 7
.fill:  stosd
        add eax, 0x1000
        cmp edi, PT + 0x1000
        jne .fill
        mov dword [PD], PT + 7
        mov eax, PD
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        jmp .on
.on:
        ; Accessed on reads, Dirty on writes.
        mov al, [0x100000]
        mov ecx, PTE(0x100)
        CHECK_EQ ecx, 0x100027
        mov [0x100000], al
        mov ecx, PTE(0x100)
        CHECK_EQ ecx, 0x100067
        test dword [PD], 0x20
        CHECK nz
        ; Not present: read, write, at both levels of privilege, fetch.
        mov PTE(0x101), 0x101006
        invlpg [0x101000]
        EXPECT VECTOR_PF, 0, mov eax, [0x101234]
        CHECK_EQ dword [trap_cr2], 0x101234
        EXPECT VECTOR_PF, 2, mov [0x101234], eax
        RING3_EXPECT VECTOR_PF, 4, mov eax, [0x101234]
        RING3_EXPECT VECTOR_PF, 6, mov [0x101234], eax
        EXPECT VECTOR_PF, 2, add dword [0x101234], 1
        CATCH_AT .fetched
        jmp CODE0:0x101000
.fetched:
        CHECK_TRAP VECTOR_PF, 0, 0x101000
        ; Supervisor pages, read-only pages, and WP.
        mov PTE(0x101), 0x101003
        invlpg [0x101000]
        mov [0x101000], eax
        RING3_EXPECT VECTOR_PF, 5, mov eax, [0x101000]
        RING3_EXPECT VECTOR_PF, 7, mov [0x101000], eax
        mov PTE(0x101), 0x101005
        invlpg [0x101000]
        RING3_EXPECT VECTOR_PF, 7, mov [0x101000], eax
        mov [0x101000], eax             ; WP is clear
        mov eax, cr0
        or eax, 0x10000
        mov cr0, eax
        EXPECT VECTOR_PF, 3, mov [0x101000], eax
        ; Rights are the weaker of both levels.
        mov PTE(0x101), 0x101007
        mov dword [PD], PT + 3
        mov eax, cr3
        mov cr3, eax
        mov [0x101000], eax
        CATCH_AT .supervisor
        push dword DATA3
        push dword STACK3_TOP
        push dword 2
        push dword CODE3
        push dword 0x9000
        iret
.supervisor:
        CHECK_TRAP VECTOR_PF, 5, 0x9000
        mov dword [PD], PT + 7
        mov eax, cr3
        mov cr3, eax
        ; A write over two pages, the second of which is absent, changes neither page.
        mov dword [0x101ffc], 0x11111111
        mov PTE(0x102), 0
        invlpg [0x102000]
        EXPECT VECTOR_PF, 2, mov dword [0x101ffe], 0x22222222
        CHECK_EQ dword [trap_cr2], 0x102000
        CHECK_EQ dword [0x101ffc], 0x11111111
        EXPECT VECTOR_PF, 0, mov eax, [0x101fff]
        CHECK_EQ dword [trap_cr2], 0x102000
        ; A PUSHA that faults leaves ESP alone.
        CATCH_AT .pushed
        push dword DATA3
        push dword 0x103010
        push dword 2
        push dword CODE3
        push dword .pusha
        iret
.pusha: pusha
.pushed:
        CHECK_TRAP VECTOR_PF, 6, .pusha
        CHECK_EQ dword [trap_esp], 0x103010
        ; Without INVLPG or CR3 the old entry may stay; with it the new one counts.
        mov PTE(0x103), 0x103007
        invlpg [0x103000]
        mov dword [0x103000], 3
        mov dword [0x104000], 4
        mov PTE(0x103), 0x104007
        invlpg [0x103000]
        CHECK_EQ dword [0x103000], 4
        ; 4 MiB pages.
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov dword [PD + 4], 0x000000e7
        mov eax, [0x504000]
        CHECK_EQ eax, 4
        mov dword [PD + 4], 0x00000085  ; read-only, not dirty
        mov eax, cr3
        mov cr3, eax
        EXPECT VECTOR_PF, 3, mov [0x504000], eax
        mov dword [PD + 4], 0x00000087
        mov eax, cr3
        mov cr3, eax
        mov dword [0x504000], 4
        CHECK_EQ dword [PD + 4], 0xe7
        ; Global pages survive CR3, not INVLPG.
        mov eax, cr4
        or eax, 0x80
        mov cr4, eax
        mov PTE(0x105), 0x105107
        invlpg [0x105000]
        mov dword [0x105000], 5
        mov eax, cr3
        mov cr3, eax
        CHECK_EQ dword [0x105000], 5
        mov PTE(0x105), 0x104107
        invlpg [0x105000]
        CHECK_EQ dword [0x105000], 4
        ; PAE, with NX.
        mov eax, cr0
        and eax, 0x7fffffff
        mov cr0, eax
        mov edi, PT
        mov eax, 7
.fill_pae:
        stosd
        mov dword [edi], 0
        add edi, 4
        add eax, 0x1000
        cmp edi, PT + 0x1000
        jne .fill_pae
        mov dword [PDPT], PD + 1
        mov dword [PDPT + 4], 0
        mov dword [PDPT + 8], 0
        mov dword [PDPT + 12], 0
        mov dword [PD], PT + 7
        mov dword [PD + 4], 0
        mov dword [PD + 8], 0x2000e7    ; 2 MiB page, so that the tables stay in reach
        mov dword [PD + 12], 0
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x800
        wrmsr
        mov eax, cr4
        or eax, 0x20
        mov cr4, eax
        mov eax, PDPT
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        jmp .pae
.pae:   mov byte [0x106000], 0xc3
        mov ebx, 0x106000
        call ebx
        mov dword [PT + 0x106 * 8 + 4], 0x80000000
        invlpg [0x106000]
        CHECK_EQ byte [0x106000], 0xc3
        CATCH_AT .executed
        call ebx
.executed:
        CHECK_TRAP VECTOR_PF, 0x11, 0x106000
        ; Reserved bits.
        mov dword [PT + 0x107 * 8 + 4], 0x40000000
        invlpg [0x107000]
        EXPECT VECTOR_PF, 9, mov eax, [0x107000]
        ; A PDPT entry with reserved bits is refused when CR3 is loaded.
        mov dword [PDPT], PD + 7
        mov eax, PDPT
        EXPECT VECTOR_GP, 0, mov cr3, eax
        PASS
