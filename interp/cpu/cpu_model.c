/*
 * The models behind -cpu, and the parser of that option.
 *
 * The signature of pentium4 is an Atom's (family 6, model 1Ch), not a NetBurst's. Linux decides by
 * vendor, family and model which CPUs speculate (arch/x86/kernel/cpu/common.c,
 * cpu_vuln_whitelist): Bonnell is listed with NO_SPECULATION and NO_ITLB_MULTIHIT, and is the only
 * listed part with SSE2 that every guest of the time knows how to drive. So guests neither isolate
 * page tables nor use retpolines. Stepping 10 because Linux takes PSE away from steppings up to 2.
 */
#include "interp/cpu/cpuid.h"

#include <string.h>

#define F(name) FEATURE_BIT(name)

#define FEATURES_386 (F(BASE) | F(FPU))
#define FEATURES_486 (FEATURES_386 | F(I486))
#define FEATURES_PENTIUM                                                                           \
    (FEATURES_486 | F(PENTIUM) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(MCE) | F(CX8) |     \
     F(APIC))
#define FEATURES_PENTIUM2                                                                          \
    (FEATURES_PENTIUM | F(P6) | F(PAE) | F(SEP) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) | F(PAT) |   \
     F(PSE36) | F(MMX) | F(FXSR))
#define FEATURES_PENTIUM3 (FEATURES_PENTIUM2 | F(SSE))
#define FEATURES_PENTIUM4 (FEATURES_PENTIUM3 | F(SSE2) | F(CLFSH) | F(NX))

static const struct cpu_model models[] = {
    {
        .name = "386",
        .description = "386DX with 387",
        .vendor = "GenuineIntel",
        .signature = 0x0308,
        .features = FEATURES_386,
    },
    {
        .name = "486",
        .description = "486DX without CPUID",
        .vendor = "GenuineIntel",
        .signature = 0x0404,
        .features = FEATURES_486,
    },
    {
        .name = "pentium",
        .description = "Pentium (P54C)",
        .vendor = "GenuineIntel",
        .signature = 0x052c,
        .max_leaf = 1,
        .features = FEATURES_PENTIUM,
    },
    {
        .name = "pentium2",
        .description = "Pentium II",
        .vendor = "GenuineIntel",
        .signature = 0x0652,
        .max_leaf = 2,
        .cache_leaf = {0x03020101, 0, 0, 0x0c040843},
        .microcode = 0x2a,
        .features = FEATURES_PENTIUM2,
    },
    {
        .name = "pentium3",
        .description = "Pentium III",
        .vendor = "GenuineIntel",
        .signature = 0x068a,
        .max_leaf = 2,
        .cache_leaf = {0x03020101, 0, 0, 0x0c040882},
        .microcode = 0x4,
        .features = FEATURES_PENTIUM3,
    },
    {
        .name = "pentium4",
        .description = "Pentium 4 class, in-order (default)",
        .vendor = "GenuineIntel",
        .brand = "Pentimento virtual CPU, Pentium 4 class",
        .signature = 0x000106ca,
        .max_leaf = 2,
        .cache_leaf = {0x665b5001, 0, 0, 0x007b7000},
        .microcode = 0x107,
        .features = FEATURES_PENTIUM4,
    },
};
#define MODEL_COUNT (sizeof models / sizeof models[0])

static const char *const feature_names[FEATURE_COUNT] = {
#define X(name, text, bit) text,
    CPU_FEATURES(X)
#undef X
};

/* What a feature is built on. */
static const struct {
    uint64_t feature, needs;
} dependencies[] = {
    {F(PENTIUM), F(I486)}, {F(P6), F(PENTIUM)}, {F(NX), F(PAE)},   {F(SSE), F(FXSR)},
    {F(SSE2), F(SSE)},     {F(MMX), F(FPU)},    {F(FXSR), F(FPU)}, {F(PSE36), F(PSE)},
};
#define DEPENDENCY_COUNT (sizeof dependencies / sizeof dependencies[0])

const struct cpu_model *cpu_model_default(void) {
    return &models[MODEL_COUNT - 1];
}

