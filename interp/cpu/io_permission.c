/* The right to use a port: IOPL, else the I/O permission bitmap of a 32-bit TSS (SDM vol. 1,
   "I/O Permission Bit Map"). */
#include "interp/cpu/task.h"

void cpu_check_io_permission(struct cpu *cpu, uint16_t port, unsigned size) {
    bool needs_bitmap = cpu->is_v86 || (cpu->is_protected && cpu->cpl > cpu_iopl(cpu));
    if (!needs_bitmap)
        return;
    uint32_t map = task_io_map_base(cpu);
    /* The CPU always reads two bytes, so the byte behind the port's own must be inside, too. */
    uint32_t offset = map + port / 8u;
    if (map == 0 || offset + 1 > cpu->tr.limit)
        cpu_raise_error(cpu, VECTOR_GP, 0);
    uint32_t bits = cpu_system_load(cpu, cpu->tr.base + offset, 2) >> (port & 7);
    if (bits & ((1u << size) - 1))
        cpu_raise_error(cpu, VECTOR_GP, 0);
}
