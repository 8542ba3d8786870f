; The fixed part of every scenario: tables, handlers, and the loop over the steps.
;
; Loaded at 20000h and entered in real mode at 2000:0000. Each step is code that the generator made:
; it changes tables, sets control registers and goes into the mode under test with IRETD. Whatever
; happens there ends in a handler, here, which writes a record to the log and starts the next step
; from the same state as the first: `recover` takes back every table and every register that a step
; may change. The layout is scenario.h's.

GDT         equ 21000h
IDT         equ 22000h
TSS         equ 23000h
LDT         equ 24100h
DIRECTORY   equ 25000h
TABLE       equ 26000h
POINTERS    equ 27000h
PAE_DIR     equ 28000h
PAE_TABLE   equ 29000h
TABLES_END  equ 2a000h
PRISTINE    equ 40000h          ; where the tables are copied from before each step
ARRIVE      equ 4000h           ; INT 30h: here, and at four other places that jumps lead to
STACK0      equ 2af80h
STACK1      equ 2b380h
STACK2      equ 2b780h
STACK3      equ 2bf80h
VARIABLES   equ 3c000h
COUNT       equ VARIABLES       ; steps; set by the generator
STEP        equ VARIABLES + 4
LOG_AT      equ VARIABLES + 8
RESUME      equ VARIABLES + 16  ; 64 bits: vectors after which the handler returns with IRET,
RESUMES     equ VARIABLES + 24  ; this often
HOOK        equ VARIABLES + 28  ; where to go behind the last step; 0: end by port F4h
BUSY        equ VARIABLES + 32  ; a handler is at work
START       equ VARIABLES + 36  ; the first step to run
PRINT       equ VARIABLES + 40  ; 0, or a routine to call: CF set: a step begins, its number in EAX;
                                ; clear: a record ends at EDI
STEPS       equ VARIABLES + 64  ; their addresses
STACK_OWN   equ 3d000h
STACK_TASK  equ 3e000h
LOG         equ 55000h

bits 16
org 20000h
entry:
    cli
    cld
    mov ax, 2000h
    mov ds, ax
    o32 lgdt [word pristine_gdtr - entry]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 8:start

bits 32
start:
    mov ax, 10h
    mov ds, ax
    mov es, ax
    mov eax, [START]
    dec eax
    mov [STEP], eax
    mov dword [LOG_AT], LOG
    mov word [ARRIVE], 30cdh
    mov word [54000h], 30cdh
    mov word [64000h], 30cdh

recover:                        ; DS and ES are flat, and CPL is 0
    cli
    mov eax, 11h
    mov cr0, eax
    jmp .paging_is_off
.paging_is_off:
    xor eax, eax
    mov cr4, eax
    mov cr3, eax
    mov cr2, eax
    mov dr7, eax
    mov dr0, eax
    mov dr1, eax
    mov dr2, eax
    mov dr3, eax
    mov eax, 0ffff0ff0h
    mov dr6, eax
    mov ecx, 0c0000080h
    xor eax, eax
    xor edx, edx
    wrmsr
    cld
    mov esi, PRISTINE
    mov edi, GDT
    mov ecx, (TABLES_END - GDT) / 4
    rep movsd
    xor eax, eax                ; stacks, data pages, and what 16-bit segments and V86 use
    mov edi, TABLES_END
    mov ecx, (34000h - TABLES_END) / 4
    rep stosd
    lgdt [gdtr]
    lidt [idtr]
    mov ax, 10h
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov esp, STACK_OWN
    jmp 8:.tables_are_loaded
.tables_are_loaded:
    xor eax, eax
    lldt ax
    mov ax, 20h
    ltr ax
    push 2
    popfd
    mov dword [RESUME], 0
    mov dword [RESUME + 4], 0
    mov dword [RESUMES], 0
    mov dword [BUSY], 0
    inc dword [STEP]
    mov eax, [STEP]
    cmp eax, [COUNT]
    jae done
    stc
    call print
    jmp [STEPS + eax * 4]

done:
    mov eax, [HOOK]
    test eax, eax
    jz .end
    jmp eax
.end:
    out 0f4h, eax
    hlt

print:
    push ecx
    mov ecx, [PRINT]
    jecxz .nobody
    call ecx
.nobody:
    mov eax, [STEP]
    pop ecx
    ret