const struct cpu_model *cpu_model_find(const char *name) {
    for (unsigned n = 0; n < MODEL_COUNT; n++) {
        if (strcmp(models[n].name, name) == 0)
            return &models[n];
    }
    return NULL;
}

/* Edit distance of two short words, for "did you mean". */
static unsigned distance(const char *a, const char *b) {
    unsigned row[32];
    unsigned width = (unsigned)strnlen(b, 31);
    for (unsigned j = 0; j <= width; j++)
        row[j] = j;
    for (unsigned i = 0; a[i] != '\0' && i < 31; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (unsigned j = 0; j < width; j++) {
            unsigned best = diagonal + (a[i] != b[j]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j + 1] + 1 < best)
                best = row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[width];
}

struct nearest {
    const char *word;
    unsigned distance;
};

static void consider(struct nearest *nearest, const char *word, const char *candidate) {
    unsigned d = distance(word, candidate);
    if (nearest->word == NULL || d < nearest->distance)
        *nearest = (struct nearest){candidate, d};
}

static bool refuse(struct error *error, const char *kind, const char *word,
                   const struct nearest *nearest) {
    /* One slip in short words, two in longer ones; more would be guessing. */
    if (nearest->distance > 1 + strlen(nearest->word) / 4 || word[0] == '\0')
        return error_set(error, "-cpu: unknown %s '%s'; -cpu help lists them", kind, word);
    return error_set(error, "-cpu: unknown %s '%s', did you mean '%s'?", kind, word, nearest->word);
}

static bool find_feature(const char *word, unsigned *feature, struct error *error) {
    struct nearest nearest = {NULL, 0};
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++) {
        if (strcmp(feature_names[f], word) == 0) {
            *feature = f;
            return true;
        }
        consider(&nearest, word, feature_names[f]);
    }
    return refuse(error, "feature", word, &nearest);
}

static uint64_t add_feature(uint64_t features, unsigned feature) {
    features |= UINT64_C(1) << feature;
    for (unsigned pass = 0; pass < DEPENDENCY_COUNT; pass++) {
        for (unsigned n = 0; n < DEPENDENCY_COUNT; n++)
            features |= (features & dependencies[n].feature) ? dependencies[n].needs : 0;
    }
    return features;
}

static uint64_t remove_feature(uint64_t features, unsigned feature) {
    features &= ~(UINT64_C(1) << feature);
    for (unsigned pass = 0; pass < DEPENDENCY_COUNT; pass++) {
        for (unsigned n = 0; n < DEPENDENCY_COUNT; n++)
            features &=
                (features & dependencies[n].needs) ? ~UINT64_C(0) : ~dependencies[n].feature;
    }
    return features;
}

bool cpu_model_parse(const char *text, const struct cpu_model **model, uint64_t *features,
                     struct error *error) {
    char copy[256];
    if (strlen(text) >= sizeof copy)
        return error_set(error, "-cpu: '%.32s...' is too long", text);
    strcpy(copy, text);
    char *rest = copy;
    const char *name = strsep(&rest, ",");
    *model = cpu_model_find(name);
    if (*model == NULL) {
        struct nearest nearest = {NULL, 0};
        for (unsigned n = 0; n < MODEL_COUNT; n++)
            consider(&nearest, name, models[n].name);
        return refuse(error, "model", name, &nearest);
    }
    *features = (*model)->features;
    while (rest != NULL) {
        const char *word = strsep(&rest, ",");
        unsigned feature = 0;
        if (word[0] != '+' && word[0] != '-')
            return error_set(error, "-cpu: '%s' must begin with + or -", word);
        if (!find_feature(word + 1, &feature, error))
            return false;
        *features =
            word[0] == '+' ? add_feature(*features, feature) : remove_feature(*features, feature);
    }
    return true;
}

void cpu_model_list(FILE *out) {
    for (unsigned n = 0; n < MODEL_COUNT; n++) {
        fprintf(out, "%-9s %s\n         ", models[n].name, models[n].description);
        for (unsigned f = FEATURE_FPU; f < FEATURE_COUNT; f++) {
            if (models[n].features >> f & 1)
                fprintf(out, " %s", feature_names[f]);
        }
        fputc('\n', out);
    }
}
