; Real and unreal mode: the IVT, limits of 64 KiB, undocumented encodings, and 4 GiB segments that
; survive a trip through protected mode.
%include "common.inc"

%macro CATCH16 1                    ; vector: leads to the macro's end with SP restored
        mov word [(%1) * 4], %%caught
        mov word [(%1) * 4 + 2], 0
        mov [saved_sp], sp
        jmp %%run
%%caught:
        mov bp, sp
        mov ax, [bp]
        mov [caught_ip], ax
        mov sp, [saved_sp]
        jmp bx
%%run:
%endmacro

saved_sp:  dw 0
caught_ip: dw 0

start:
        ; INT pushes FLAGS, CS, IP and clears IF and TF; IRET restores them.
        mov word [0x40 * 4], handler
        mov word [0x40 * 4 + 2], 0
        sti
        stc
        int 0x40
        CHECK c
        pushf
        pop ax
        test ax, 0x200
        CHECK nz
        cli
        test word [seen_flags], 0x300
        CHECK z

        ; A word at ffffh is outside the limit: vector 13, IP of the instruction.
        mov bx, .limit
        CATCH16 13
        mov di, 0xffff
.limit_at:
        mov ax, [di]
        jmp .unreached
.limit: CHECK_EQ word [caught_ip], .limit_at
        mov bx, .stack_limit
        CATCH16 12
        mov bp, 0xffff
.stack_at:
        mov ax, [bp]
        jmp .unreached
.stack_limit:
        CHECK_EQ word [caught_ip], .stack_at

        ; Division by zero reports the instruction itself since the 286.
        mov bx, .divided
        CATCH16 0
        xor cx, cx
.divide_at:
        div cx
        jmp .unreached
.divided:
        CHECK_EQ word [caught_ip], .divide_at

        ; BOUND and invalid opcodes.
        mov bx, .bounded
        CATCH16 5
        mov ax, 9
.bound_at:
        bound ax, [bounds]
        jmp .unreached
.bounded:
        CHECK_EQ word [caught_ip], .bound_at
        mov bx, .undefined
        CATCH16 6
.undefined_at:
        ud2
.undefined:
        CHECK_EQ word [caught_ip], .undefined_at
        mov bx, .no_ldt
        CATCH16 6
.lldt_at:
        lldt ax                     ; not in real mode
.no_ldt:
        CHECK_EQ word [caught_ip], .lldt_at

        ; Undocumented: SALC, AAM and AAD with other bases, SHL as /6, group 1 as 82h, TEST as /1.
        stc
        db 0xd6
        CHECK_EQ al, 0xff
        clc
        db 0xd6
        CHECK_EQ al, 0
        mov ax, 100
        db 0xd4, 16
        CHECK_EQ ax, 0x0604
        db 0xd5, 7
        CHECK_EQ ax, 6 * 7 + 4
        mov bl, 0x81
        db 0xd0, 0xf3               ; SHL BL, 1 as /6
        CHECK_EQ bl, 2
        db 0x82, 0xc3, 0x05         ; ADD BL, 5
        CHECK_EQ bl, 7
        db 0xf6, 0xcb, 0x07         ; TEST BL, 7 as /1
        CHECK nz

        ; PUSH SP stores the old value since the 286; SMSW, and MOV to CR0 keeps ET.
        mov cx, sp
        push sp
        pop ax
        CHECK_EQ ax, cx
        smsw ax
        test al, 1
        CHECK z

        ; Unreal mode: DS keeps the limit that protected mode gave it.
        DESCRIPTOR DATA0, 0, 0xfffff, 0x93, 0xc
        lgdt [table_pointers]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        mov bx, DATA0
        mov ds, bx
        and al, 0xfe
        mov cr0, eax
        xor bx, bx
        mov ds, bx
        mov esi, 0x100000
        mov dword [esi], 0x12345678
        CHECK_EQ dword [esi], 0x12345678
        ; ES was not loaded there: still 64 KiB.
        mov bx, .es_limit
        CATCH16 13
.es_at: mov eax, [es:esi]
        jmp .unreached
.es_limit:
        CHECK_EQ word [caught_ip], .es_at

        ; 32-bit addresses wrap nowhere in real mode; 16-bit ones do within the segment.
        mov word [0x10], 0xbeef
        mov bx, 0xfff0
        mov si, 0x20
        mov ax, [bx + si]
        CHECK_EQ ax, 0xbeef
        PASS
.unreached:
        push dword 999
        jmp fail16

bounds: dw 1, 8
seen_flags: dw 0
handler:
        pushf
        pop word [seen_flags]
        iret
