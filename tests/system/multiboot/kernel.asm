; A Multiboot kernel that says on the serial port what it was given, and ends through
; isa-debug-exit. Assembled twice: as an ELF file, and with -DKLUDGE as a flat file whose header
; has the load addresses.
; Source: Multiboot Specification 0.6.96, "Boot information format".

        bits 32

LOAD    equ 0x100000
MAGIC   equ 0x1badb002
SERIAL  equ 0x3f8
EXIT    equ 0xf4

%ifdef KLUDGE
        org LOAD
FLAGS   equ 0x00010003          ; modules on pages, memory information, addresses below
%else
        section .text
        global start
FLAGS   equ 0x00000003
%endif

image:
        dd MAGIC, FLAGS, -(MAGIC + FLAGS) & 0xffffffff
%ifdef KLUDGE
        dd image, image, image_end, bss_end, start
%endif

start:
        mov esp, stack_top
        cmp eax, 0x2badb002
        jne bad_magic
        mov ebp, ebx            ; the information structure
        mov al, 3               ; 8 bits, no parity: a UART starts with 5
        mov edx, SERIAL + 3
        out dx, al
        mov eax, [bss_word]     ; must have been cleared
        call put_named_hex
        db "bss ", 0
        mov eax, [ebp]
        call put_named_hex
        db "flags ", 0
        mov eax, [ebp + 4]
        call put_named_hex
        db "lower ", 0
        mov eax, [ebp + 8]
        call put_named_hex
        db "upper ", 0
        mov esi, [ebp + 16]
        call put_named_text
        db "command line ", 0
        mov esi, [ebp + 64]
        call put_named_text
        db "loader ", 0
        call show_modules
        call show_map
        mov al, 0x2a
        out EXIT, al
        hlt

bad_magic:
        mov al, 1
        out EXIT, al
        hlt

; Start, length, arguments and contents (a text) of every module.
show_modules:
        mov ecx, [ebp + 20]
        mov ebx, [ebp + 24]
.next:  jecxz .done
        mov eax, [ebx]
        and eax, 0xfff
        call put_named_hex
        db "module offset in page ", 0
        mov eax, [ebx + 4]
        sub eax, [ebx]
        call put_named_hex
        db "module size ", 0
        mov esi, [ebx + 8]
        call put_named_text
        db "module arguments ", 0
        mov edx, [ebx + 4]
        mov edi, [ebx]
        push ecx
        mov ecx, edx
        sub ecx, edi
        mov esi, edi
.byte:  jecxz .end
        lodsb
        call put_char
        dec ecx
        jmp .byte
.end:   pop ecx
        mov al, 10
        call put_char
        add ebx, 16
        dec ecx
        jmp .next
.done:  ret

; Base, length and type of every range of memory.
show_map:
        mov ecx, [ebp + 44]
        mov ebx, [ebp + 48]
        add ecx, ebx
.next:  cmp ebx, ecx
        jae .done
        mov eax, [ebx + 4]
        call put_named_hex
        db "map base ", 0
        mov eax, [ebx + 12]
        call put_named_hex
        db "map length ", 0
        mov eax, [ebx + 20]
        call put_named_hex
        db "map type ", 0
        add ebx, [ebx]
        add ebx, 4
        jmp .next
.done:  ret

; The name follows the call; then the text at ESI, and a new line.
put_named_text:
        xchg esi, [esp]         ; ESI: name; the text waits on the stack
        call put_text
        xchg esi, [esp]         ; back: the text in ESI, the return address behind the name
        call put_text
        mov al, 10
        jmp put_char

; The name follows the call; then EAX in hexadecimal, and a new line.
put_named_hex:
        xchg esi, [esp]
        push eax
        call put_text
        pop eax
        xchg esi, [esp]
        push ecx
        mov ecx, 8
.digit: rol eax, 4
        push eax
        and al, 15
        cmp al, 10
        sbb al, 0x69
        das
        call put_char
        pop eax
        loop .digit
        pop ecx
        mov al, 10
        call put_char
        ret

; Text at ESI up to a zero; ESI ends behind it.
put_text:
.next:  lodsb
        test al, al
        jz .done
        call put_char
        jmp .next
.done:  ret

; AL to the serial port.
put_char:
        push edx
        push eax
        mov edx, SERIAL + 5
.wait:  in al, dx
        test al, 0x20
        jz .wait
        pop eax
        mov edx, SERIAL
        out dx, al
        pop edx
        ret

%ifdef KLUDGE
image_end:
        absolute $
%else
        section .bss
%endif
bss_word:
        resd 1
        resb 4096
stack_top:
bss_end:
