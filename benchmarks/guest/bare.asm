; Workloads without an operating system: a bootable floppy image. Each writes START (02h) to COM1,
; runs, writes STOP (03h) and the line "name checksum iterations". Before them the image says how
; many there are; behind them it stays in HLT.
;
; Memory: code at 7C00h, stacks below it, page directory at 10000h, page tables from 11000h.

COM1       equ 0x3f8
START      equ 2
STOP       equ 3
DIRECTORY  equ 0x10000
TABLE      equ 0x11000
SECTORS    equ 16
CODE32     equ 0x08
DATA32     equ 0x10
CODE16     equ 0x18
DATA16     equ 0x20
TASK       equ 0x28
V86_STACK  equ 0x6000

        org 0x7c00
        bits 16

boot:   jmp 0:.start
.start: xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7000
        cld
        mov ax, 0x0200 + SECTORS - 1    ; the rest of the image, behind the boot sector
        mov bx, 0x7e00
        mov cx, 2
        xor dh, dh                      ; DL is the drive
        int 0x13
        jc $
        jmp main16

; Write AL to COM1 when its transmitter is empty.
put16:  push dx
        push ax
        mov dx, COM1 + 5
.wait:  in al, dx
        test al, 0x20
        jz .wait
        pop ax
        mov dx, COM1
        out dx, al
        pop dx
        ret

; Write the string at SI.
print16:
        lodsb
        test al, al
        jz .end
        call put16
        jmp print16
.end:   ret

        times 510 - ($ - $$) db 0
        dw 0xaa55

; Write EAX as eight hexadecimal digits.
hex16:  mov cx, 8
.digit: rol eax, 4
        push eax
        and al, 15
        cmp al, 10
        sbb al, 0x69
        das
        or al, 0x20
        call put16
        pop eax
        loop .digit
        ret

; Write EAX in decimal.
decimal16:
        mov ebx, 10
        xor cx, cx
.divide:
        xor edx, edx
        div ebx
        push dx
        inc cx
        test eax, eax
        jnz .divide
.digit: pop ax
        add al, '0'
        call put16
        loop .digit
        ret

; Begin and end a measurement. result16: SI the name, EBX the checksum, EBP the iterations.
start16:
        mov al, START
        jmp put16
result16:
        mov al, STOP
        call put16
        call print16
        mov al, ' '
        call put16
        mov eax, ebx
        call hex16
        mov al, ' '
        call put16
        mov eax, ebp
        call decimal16
        mov al, 10
        jmp put16

count_line     db '8 workloads', 10, 0
name_real      db 'bare-real-mode', 0
name_int       db 'bare-real-int', 0
name_ports     db 'bare-port-io', 0
name_switch    db 'bare-mode-switch', 0
name_gate      db 'bare-int-gate', 0
name_interrupt db 'bare-interrupt', 0
name_page      db 'bare-page-edit', 0
name_v86       db 'bare-v86', 0

main16: mov dx, COM1 + 3                ; 8 data bits: after reset they are 5
        mov al, 3
        out dx, al
        mov si, count_line
        call print16
        call real_mode
        call real_int
        call port_io
        call mode_switch
        mov si, name_gate
        mov ecx, 1000000
        mov edi, int_gate
        call in_protected_mode
        mov si, name_interrupt
        mov ecx, 3000
        mov edi, interrupt
        call in_protected_mode
        mov si, name_page
        mov ecx, 1000000
        mov edi, page_edit
        call in_protected_mode
        mov si, name_v86
        mov ecx, 1000000
        mov edi, v86
        call in_protected_mode
.rest:  hlt
        jmp .rest

; A checksum in 16-bit registers and memory.
real_mode:
        call start16
        mov ebp, 6000
        xor bx, bx
        mov dx, 0x1234
.round: mov si, 0x7c00
        mov cx, 4096
.word:  add bx, [si]
        rol bx, 1
        xor dx, bx
        mov [0x5000], dx
        add si, 1
        loop .word
        dec bp
        jnz .round
        movzx ebx, bx
        movzx edx, dx
        add ebx, edx
        mov ebp, 6000
        mov si, name_real
        jmp result16

; INT and IRET through the interrupt vector table.
real_int:
        mov word [0x60 * 4], .handler
        mov word [0x60 * 4 + 2], 0
        call start16
        xor ebx, ebx
        mov ecx, 2000000
.next:  int 0x60
        dec ecx
        jnz .next
        mov ebp, 2000000
        mov si, name_int
        jmp result16
.handler:
        inc ebx
        iret

; The interrupt controller's mask is read and written.
port_io:
        call start16
        mov ecx, 1000000
.next:  in al, 0x21
        out 0x21, al
        dec ecx
        jnz .next
        xor ebx, ebx
        mov ebp, 1000000
        mov si, name_ports
        jmp result16

; Into protected mode and back, with a far jump each way.
mode_switch:
        cli
        lgdt [gdt_pointer]
        call start16
        mov ecx, 100000
        xor ebx, ebx
.next:  mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp CODE16:.protected
.protected:
        inc ebx
        mov eax, cr0
        and al, 0xfe
        mov cr0, eax
        jmp 0:.real
.real:  dec ecx
        jnz .next
        mov ebp, 100000
        mov si, name_switch
        jmp result16

; Run the 32-bit function EDI with ECX iterations between the two marks; EAX is its checksum.
in_protected_mode:
        cli
        mov [.name], si
        mov [.count], ecx
        call make_tables
        call start16
        lgdt [gdt_pointer]
        lidt [idt_pointer]
        mov [real_stack], esp
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp CODE32:.protected
        bits 32
.protected:
        mov ax, DATA32
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 0x6800
        mov byte [task_descriptor + 5], 0x89
        mov ax, TASK
        ltr ax
        mov ecx, [.count]
        call edi
        mov ebx, eax
        cli
        jmp CODE16:.leave
        bits 16
.leave: mov ax, DATA16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov eax, cr0
        and eax, 0x7ffffffe
        mov cr0, eax
        jmp 0:.real
.real:  xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, [real_stack]
        lidt [real_idt_pointer]
        mov si, [.name]
        mov ebp, [.count]
        jmp result16
.name   dw 0
.count  dd 0

; Page directory and one page table that map the first 4 MiB to themselves.
make_tables:
        push es
        push edi
        mov ax, DIRECTORY >> 4
        mov es, ax
        xor di, di
        xor eax, eax
        mov cx, 1024
        rep stosd
        mov dword [es:0], TABLE + 7
        mov eax, 7
        mov cx, 1024
.entry: stosd
        add eax, 0x1000
        loop .entry
        pop edi
        pop es
        ret

        bits 32

; INT through an interrupt gate without a change of privilege.
int_gate:
        xor eax, eax
.next:  int 0x40
        dec ecx
        jnz .next
        ret
gate_handler:
        inc eax
        iretd

; HLT until the timer's interrupt, one shot of the PIT each; interrupt 8 of the first controller.
interrupt:
        mov al, 0xfe                    ; the timer alone
        out 0x21, al
        xor edx, edx
.next:  mov al, 0x30                    ; counter 0, mode 0
        out 0x43, al
        mov al, 12                      ; 10 microseconds
        out 0x40, al
        xor al, al
        out 0x40, al
        mov ebx, edx
.wait:  sti
        hlt
        cli
        cmp ebx, edx
        je .wait
        dec ecx
        jnz .next
        mov eax, edx
        ret
timer_handler:
        push eax
        inc edx
        mov al, 0x20
        out 0x20, al
        pop eax
        iretd

; Change a page table entry, invalidate the page, and use it.
page_edit:
        mov eax, DIRECTORY
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        xor edx, edx
        mov dword [0x200000], 3
        mov dword [0x201000], 5
.next:  mov eax, ecx
        and eax, 1
        shl eax, 12
        add eax, 0x200007
        mov [TABLE + 0x300 * 4], eax
        invlpg [0x300000]
        add edx, [0x300000]
        dec ecx
        jnz .next
        mov eax, edx
        ret

; A virtual-8086 task that calls its monitor with INT 41h.
v86:    mov [monitor_stack], esp
        mov [v86_count], ecx
        mov [task + 4], esp
        sub dword [task + 4], 16
        push dword 0                    ; GS, FS, DS, ES
        push dword 0
        push dword 0
        push dword 0
        push dword 0                    ; SS:ESP
        push dword V86_STACK
        push dword 0x23002              ; VM, IOPL 3
        push dword 0                    ; CS:EIP
        push dword .code
        iretd
        bits 16
.code:  xor ax, ax
.next:  add ax, 3
        int 0x41
        jmp .next
        bits 32
v86_handler:
        push eax
        mov ax, DATA32                  ; entry from V86 mode leaves null selectors
        mov ds, ax
        pop eax
        dec dword [v86_count]
        jz .end
        iretd
.end:   movzx ebx, ax
        mov ax, DATA32
        mov es, ax
        mov esp, [monitor_stack]
        mov eax, ebx
        ret

        align 8
real_stack    dd 0
monitor_stack dd 0
v86_count     dd 0

gdt:    dq 0
        dq 0x00cf9a000000ffff
        dq 0x00cf92000000ffff
        dq 0x00009a000000ffff
        dq 0x000092000000ffff
task_descriptor:
        dw 103, task, 0x8900, 0
gdt_end:
gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt

idt:    times 8 dq 0
        dw timer_handler, CODE32, 0x8e00, 0
        times 0x40 - 9 dq 0
        dw gate_handler, CODE32, 0x8e00, 0
        dw v86_handler, CODE32, 0xee00, 0
idt_end:
idt_pointer:
        dw idt_end - idt - 1
        dd idt
real_idt_pointer:
        dw 0x3ff
        dd 0

task:   dd 0, 0x6700, DATA32
        times 22 dd 0
        dw 0, 104

        times SECTORS * 512 - ($ - $$) db 0
