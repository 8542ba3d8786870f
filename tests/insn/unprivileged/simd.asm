; MMX, SSE and SSE2 instructions whose results are exact. A body finds a in XMM0, MM0 and [memory],
; b in XMM1 and MM1, and the low dword of b in EDX; XMM0, MM0, EAX, [memory], the arithmetic flags
; under the mask and the exception flags of MXCSR go into the checksum, for all pairs of values, four
; directions of rounding, and flushing to zero.
%define DRIVER pairs_of_vectors
%include "unprivileged.inc"
        BEGIN
%macro MMX 1-*                          ; the same operation on MMX and on SSE2 registers
%rep %0
%defstr operation %1
        CASE {operation, "-mm"}, 0, %1 mm0, mm1
        CASE {operation, "-xmm"}, 0, %1 xmm0, xmm1
%rotate 1
%endrep
%endmacro
        MMX paddb, paddw, paddd, paddq, paddsb, paddsw, paddusb, paddusw
        MMX psubb, psubw, psubd, psubq, psubsb, psubsw, psubusb, psubusw
        MMX pmullw, pmulhw, pmulhuw, pmuludq, pmaddwd, psadbw, pavgb, pavgw
        MMX pand, pandn, por, pxor, pcmpeqb, pcmpeqw, pcmpeqd, pcmpgtb, pcmpgtw, pcmpgtd
        MMX pmaxub, pminub, pmaxsw, pminsw, packsswb, packssdw, packuswb
        MMX punpcklbw, punpcklwd, punpckldq, punpckhbw, punpckhwd, punpckhdq
        MMX psllw, pslld, psllq, psrlw, psrld, psrlq, psraw, psrad
        CASE "psllw-i", 0, psllw xmm0, 7
        CASE "psrad-i", 0, psrad mm0, 40
        CASE "pslldq", 0, pslldq xmm0, 5
        CASE "psrldq", 0, psrldq xmm0, 11
        CASE "pshufw", 0, pshufw mm0, mm1, 0x1b
        CASE "pshufd", 0, pshufd xmm0, xmm1, 0x72
        CASE "pshuflw", 0, pshuflw xmm0, xmm1, 0x8d
        CASE "pshufhw", 0, pshufhw xmm0, xmm1, 0x39
        CASE "pinsrw", 0, pinsrw xmm0, edx, 5
        CASE "pextrw", 0, pextrw eax, xmm0, 3
        CASE "pmovmskb-mm", 0, pmovmskb eax, mm0
        CASE "pmovmskb-xmm", 0, pmovmskb eax, xmm0
        CASE "punpcklqdq", 0, punpcklqdq xmm0, xmm1
        CASE "punpckhqdq", 0, punpckhqdq xmm0, xmm1
%macro SSE 1-*                          ; on two registers
%rep %0
%defstr operation %1
        CASE operation, 0, %1 xmm0, xmm1
