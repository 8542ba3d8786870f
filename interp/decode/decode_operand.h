/*
 * Operand kinds of the encodings_*.def tables: what an operand letter means for the decoder.
 * Letters are the SDM's (vol. 2, appendix "Opcode Map": codes for addressing method and operand
 * type); where the decoder needs a distinction that the SDM leaves to the text, a letter is added:
 *
 *   sIb        byte immediate, sign-extended to the operand size (the SDM writes Ib)
 *   uIb        byte immediate that is a count, port, vector, selector of lanes: zero-extended
 *   eAX        AX or EAX by operand size; AX is the 16-bit register always
 *   RvMw       a register of operand size, or a word in memory (MOV from segment register, SLDT)
 *   Zb Zv      register in the opcode's low three bits
 *   Rd         the general register of MOV to and from CR and DR, which ignores mod
 *   ONE        the 1 of the short shift encodings: decoded as an immediate
 *   ST STi     top of the x87 stack; register named by ModRM.rm
 *   _          no operand
 *
 *   OPERAND_KIND(name, place, size)
 *     place   where the operand comes from (enum operand_place)
 *     size    S8, S16, S32: fixed; SV: operand size; SN: says nothing about insn.width
 */
#ifndef INTERP_DECODE_DECODE_OPERAND_H
#define INTERP_DECODE_DECODE_OPERAND_H

enum operand_place {
    PLACE_NONE,      /* absent, or implied by the operation */
    PLACE_REG,       /* ModRM.reg */
    PLACE_RM,        /* ModRM.rm, or memory */
    PLACE_RM_REG,    /* ModRM.rm, a register: #UD for memory */
    PLACE_RM_FORCED, /* ModRM.rm, a register whatever mod says */
    PLACE_MEM,       /* memory that ModRM addresses: #UD for a register */
    PLACE_MOFFS,     /* memory at an address in the instruction */
    PLACE_OPCODE,    /* register in the opcode */
    PLACE_ACC,       /* AL, AX or EAX */
    PLACE_SEG,       /* a segment register that the opcode implies */
    PLACE_STRING,    /* memory at (E)SI or (E)DI */
    PLACE_IMM_S8,    /* immediates */
    PLACE_IMM_U8,
    PLACE_IMM_U16,
    PLACE_IMM_Z,   /* 16 or 32 bits */
    PLACE_IMM_FAR, /* offset of operand size, then selector */
    PLACE_IMM_ONE,
};

enum operand_size { S8, S16, S32, SV, SN };

// clang-format off
#define OPERAND_KINDS(OPERAND_KIND)          \
    OPERAND_KIND(_,     NONE,    SN)         \
    /* general registers and memory */       \
    OPERAND_KIND(Eb,    RM,      S8)         \
    OPERAND_KIND(Ew,    RM,      S16)        \
    OPERAND_KIND(Ed,    RM,      S32)        \
    OPERAND_KIND(Ev,    RM,      SV)         \
    OPERAND_KIND(RvMw,  RM,      SV)         \
    OPERAND_KIND(Gb,    REG,     S8)         \
    OPERAND_KIND(Gw,    REG,     S16)        \
    OPERAND_KIND(Gd,    REG,     S32)        \
    OPERAND_KIND(Gv,    REG,     SV)         \
    OPERAND_KIND(Rd,    RM_FORCED, S32)      \
    OPERAND_KIND(Zb,    OPCODE,  S8)         \
    OPERAND_KIND(Zv,    OPCODE,  SV)         \
    OPERAND_KIND(AL,    ACC,     S8)         \
    OPERAND_KIND(AX,    ACC,     S16)        \
    OPERAND_KIND(eAX,   ACC,     SV)         \
    OPERAND_KIND(CL,    NONE,    SN)         \
    OPERAND_KIND(DX,    NONE,    SN)         \
    OPERAND_KIND(Sw,    REG,     S16)        \
    OPERAND_KIND(Cd,    REG,     S32)        \
    OPERAND_KIND(Dd,    REG,     S32)        \
    OPERAND_KIND(ES,    SEG,     SN)         \
    OPERAND_KIND(CS,    SEG,     SN)         \
    OPERAND_KIND(SS,    SEG,     SN)         \
    OPERAND_KIND(DS,    SEG,     SN)         \
    OPERAND_KIND(FS,    SEG,     SN)         \
    OPERAND_KIND(GS,    SEG,     SN)         \
    /* memory only */                        \
    OPERAND_KIND(M,     MEM,     SN)         \
    OPERAND_KIND(Mb,    MEM,     SN)         \
    OPERAND_KIND(Mw,    MEM,     SN)         \
    OPERAND_KIND(Md,    MEM,     SN)         \
    OPERAND_KIND(Mq,    MEM,     SN)         \
    OPERAND_KIND(Mdq,   MEM,     SN)         \
    OPERAND_KIND(Mps,   MEM,     SN)         \
    OPERAND_KIND(Mpd,   MEM,     SN)         \
    OPERAND_KIND(Mt,    MEM,     SN)         \
    OPERAND_KIND(Ma,    MEM,     SN)         \
    OPERAND_KIND(Mp,    MEM,     SN)         \
    OPERAND_KIND(Ms,    MEM,     SN)         \
    OPERAND_KIND(Ob,    MOFFS,   S8)         \
    OPERAND_KIND(Ov,    MOFFS,   SV)         \
    OPERAND_KIND(Xb,    STRING,  S8)         \
    OPERAND_KIND(Xv,    STRING,  SV)         \
    OPERAND_KIND(Yb,    STRING,  S8)         \
    OPERAND_KIND(Yv,    STRING,  SV)         \
    /* immediates and branch targets */      \
    OPERAND_KIND(Ib,    IMM_S8,  SN)         \
    OPERAND_KIND(sIb,   IMM_S8,  SN)         \
    OPERAND_KIND(uIb,   IMM_U8,  SN)         \
    OPERAND_KIND(Iw,    IMM_U16, SN)         \
    OPERAND_KIND(Iz,    IMM_Z,   SN)         \
    OPERAND_KIND(Iv,    IMM_Z,   SN)         \
    OPERAND_KIND(Jb,    IMM_S8,  SN)         \
    OPERAND_KIND(Jz,    IMM_Z,   SN)         \
    OPERAND_KIND(Ap,    IMM_FAR, SN)         \
    OPERAND_KIND(ONE,   IMM_ONE, SN)         \
    /* x87 */                                \
    OPERAND_KIND(ST,    NONE,    SN)         \
    OPERAND_KIND(STi,   RM_REG,  SN)         \
    /* MMX: P is reg, Q is rm or memory, N is rm */ \
    OPERAND_KIND(Pd,    REG,     SN)         \
    OPERAND_KIND(Pq,    REG,     SN)         \
    OPERAND_KIND(Ppi,   REG,     SN)         \
    OPERAND_KIND(Qd,    RM,      SN)         \
    OPERAND_KIND(Qq,    RM,      SN)         \
    OPERAND_KIND(Qpi,   RM,      SN)         \
    OPERAND_KIND(Nq,    RM_REG,  SN)         \
    /* SSE: V is reg, W is rm or memory, U is rm */ \
    OPERAND_KIND(Vd,    REG,     SN)         \
    OPERAND_KIND(Vq,    REG,     SN)         \
    OPERAND_KIND(Vdq,   REG,     SN)         \
    OPERAND_KIND(Vps,   REG,     SN)         \
    OPERAND_KIND(Vpd,   REG,     SN)         \
    OPERAND_KIND(Vss,   REG,     SN)         \
    OPERAND_KIND(Vsd,   REG,     SN)         \
    OPERAND_KIND(Wd,    RM,      SN)         \
    OPERAND_KIND(Wq,    RM,      SN)         \
    OPERAND_KIND(Wdq,   RM,      SN)         \
    OPERAND_KIND(Wps,   RM,      SN)         \
    OPERAND_KIND(Wpd,   RM,      SN)         \
    OPERAND_KIND(Wss,   RM,      SN)         \
    OPERAND_KIND(Wsd,   RM,      SN)         \
    OPERAND_KIND(Uq,    RM_REG,  SN)         \
    OPERAND_KIND(Udq,   RM_REG,  SN)         \
    OPERAND_KIND(Ups,   RM_REG,  SN)         \
    OPERAND_KIND(Upd,   RM_REG,  SN)         \
    OPERAND_KIND(Gy,    REG,     S32)        \
    OPERAND_KIND(Ey,    RM,      S32)
// clang-format on

enum operand_kind {
#define OPERAND_KIND(name, place, size) OPERAND_##name,
    OPERAND_KINDS(OPERAND_KIND)
#undef OPERAND_KIND
        OPERAND_KIND_COUNT
};

#endif
