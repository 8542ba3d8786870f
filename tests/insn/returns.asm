; Calls, returns and jumps by tables, often enough that engines predict them: nested, recursive deeper
; than any stack of predictions, left without a return, returning elsewhere, onto changed code.
%include "common.inc"
OTHER_STACK equ 0x180000
DEEP_STACK  equ 0x1f0000
start:
        ; Real mode: RET and RET n, from functions within functions.
        xor ax, ax
        mov cx, 500
.near:  push cx
        call .outer
        dec cx
        jnz .near
        cmp ax, 2000
        jmp .counted
.outer: inc ax
        push cx
        call .inner
        inc ax
        ret 2
.inner: add ax, 2
        ret 2
.counted:
        CHECK e
        CHECK_EQ sp, 0x7000
        PROTECTED
        mov esp, DEEP_STACK
        ; Recursion with two branches.
        mov eax, 15
        call fibonacci
        CHECK_EQ eax, 610
        ; 30,000 frames, three times.
        mov ebx, 3
.deep:  mov ecx, 30000
        xor eax, eax
        call descend
        CHECK_EQ eax, 30000
        dec ebx
        jnz .deep
        ; Frames that are left without a return.
        mov ecx, 1000
.jumps: mov ebp, esp
        mov edx, 3
        call leave_frames
.landed:
        loop .jumps
        CHECK_EQ esp, DEEP_STACK
        ; Two stacks that take turns, each behind its own calls.
        mov dword [OTHER_STACK - 4], other
        mov dword [stack_of_other], OTHER_STACK - 4
        xor esi, esi
        mov ecx, 1000
.turns: call take_turns
        loop .turns
        CHECK_EQ esi, 1000
        CHECK_EQ esp, DEEP_STACK
        ; Jumps that are returns.
        xor esi, esi
        mov ecx, 1000
.push:  push dword .pushed
        ret
.pushed:
        mov eax, .called
        call jump_by_return
        loop .push
        CHECK_EQ esi, 1000
        jmp .switch
.called:
        inc esi
        ret
        ; A switch, one of whose cases lies in another page.
.switch:
        mov byte [0x100000], 0xc3
        xor esi, esi
        mov ecx, 1000
.cases: push dword .next
        mov eax, ecx
        and eax, 3
        jmp [.table + eax * 4]
.one:   inc esi
        ret
.two:   add esi, 2
        ret
.three: add esi, 3
        ret
.next:  loop .cases
        CHECK_EQ esi, 1500
        ; A callee that changes what it returns to, now and then.
        xor eax, eax
        xor ebx, ebx
        mov ecx, 200
.smc:   call change_caller
.changed:
        add eax, 0
        loop .smc
        CHECK_EQ eax, ebx
        ; A callee that faults in its own callee, and goes on.
        mov ecx, 300
.fault: call fault_below
        loop .fault
        CHECK_EQ esp, DEEP_STACK
        PASS

align 4
.table: dd 0x100000, .one, .two, .three

fibonacci:
        cmp eax, 2
        jb .end
        push ebx
        push esi
        mov ebx, eax
        dec eax
        call fibonacci
        mov esi, eax
        lea eax, [ebx - 2]
        call fibonacci
        add eax, esi
        pop esi
        pop ebx
.end:   ret

descend:
        dec ecx
        jz .end
        call descend
.end:   inc eax
        ret

leave_frames:
        dec edx
        jz .leave
        call leave_frames
        ud2
.leave: mov esp, ebp
        jmp start.landed

; ESI counts the turns of the other stack.
take_turns:
        call .switch
        ret
.switch:
        xchg esp, [stack_of_other]
        ret

other:  call .nested
        jmp other
.nested:
        inc esi
        call take_turns.switch
        ret

jump_by_return:
        call .thunk
        ud2
.thunk: mov [esp], eax
        ret

; Writes ECX into the caller's ADD when it is a multiple of 16. EBX is the sum of what it adds.
change_caller:
        test cl, 15
        jnz .end
        mov [start.changed + 2], cl
.end:   movsx edx, byte [start.changed + 2]
        add ebx, edx
        ret

fault_below:
        call .below
        ret
.below: xor edx, edx
        xor edi, edi
        EXPECT 0, 0, {div edi}
        ret

stack_of_other: dd 0
