; Workloads without an operating system: a bootable floppy image. It says "@ready", waits in HLT for
; a line "number iterations" on COM1, writes START (02h), runs that workload of the table below,
; writes STOP (03h) and the line "name checksum iterations", and is ready again.
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
COM1_IRQ   equ 4
BUFFER     equ 0xa000

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
        in al, 0x92                     ; A20
        or al, 2
        out 0x92, al
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

ready_line     db '@ready', 10, 0
name_real      db 'bare-real-mode', 0
name_far       db 'bare-real-far', 0
name_int       db 'bare-real-int', 0
name_ports     db 'bare-port-io', 0
name_switch    db 'bare-mode-switch', 0
name_gate      db 'bare-int-gate', 0
name_interrupt db 'bare-interrupt', 0
name_spin      db 'bare-interrupt-spin', 0
name_page      db 'bare-page-edit', 0
name_v86       db 'bare-v86', 0
name_monitor   db 'bare-v86-monitor', 0

        align 4
; Name, function of ECX iterations, and whether it is 32-bit code. The runner reads this table: name,
; then the iterations that every engine does in its first run.
%macro workload 4
        dw %1, %2, %3
%endmacro
workloads:
        workload name_real,      real_mode,     0, 100
        workload name_far,       real_far,      0, 20000
        workload name_int,       real_int,      0, 40000
        workload name_ports,     port_io,       0, 20000
        workload name_switch,    mode_switch,   0, 2000
        workload name_gate,      int_gate,      1, 40000
        workload name_interrupt, interrupt,     1, 200
        workload name_spin,      spin,          1, 200
        workload name_page,      page_edit,     1, 20000
        workload name_v86,       v86,           1, 20000
        workload name_monitor,   v86_monitor,   1, 20000
WORKLOAD_COUNT equ ($ - workloads) / 6

iterations dd 0
name       dw 0

main16: mov dx, COM1 + 3                ; 8 data bits: after reset they are 5
        mov al, 3
        out dx, al
        dec dx                          ; FIFO: a whole line fits in
        mov al, 1
        out dx, al
        dec dx                          ; interrupt when a byte came
        out dx, al
        mov dx, COM1 + 4                ; OUT2 lets it through
        mov al, 0x0b
        out dx, al
        mov word [(8 + COM1_IRQ) * 4], byte_came
        mov word [(8 + COM1_IRQ) * 4 + 2], 0
.next:  mov si, ready_line
        call print16
        call read_number
        mov edi, eax
        call read_number
        cmp edi, WORKLOAD_COUNT
        jae .next
        imul di, di, 6
        add di, workloads
        mov [iterations], eax
        mov ax, [di]
        mov [name], ax
        mov ecx, [iterations]
        cmp word [di + 4], 0
        movzx edi, word [di + 2]
        jne .protected
        call start16
        call di
        jmp .result
.protected:
        call in_protected_mode
.result:
        mov si, [name]
        mov ebp, [iterations]
        call result16
        jmp .next

; The next byte from COM1 in AL. The CPU sleeps until it comes.
get16:  in al, 0x21
        and al, ~(1 << COM1_IRQ)
        out 0x21, al
        mov dx, COM1 + 5
.look:  cli
        in al, dx
        test al, 1
        jnz .came
        sti
        hlt
        jmp .look
.came:  sti
        mov dx, COM1
        in al, dx
        ret
byte_came:
        push ax
        mov al, 0x20
        out 0x20, al
        pop ax
        iret

; A decimal number from COM1, up to a byte that is no digit, in EAX.
read_number:
        xor ebx, ebx
.next:  call get16
        sub al, '0'
        cmp al, 10
        jae .end
        movzx eax, al
        imul ebx, ebx, 10
        add ebx, eax
        jmp .next
.end:   mov eax, ebx
        ret

; The 16-bit functions: ECX iterations, checksum in EBX.

; A checksum in 16-bit registers and memory.
real_mode:
        mov ebp, ecx
        mov di, BUFFER
        mov cx, 2049
        mov ax, 0x1234
.fill:  stosw
        imul ax, ax, 25173
        add ax, 13849
        loop .fill
        xor bx, bx
        mov dx, 0x1234
.round: mov si, BUFFER
        mov cx, 4096