%rotate 1
%endrep
%endmacro
        SSE addps, addss, addpd, addsd, subps, subss, subpd, subsd
        SSE mulps, mulss, mulpd, mulsd, divps, divss, divpd, divsd
        SSE minps, minss, minpd, minsd, maxps, maxss, maxpd, maxsd
        SSE sqrtps, sqrtss, sqrtpd, sqrtsd
        SSE andps, andnps, orps, xorps, andpd, andnpd, orpd, xorpd
        SSE unpcklps, unpckhps, unpcklpd, unpckhpd
        SSE cmpeqps, cmpltps, cmpleps, cmpunordps, cmpneqps, cmpnltps, cmpnleps, cmpordps
        SSE cmpeqsd, cmpltsd, cmplesd, cmpunordsd, cmpneqpd, cmpnltpd, cmpnlepd, cmpordpd
        SSE cvtdq2ps, cvtps2dq, cvttps2dq, cvtps2pd, cvtpd2ps, cvtss2sd, cvtsd2ss
        SSE cvtdq2pd, cvtpd2dq, cvttpd2dq
        SSE movss, movsd, movhlps, movlhps, movaps, movq
        CASE "shufps", 0, shufps xmm0, xmm1, 0x9c
        CASE "shufpd", 0, shufpd xmm0, xmm1, 1
        CASE "ucomiss", ALL, ucomiss xmm0, xmm1
        CASE "comiss", ALL, comiss xmm0, xmm1
        CASE "ucomisd", ALL, ucomisd xmm0, xmm1
        CASE "comisd", ALL, comisd xmm0, xmm1
        CASE "cvtsi2ss", 0, cvtsi2ss xmm0, edx
        CASE "cvtsi2sd", 0, cvtsi2sd xmm0, edx
        CASE "cvtss2si", 0, cvtss2si eax, xmm0
        CASE "cvttss2si", 0, cvttss2si eax, xmm0
        CASE "cvtsd2si", 0, cvtsd2si eax, xmm0
        CASE "cvttsd2si", 0, cvttsd2si eax, xmm0
        CASE "cvtpi2ps", 0, cvtpi2ps xmm0, mm1
        CASE "cvtps2pi", 0, cvtps2pi mm0, xmm1
        CASE "cvttps2pi", 0, cvttps2pi mm0, xmm1
        CASE "cvtpi2pd", 0, cvtpi2pd xmm0, mm1
        CASE "cvtpd2pi", 0, cvtpd2pi mm0, xmm1
        CASE "cvttpd2pi", 0, cvttpd2pi mm0, xmm1
        CASE "movmskps", 0, movmskps eax, xmm0
        CASE "movmskpd", 0, movmskpd eax, xmm0
        CASE "movd", 0, movd eax, xmm1
        CASE "movhps", 0, movhps [memory], xmm1
        CASE "movlps", 0, movlps xmm0, [memory + 8]
        CASE "movups", 0, movups xmm0, [memory + 1]
        CASE "addps-m", 0, addps xmm0, [memory]
        CASE "mulsd-m", 0, mulsd xmm1, [memory]
        CASE "movnti", 0, movnti [memory], edx
        CASE "movdq2q", 0, movdq2q mm0, xmm1
        CASE "movq2dq", 0, movq2dq xmm0, mm1
        CASE_AT "maskmovq", 0, masked_store
        FINISH

masked_store:
        mov edi, memory
        maskmovq mm0, mm1
        ret

pairs_of_vectors:
        fninit
        mov dword [control_index], 0
.control:
        mov dword [index_a], 0
.a:     mov dword [index_b], 0
.b:     mov eax, [index_a]
        shl eax, 4
        movaps xmm0, [vectors + eax]
        movaps [memory], xmm0
        movq mm0, [vectors + eax]
        mov ebx, [index_b]
        shl ebx, 4
        movaps xmm1, [vectors + ebx]
        movq mm1, [vectors + ebx]
        mov edx, [vectors + ebx]
        mov eax, [control_index]
        ldmxcsr [controls + eax * 4]
        xor eax, eax
        call [case_body]
        pushf
        push eax
        stmxcsr [control]
        ldmxcsr [controls]
        movaps [stored], xmm0
        movq [stored + 16], mm0
        emms
        call mix
        pop eax
        pop eax
        and eax, [case_mask]
        call mix
        mov eax, [control]
        and eax, 0x3f
        call mix
        MIX_DWORDS stored, 6
        MIX_DWORDS memory, 4
        mov dword [memory + 16], 0
        NEXT index_b, VECTORS, .b
        NEXT index_a, VECTORS, .a
        NEXT control_index, 5, .control
        ret
        SUPPORT
align 16
vectors: dd 0x00000000, 0x80000000, 0x3f800000, 0xbfc00000 ; 0, -0, 1, -1.5 as floats
        dd 0x7f800000, 0xff800000, 0x7fc00001, 0x7f800001  ; infinities, a quiet and a signalling NaN
        dd 0x00000001, 0x807fffff, 0x00800000, 0x7f7fffff  ; denormal, smallest and largest numbers
        dd 0x40490fdb, 0x4effffff, 0xcf000000, 0x4f000000  ; around the limits of 32-bit integers
        dd 0x00000000, 0x3ff80000, 0x54442d18, 0x400921fb  ; 1.5 and pi as doubles
        dd 0x00000000, 0x7ff00000, 0x00000001, 0x7ff00000  ; infinity and a signalling NaN
        dd 0x00000001, 0x00000000, 0xffffffff, 0x7fefffff  ; the smallest and the largest double
        dd 0x7fc00000, 0x41dfffff, 0x00200000, 0xc1e00000  ; around the limits again
        dd 0x7f80ff01, 0x80007fff, 0x00ff8001, 0xfffe0102  ; extremes of bytes and words
        dd 0x00000007, 0x00000000, 0x0000001f, 0x00000000  ; shift counts
VECTORS equ ($ - vectors) / 16
stored: times 8 dd 0
control_index: dd 0
index_a:  dd 0
index_b:  dd 0
control:  dd 0
controls: dd 0x1f80, 0x3f80, 0x5f80, 0x7f80, 0x9f80
