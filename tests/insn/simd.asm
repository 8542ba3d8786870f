; MMX, SSE and SSE2: exceptions of state and alignment, #XM, MXCSR, FXSAVE and FXRSTOR.
%include "common.inc"
AREA equ 0x100000
start:
        PROTECTED
        ; OSFXSR is clear: SSE is #UD, MMX is not.
        EXPECT VECTOR_UD, 0, addps xmm0, xmm1
        EXPECT VECTOR_UD, 0, movdqa xmm0, [AREA]
        EXPECT VECTOR_UD, 0, ldmxcsr [mxcsr_default]
        paddb mm0, mm1
        emms
        mov eax, cr4
        or eax, 0x200
        mov cr4, eax
        addps xmm0, xmm1
        ; Alignment.
        EXPECT VECTOR_GP, 0, movaps xmm0, [AREA + 8]
        EXPECT VECTOR_GP, 0, movaps [AREA + 4], xmm0
        EXPECT VECTOR_GP, 0, paddb xmm0, [AREA + 1]
        EXPECT VECTOR_GP, 0, movntdq [AREA + 1], xmm0
        movups xmm0, [AREA + 1]
        ; Reserved bits of MXCSR.
        EXPECT VECTOR_GP, 0, ldmxcsr [mxcsr_reserved]
        ldmxcsr [mxcsr_default]
        ; An unmasked SIMD exception is #UD without OSXMMEXCPT, #XM with it.
        pxor xmm1, xmm1
        movaps xmm0, [ones]
        ldmxcsr [mxcsr_zero_divide]
        EXPECT VECTOR_UD, 0, divps xmm0, xmm1
        mov eax, cr4
        or eax, 0x400
        mov cr4, eax
        ldmxcsr [mxcsr_zero_divide]
        EXPECT VECTOR_XM, 0, divps xmm0, xmm1
        movd eax, xmm0
        CHECK_EQ eax, 0x3f800000        ; the destination is unchanged
        stmxcsr [AREA]
        CHECK_EQ dword [AREA], 0x1d84
        ldmxcsr [mxcsr_default]
        divps xmm0, xmm1
        movd eax, xmm0
        CHECK_EQ eax, 0x7f800000
        ; FXSAVE and FXRSTOR.
        EXPECT VECTOR_GP, 0, fxsave [AREA + 8]
        fninit
        fld1
        movaps xmm7, [ones]
        fxsave [AREA]
        CHECK_EQ word [AREA], 0x37f
        CHECK_EQ word [AREA + 2], 0x3800
        CHECK_EQ byte [AREA + 4], 0x80
        CHECK_EQ dword [AREA + 36], 0x80000000
        CHECK_EQ word [AREA + 40], 0x3fff
        CHECK_EQ dword [AREA + 160 + 7 * 16 + 12], 0x3f800000
        fninit
        pxor xmm7, xmm7
        fxrstor [AREA]
        movd eax, xmm7
        CHECK_EQ eax, 0x3f800000
        fnstsw ax
        CHECK_EQ ax, 0x3800
        or dword [AREA + 24], 0x10000
        EXPECT VECTOR_GP, 0, fxrstor [AREA]
        ; MMX sets TOP to 0 and all tags; a pending x87 exception stops it.
        movq mm3, [ones]
        fnstsw ax
        CHECK_EQ ax, 0
        fnstenv [AREA]
        emms
        fnstenv [AREA]
        CHECK_EQ word [AREA + 8], 0xffff
        mov eax, cr0
        or eax, 0x20
        mov cr0, eax
        fninit
        fldcw [control_open]
        fldz
        fld1
        fdivrp
        EXPECT VECTOR_MF, 0, paddb mm0, mm1
        addps xmm0, xmm0                ; SSE does not look
        fnclex
        emms
        ; TS and EM.
        mov eax, cr0
        or eax, 8
        mov cr0, eax
        EXPECT VECTOR_NM, 0, addps xmm0, xmm1
        EXPECT VECTOR_NM, 0, paddb mm0, mm1
        EXPECT VECTOR_NM, 0, fxsave [AREA]
        clts
        mov eax, cr0
        or eax, 4
        mov cr0, eax
        EXPECT VECTOR_UD, 0, addps xmm0, xmm1
        EXPECT VECTOR_UD, 0, paddb mm0, mm1
        PASS
align 16
ones:             dd 1.0, 1.0, 1.0, 1.0
mxcsr_default:    dd 0x1f80
mxcsr_reserved:   dd 0x11f80
mxcsr_zero_divide: dd 0x1d80
control_open:     dw 0x340