.word:  add bx, [si]
        rol bx, 1
        xor dx, bx
        mov [0x5000], dx
        add si, 1
        loop .word
        dec ebp
        jnz .round
        movzx ebx, bx
        movzx edx, dx
        add ebx, edx
        ret

; What programs of several segments do: far calls, far pointers, segment registers kept on the stack.
real_far:
        xor ebx, ebx
        mov word [0x5000], 0x5100
        mov word [0x5002], 0
        mov word [0x5100], 3
.next:  push ds
        push es
        call 0:.function
        pop es
        pop ds
        dec ecx
        jnz .next
        ret
.function:
        les di, [0x5000]
        add bx, [es:di]
        mov ax, es
        mov ds, ax
        retf

; INT and IRET through the interrupt vector table.
real_int:
        mov word [0x60 * 4], .handler
        mov word [0x60 * 4 + 2], 0
        xor ebx, ebx
.next:  int 0x60
        dec ecx
        jnz .next
        ret
.handler:
        inc ebx
        iret

; The interrupt controller's mask is read and written.
port_io:
        in al, 0x21
        out 0x21, al
        dec ecx
        jnz port_io
        xor ebx, ebx
        ret

; Into protected mode and back, with a far jump each way.
mode_switch:
        cli
        lgdt [gdt_pointer]
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
        ret

; Run the 32-bit function EDI with ECX iterations behind the first mark; its checksum, EAX, in EBX.
in_protected_mode:
        cli
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
        mov ecx, [iterations]
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
        ret

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

; One shot of the PIT, 10 microseconds from now; EDX counts them.
shoot:  mov al, 0x30                    ; counter 0, mode 0
        out 0x43, al
        mov al, 12
        out 0x40, al
        xor al, al
        out 0x40, al
        ret

; HLT until the timer's interrupt: interrupt 8 of the first controller.
interrupt:
        mov al, 0xfe                    ; the timer alone
        out 0x21, al
        xor edx, edx
.next:  call shoot
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

; The same, while code runs that looks at nothing but memory.
spin:   mov al, 0xfe
        out 0x21, al
        mov dword [shots], 0
        xor edx, edx
        sti
.next:  mov ebx, [shots]
        call shoot
.wait:  cmp ebx, [shots]
        je .wait
        dec ecx
        jnz .next
        cli
        mov eax, [shots]
        ret
timer_handler:
        push eax
        inc edx
        inc dword [shots]
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
v86:    mov eax, .code
        mov edx, 0x23002                ; VM, IOPL 3
        jmp start_v86
        bits 16
.code:  xor ax, ax
.next:  add ax, 3
        int 0x41
        jmp .next
        bits 32

; One whose CLI and STI its monitor has to emulate, as for a DOS program.
v86_monitor:
        mov eax, .code
        mov edx, 0x20002                ; VM, IOPL 0
        jmp start_v86
        bits 16
.code:  xor ax, ax
.next:  add ax, 3
        cli
        add ax, 5
        sti
        jmp .next
        bits 32
protection_handler:
        push eax
        push ebx
        mov ax, DATA32
        mov ds, ax
        movzx eax, word [esp + 16]      ; CS:IP of the instruction
        shl eax, 4
        movzx ebx, word [esp + 12]
        mov al, [eax + ebx]
        inc word [esp + 12]             ; behind it
        and al, 1
        mov [virtual_if], al
        dec dword [v86_count]
        pop ebx
        pop eax
        lea esp, [esp + 4]              ; the error code
        jz v86_handler.end
        iretd

; Enter virtual-8086 mode at EAX with EFLAGS EDX; ECX calls of the monitor end it.
start_v86:
        mov [monitor_stack], esp
        mov [v86_count], ecx
        mov [task + 4], esp
        sub dword [task + 4], 16
        push dword 0                    ; GS, FS, DS, ES
        push dword 0
        push dword 0
        push dword 0
        push dword 0                    ; SS:ESP
        push dword V86_STACK
        push edx
        push dword 0                    ; CS:EIP
        push eax
        iretd
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
shots         dd 0
virtual_if    db 0

        align 8

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
        times 13 - 9 dq 0
        dw protection_handler, CODE32, 0x8e00, 0
        times 0x40 - 14 dq 0
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
