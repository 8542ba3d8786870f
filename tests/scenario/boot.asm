; Runs scenarios on a whole PC: a boot sector, then the driver that it loads to 8000h.
;
; The disk: this file, the fixed part (supervisor.bin), then one slot for each scenario, all in whole
; sectors; second_opinion.py fills in the numbers at `disk`. Everything is copied above 1 MiB first.
; A scenario begins with memory as our own board has it. What happens goes out as text while it
; happens, since a triple fault ends the machine, to port E9h and to the printer port:
;   "B n"  scenario n begins       "E n"  it ended behind its last step
;   "T n"  step n begins           "R " and hex digits: a record of the log
;   "DONE" no scenario is left

BUFFER      equ 10000h
STORE       equ 100000h         ; the fixed part, then the slots
FIXED_BYTES equ 29000h
SLOT_BYTES  equ 4200h           ; 200h of variables, 4000h of code
BASE        equ 20000h
VARIABLES   equ 3c000h
CODE        equ 34000h
LOG         equ 55000h

bits 16
org 7c00h
boot:
    cli
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 7c00h
    mov [drive], dl
    mov si, packet
    mov ah, 42h
    int 13h
    jc .failed
    jmp 0:driver
.failed:
    mov al, '!'
    out 0e9h, al
    hlt
packet:
    db 16, 0
    dw 7
    dw 8000h, 0
    dq 1
drive: db 0
    times 510 - ($ - $$) db 0
    dw 0aa55h

section driver vstart=8000h align=1
disk:                           ; filled in
.first_sector: dd 8
.sectors:      dd 0
.scenarios:    dd 0
.start:        dd 0             ; first step of the first scenario to run
index:         dd 0             ; scenario to run, filled in with the first one

driver:
    mov dword [target], STORE
.load:
    mov eax, [disk.first_sector]
    mov [chunk.sector], eax
    mov ecx, [disk.sectors]
    test ecx, ecx
    jz next
    cmp ecx, 64
    jbe .last
    mov ecx, 64
.last:
    mov [chunk.count], cx
    sub [disk.sectors], ecx
    add [disk.first_sector], ecx
    shl ecx, 9
    push ecx
    mov dl, [drive]
    mov si, chunk
    mov ah, 42h
    int 13h
    jc boot.failed
    cli
    call big_segments
    pop ecx
    mov esi, BUFFER
    mov edi, [target]
    add [target], ecx
    shr ecx, 2
    cld
    a32 rep movsd
    jmp .load

chunk:
    db 16, 0
.count: dw 0
    dw 0, BUFFER / 16
.sector: dq 0
target: dd 0

; DS and ES with base 0 and all of memory.
big_segments:
    in al, 92h
    or al, 2
    and al, 0feh
    out 92h, al
    xor ax, ax
    mov ds, ax
    lgdt [gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    mov bx, 8
    mov ds, bx
    mov es, bx
    and al, 0feh
    mov cr0, eax
    xor ax, ax
    mov ds, ax
    mov es, ax
    ret

gdtr:
    dw 39
    dd gdt
gdt:
    dq 0
    dq 00cf93000000ffffh
    dq 00cf9b000000ffffh
    dq 00009b000000ffffh
    dq 000093000000ffffh

next:
    mov eax, [index]
    cmp eax, [disk.scenarios]
    jae finish
    mov al, 0ffh
    out 21h, al
    out 0a1h, al
    cld
    xor eax, eax
    xor edi, edi
    mov ecx, 400h / 4
    a32 rep stosd
    mov edi, BASE
    mov ecx, (68000h - BASE) / 4
    a32 rep stosd
    mov esi, STORE
    mov edi, BASE
    mov ecx, FIXED_BYTES / 4
    a32 rep movsd
    mov esi, SLOT_BYTES
    imul esi, [index]
    add esi, STORE + FIXED_BYTES
    mov edi, VARIABLES
    mov ecx, 200h / 4
    a32 rep movsd
    mov edi, CODE
    mov ecx, 4000h / 4
    a32 rep movsd
    mov edi, VARIABLES + 28
    mov dword [edi], ended
    mov dword [edi + 12], print
    mov eax, [disk.start]
    mov [edi + 8], eax
    mov dword [disk.start], 0
    mov si, begin_text
    call text
    mov eax, [index]
    call number
    call line
    mov word [4000h], 0
    jmp 2000h:0

bits 32
; The hook behind the last step: back to real mode.
ended:
    lgdt [gdtr]
    jmp 18h:.in_16_bits
bits 16
.in_16_bits:
    mov ax, 20h
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov eax, cr0
    and al, 0feh
    mov cr0, eax
    jmp 0:.in_real_mode
.in_real_mode:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 7c00h
    lidt [real_idtr]
    call big_segments
    mov si, end_text
    call text
    mov eax, [index]
    call number
    call line
    inc dword [index]
    jmp next
real_idtr:
    dw 3ffh
    dd 0

finish:
    mov si, done_text
    call text
    mov dx, 501h                ; QEMU's isa-debug-exit
    out dx, al
    mov dx, 8900h               ; Bochs
    mov si, shutdown_text
.shut_down:
    lodsb
    test al, al
    jz .stop
    out dx, al
    jmp .shut_down
.stop:
    hlt
    jmp .stop
done_text: db "DONE", 10, 0
begin_text: db "B ", 0
end_text: db "E ", 0
shutdown_text: db "Shutdown", 0

; Text in real mode.
text:
    lodsb
    test al, al
    jz .end
    call put
    jmp text
.end:
    ret
number:
    mov cx, 8
.digit:
    rol eax, 4
    push eax
    call hex_digit
    call put
    pop eax
    loop .digit
    ret
line:
    mov al, 10
put:
    %macro PUT 0                ; AL to both ports; the printer takes it at the strobe
    out 0e9h, al
    push dx
    push ax
    mov dx, 378h
    out dx, al
    mov dx, 37ah
    mov al, 0dh
    out dx, al
    mov al, 0ch
    out dx, al
    pop ax
    pop dx
    %endmacro
    PUT
    ret
hex_digit:
    and al, 15
    cmp al, 10
    sbb al, 69h
    das
    ret

bits 32
; supervisor.asm, PRINT.
print:
    pushfd
    pushad
    jc .step
    mov al, 'R'
    call put_32
    mov al, ' '
    call put_32
    lea esi, [edi - 128]
    mov ecx, 32
.word:
    lodsd
    call number_32
    loop .word
    jmp .end
.step:
    xchg eax, ebx
    mov al, 'T'
    call put_32
    mov al, ' '
    call put_32
    xchg eax, ebx
    call number_32
.end:
    mov al, 10
    call put_32
    popad
    popfd
    ret
number_32:
    push ecx
    mov ecx, 8
.digit:
    rol eax, 4
    push eax
    and al, 15
    cmp al, 10
    sbb al, 69h
    das
    call put_32
    pop eax
    loop .digit
    pop ecx
    ret
put_32:
    PUT
    ret
    times 7 * 512 - ($ - $$) db 0
