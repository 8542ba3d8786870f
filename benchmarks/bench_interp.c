/*
 * Speed of the interpreter on small loops, in millions of guest instructions per second. Each loop
 * runs for a fixed number of instructions, after a warm-up; the best of three rounds counts.
 *
 *     bench_interp [loop name]
 */
#include "softmmu/base/bits.h"
#include "tests/unit/interp/flat_machine.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct loop {
    const char *name;
    const char *code; /* 32-bit; runs forever; EBX = FLAT_DATA, ECX = 0 at the start */
    size_t size;
    uint64_t instructions;
};

#define LOOP(name, instructions, code)                                                             \
    { name, code, sizeof(code) - 1, instructions }

static const struct loop loops[] = {
    /* add eax,esi; xor edx,eax; lea esi,[esi+edx*4+1]; shr edx,3; sub eax,edx; and edx,ffh;
       inc ecx; cmp ecx,ebp; jne */
    LOOP("integer", 200000000,
         "\x01\xf0\x31\xc2\x8d\x74\x96\x01\xc1\xea\x03\x29\xd0\x81\xe2\xff\x00\x00\x00\x41\x39\xe9"
         "\x75\xe8\xeb\xe6"),
    /* dec ecx; jnz */
    LOOP("tight", 200000000, "\x49\x75\xfd\xeb\xfb"),
    /* mov eax,[ebx]; add eax,ecx; mov [ebx+4],eax; add [ebx+8],ecx; movzx edx,byte [ebx+ecx];
       inc ecx; and ecx,fffh; jmp */
    LOOP("memory", 200000000,
         "\x8b\x03\x01\xc8\x89\x43\x04\x01\x4b\x08\x0f\xb6\x14\x0b\x41\x81\xe1\xff\x0f\x00\x00\xeb"
         "\xe9"),
    /* L: call F; inc ecx; jmp L; F: push ebp; mov ebp,esp; mov eax,[ebp+4]; pop ebp; ret */
    LOOP("call", 200000000, "\xe8\x03\x00\x00\x00\x41\xeb\xf8\x55\x89\xe5\x8b\x45\x04\x5d\xc3"),
    /* Linear congruential generator, and branches on its bits. imul eax,eax,41c64e6dh;
       add eax,3039h; test eax,10000h; jz +1; inc ecx; test eax,20000h; jz +1; inc edx;
       test eax,40000h; jnz +1; inc esi; jmp */
    LOOP("branchy", 100000000,
         "\x69\xc0\x6d\x4e\xc6\x41\x05\x39\x30\x00\x00\xa9\x00\x00\x01\x00\x74\x01\x41\xa9\x00\x00"
         "\x02\x00\x74\x01\x42\xa9\x00\x00\x04\x00\x75\x01\x46\xeb\xdb"),
    /* mov edx,ecx; and edx,3; lea edx,[ebx+edx*4]; jmp [edx]: four targets, each inc ecx; jmp L */
    LOOP("indirect", 100000000,
         "\x89\xca\x83\xe2\x03\x8d\x14\x93\xff\x22\x90\x90\x90\x90\x90\x90\x41\xeb\xed\x90\x41\xeb"
         "\xe9\x90\x41\xeb\xe5\x90\x41\xeb\xe1"),
    /* mov esi,ebx; lea edi,[ebx+2000h]; mov ecx,400h; rep movsd; jmp */
    LOOP("string", 20000000,
         "\x89\xde\x8d\xbb\x00\x20\x00\x00\xb9\x00\x04\x00\x00\xf3\xa5\xeb\xef"),
    /* The loop rewrites the immediate of its own next instruction. L: inc ecx;
       mov [FLAT_CODE+8],ecx; mov eax,imm32; jmp L */
    LOOP("self_modifying", 2000000, "\x41\x89\x0d\x08\x00\x01\x00\xb8\x00\x00\x00\x00\xeb\xf2"),
};

/* CPU time: other processes of the host do not count. */
static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void prepare(struct flat_machine *machine, const struct loop *loop) {
    flat_machine_load(machine, loop->code, loop->size, true);
    machine->cpu.gpr[GPR_EBX] = FLAT_DATA;
    machine->cpu.gpr[GPR_ECX] = 0;
    for (uint32_t n = 0; n < 4; n++)
        store_le32(machine->ram + FLAT_DATA + n * 4, FLAT_CODE + 16 + n * 4);
}

static double measure(const struct loop *loop) {
    struct flat_machine *machine = flat_machine_create(UINT64_C(4) << 20);
    double best = 0;
    prepare(machine, loop);
    flat_machine_run(machine, loop->instructions / 10);
    for (unsigned round = 0; round < 3; round++) {
        double start = seconds();
        flat_machine_run(machine, loop->instructions);
        double mips = (double)loop->instructions / (seconds() - start) / 1e6;
        if (mips > best)
            best = mips;
    }
    flat_machine_destroy(machine);
    return best;
}

int main(int argc, char **argv) {
    for (size_t n = 0; n < ARRAY_SIZE(loops); n++) {
        if (argc < 2 || strcmp(argv[1], loops[n].name) == 0)
            printf("%-16s %8.1f million instructions/s\n", loops[n].name, measure(&loops[n]));
    }
    return 0;
}
