/* CPUID leaves; SDM vol. 2, "CPUID-CPU Identification". There is no hypervisor leaf. */
#include "interp/cpu/cpuid.h"
#include "softmmu/base/bits.h"

#include <string.h>

#define EXTENDED_FIRST    0x80000000u
#define EXTENDED_LAST     0x80000004u
#define EXTENDED_NX       (1u << 20)
#define CLFLUSH_LINE      (8u << 8) /* in units of 8 bytes */
#define APIC_BASE_ENABLED UINT64_C(0x800)

uint32_t cpuid_signature(const struct cpu *cpu) {
    return cpu->model->signature;
}

static uint32_t feature_bits(const struct cpu *cpu) {
    static const int8_t bits[FEATURE_COUNT] = {
#define X(name, text, bit) bit,
        CPU_FEATURES(X)
#undef X
    };
    uint32_t mask = 0;
    for (unsigned f = 0; f < FEATURE_COUNT; f++) {
        if (bits[f] >= 0 && cpu_has(cpu, (enum cpu_feature)f))
            mask |= 1u << bits[f];
    }
    bool hides_apic = cpu->bus.apic_base != NULL && cpu_has(cpu, FEATURE_P6) &&
                      !(cpu->bus.apic_base(cpu->bus.opaque) & APIC_BASE_ENABLED);
    return hides_apic ? mask & ~(1u << 9) : mask;
}

static struct cpuid_result read_basic(const struct cpu *cpu, uint32_t leaf) {
    const struct cpu_model *model = cpu->model;
    if (leaf == 0)
        return (struct cpuid_result){.eax = model->max_leaf,
                                     .ebx = load_le32(model->vendor),
                                     .edx = load_le32(model->vendor + 4),
                                     .ecx = load_le32(model->vendor + 8)};
    if (leaf == 1)
        return (struct cpuid_result){.eax = model->signature,
                                     .ebx = cpu_has(cpu, FEATURE_CLFSH) ? CLFLUSH_LINE : 0,
                                     .edx = feature_bits(cpu)};
    return (struct cpuid_result){model->cache_leaf[0], model->cache_leaf[1], model->cache_leaf[2],
                                 model->cache_leaf[3]};
}

static struct cpuid_result read_brand(const struct cpu_model *model, unsigned part) {
    char text[48] = {0};
    strncpy(text, model->brand, sizeof text - 1);
    const char *at = text + part * 16;
    return (struct cpuid_result){load_le32(at), load_le32(at + 4), load_le32(at + 8),
                                 load_le32(at + 12)};
}

struct cpuid_result cpuid_read(const struct cpu *cpu, uint32_t leaf) {
    const struct cpu_model *model = cpu->model;
    bool is_extended = model->brand != NULL && leaf >= EXTENDED_FIRST && leaf <= EXTENDED_LAST;
    if (!is_extended)
        return read_basic(cpu, leaf <= model->max_leaf ? leaf : model->max_leaf);
    if (leaf == EXTENDED_FIRST)
        return (struct cpuid_result){.eax = EXTENDED_LAST};
    if (leaf == EXTENDED_FIRST + 1)
        return (struct cpuid_result){.edx = cpu_has(cpu, FEATURE_NX) ? EXTENDED_NX : 0};
    return read_brand(model, leaf - EXTENDED_FIRST - 2);
}