; A handler: SS:ESP points to a tag, then the frame that the CPU pushed. CS may have any base.
handler:
    pushfd
    pushad
    mov eax, ds
    push eax
    mov eax, es
    push eax
    mov eax, fs
    push eax
    mov eax, gs
    push eax
    jmp 8:.flat
.flat:
    mov ax, 10h
    mov ds, ax
    mov es, ax
    mov ebp, esp
    ; What the handler does with a strange stack may fault in its turn.
    inc dword [BUSY]
    cmp dword [BUSY], 1
    jne nested
    mov eax, ss
    lar eax, ax
    bt eax, 22
    jc .stack_is_32
    movzx ebp, bp
.stack_is_32:
    cld
    mov edi, [LOG_AT]
    mov eax, [ss:ebp + 52]      ; 0: tag
    stosd
    lea esi, [ebp + 16]         ; 1 to 8: EDI ESI EBP ESP EBX EDX ECX EAX
    mov ecx, 8
.registers:
    mov eax, [ss:esi]
    add esi, 4
    stosd
    loop .registers
    lea esi, [ebp + 56]         ; 9 to 18: the frame, with what lies above it
    mov ecx, 10
.frame:
    mov eax, [ss:esi]
    add esi, 4
    stosd
    loop .frame
    mov eax, [ss:ebp + 48]      ; 19: EFLAGS
    stosd
    mov eax, [ss:ebp + 12]      ; 20 to 23: DS ES FS GS
    stosd
    mov eax, [ss:ebp + 8]
    stosd
    mov eax, [ss:ebp + 4]
    stosd
    mov eax, [ss:ebp]
    stosd
    mov eax, ss                 ; 24
    stosd
    xor eax, eax
    sldt ax                     ; 25
    stosd
    str ax                      ; 26
    stosd
    mov eax, cr0                ; 27
    stosd
    mov eax, cr2                ; 28
    stosd
    mov eax, dr6                ; 29
    stosd
    mov eax, [STEP]             ; 30
    stosd
    mov eax, ebp                ; 31
    stosd
    mov [LOG_AT], edi
    clc
    call print
    mov ecx, [ss:ebp + 52]
    and ecx, 3fh
    bt [RESUME], ecx
    jnc recover
    dec dword [RESUMES]
    js recover
    mov dword [BUSY], 0
    test dword [ss:ebp + 52], 200h
    jz .is_no_task
    jmp 18h:.is_no_task - entry ; where the IP that a 16-bit task state saves still leads
.is_no_task:
    test dword [ss:ebp + 52], 100h
    jnz .resume_16
    pop gs
    pop fs
    pop es
    pop ds
    popad
    lea esp, [esp + 8]
    iretd
    jmp again
.resume_16:
    pop gs
    pop fs
    pop es
    pop ds
    popad
    lea esp, [esp + 8]
    o16 iret
again:                          ; a task that returned is entered once more, behind its IRET
    push dword 33eh
    jmp handler
nested:
    mov edi, [LOG_AT]
    mov dword [edi], 80000000h
    mov eax, [STEP]
    mov [edi + 120], eax
    sub edi, -128
    mov [LOG_AT], edi
    clc
    call print
    jmp recover

; Vectors 0 to 63 through 32-bit gates, then through 16-bit ones, then three tasks: a task's tag has
; bit 9, and it returns through NT as vector 62.
    align 16
stubs:
%assign vector 0
%rep 64
    push dword vector
    jmp near handler
    align 16
%assign vector vector + 1
%endrep
%assign vector 0
%rep 64
    push dword vector + 100h
    jmp near handler
    align 16
%assign vector vector + 1
%endrep
%assign task 0
%rep 3
    push dword 23eh + task * 1000h
    jmp near handler
    align 16
%assign task task + 1
%endrep
tasks equ $ - 48

gdtr:
    dw 0ffh
    dd GDT
idtr:
    dw 1ffh
    dd IDT
pristine_gdtr:
    dw 0ffh
    dd PRISTINE

%macro DESCRIPTOR 4             ; base, limit, access, flags
    dw (%2) & 0ffffh, (%1) & 0ffffh
    db ((%1) >> 16) & 0ffh, %3, ((%4) << 4) | (((%2) >> 16) & 0fh), (%1) >> 24
%endmacro

    times PRISTINE - 20000h - ($ - $$) db 0
