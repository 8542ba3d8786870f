/* Names that a machine configuration may use; see catalogue.h. */
#include "hw/machine/catalogue.h"

#include "interp/cpu/cpuid.h"
#include "translator/run.h"

void catalogue_list_cpu_models(FILE *out) {
    cpu_model_list(out);
}

bool catalogue_check_cpu_model(const char *text, struct error *error) {
    const struct cpu_model *model;
    uint64_t features;
    return cpu_model_parse(text, &model, &features, error);
}

enum machine_engine catalogue_default_engine(void) {
    return translator_is_native() ? ENGINE_BT : ENGINE_INTERP;
}