pristine_gdt:
    dq 0
    DESCRIPTOR 0, 0fffffh, 9bh, 0ch       ; 08 code
    DESCRIPTOR 0, 0fffffh, 93h, 0ch       ; 10 data
    DESCRIPTOR 20000h, 0fffffh, 9bh, 0ch  ; 18 code where 16-bit offsets reach the handlers
    DESCRIPTOR TSS, 3ffh, 89h, 0          ; 20 task in force
    DESCRIPTOR TSS + 400h, 67h, 89h, 0    ; 28 32-bit task
    DESCRIPTOR TSS + 800h, 2bh, 81h, 0    ; 30 16-bit task
    DESCRIPTOR LDT, 3fh, 82h, 0           ; 38
    DESCRIPTOR 0, 0fffffh, 0bbh, 0ch      ; 40 rings 1 to 3
    DESCRIPTOR 0, 0fffffh, 0b3h, 0ch      ; 48
    DESCRIPTOR 0, 0fffffh, 0dbh, 0ch      ; 50
    DESCRIPTOR 0, 0fffffh, 0d3h, 0ch      ; 58
    DESCRIPTOR 0, 0fffffh, 0fbh, 0ch      ; 60
    DESCRIPTOR 0, 0fffffh, 0f3h, 0ch      ; 68
    DESCRIPTOR 0, 0fffffh, 9fh, 0ch       ; 70 conforming
    DESCRIPTOR 30000h, 0ffffh, 9bh, 0     ; 78 16-bit code, data
    DESCRIPTOR 30000h, 0ffffh, 93h, 0     ; 80
    DESCRIPTOR 30000h, 0ffffh, 0fbh, 0    ; 88 the same for ring 3
    DESCRIPTOR 30000h, 0ffffh, 0f3h, 0    ; 90
    times PRISTINE + 1000h - 20000h - ($ - $$) db 0

%assign vector 0
%rep 64
    dw (stubs - $$ + 20000h + vector * 16) & 0ffffh, 8
%if vector == 3 || vector == 4 || vector >= 30h
    dw 0ee00h
%else
    dw 8e00h
%endif
    dw (stubs - $$ + 20000h) >> 16
%assign vector vector + 1
%endrep
    times PRISTINE + 2000h - 20000h - ($ - $$) db 0

    dd 0, STACK0, 10h, STACK1, 49h, STACK2, 5ah ; the task in force
    times 17 dd 0
    dd 0
    dw 0, 88h                   ; I/O map behind the redirection map
    times 400h - ($ - $$) % 400h db 0
    dd 0, STACK0, 10h, STACK1, 49h, STACK2, 5ah, 0 ; selector 28h
    dd tasks - $$ + 20000h, 2, 1, 2, 3, 4, STACK_TASK, 5, 6, 7
    dd 10h, 8, 10h, 10h, 10h, 10h, 0
    dw 0, 68h
    times 400h - ($ - $$) % 400h db 0
    dw 0, 3f80h, 80h, 0, 0, 0, 0             ; selector 30h: 16-bit
    dw tasks - $$ + 16, 2, 1, 2, 3, 4, 3b80h, 5, 6, 7
    dw 10h, 18h, 80h, 10h, 0
    times PRISTINE + 3000h - 20000h - ($ - $$) db 0

    dw 30cdh                    ; where offset 4000h of base 20000h leads
    times (LDT & 0fffh) - 2 db 0
    DESCRIPTOR 0, 0fffffh, 0fbh, 0ch      ; 07 flat, ring 3
    DESCRIPTOR 0, 0fffffh, 0f3h, 0ch      ; 0f
    DESCRIPTOR 0, 0fffffh, 9bh, 0ch       ; 14 flat, ring 0
    DESCRIPTOR 0, 0fffffh, 93h, 0ch       ; 1c
    times PRISTINE + 4000h - 20000h - ($ - $$) db 0

    dd TABLE + 7                ; linear = physical, all rights
    times 1023 dd 0
%assign page 0
%rep 1024
    dd page * 1000h + 7
%assign page page + 1
%endrep
    dq PAE_DIR + 1
    times 511 dq 0
    dq PAE_TABLE + 7
    times 511 dq 0
%assign page 0
%rep 512
    dq page * 1000h + 7
%assign page page + 1
%endrep
