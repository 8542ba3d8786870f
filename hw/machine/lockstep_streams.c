/* Output of both machines is compared, the twin's goes nowhere; input reaches both. */
#include "hw/machine/lockstep.h"
#include "hw/machine/pc.h"

static void write_of(struct lockstep_stream *stream, unsigned who, const uint8_t *bytes,
                     size_t count) {
    stream->bytes[who] += count;
    for (size_t i = 0; i < count; i++)
        stream->hash[who] = state_hash_bytes(stream->hash[who], &bytes[i], 1);
}

static void reference_wrote(void *opaque, const uint8_t *bytes, size_t count) {
    struct lockstep_stream *stream = opaque;
    write_of(stream, 0, bytes, count);
    if (!*stream->is_silent)
        char_write(stream->outside, bytes, count);
}

static void twin_wrote(void *opaque, const uint8_t *bytes, size_t count) {
    write_of(opaque, 1, bytes, count);
}

static void reference_made_room(void *opaque) {
    struct lockstep_stream *stream = opaque;
    if (stream->outside->room_made != NULL)
        stream->outside->room_made(stream->outside->opaque);
}

static struct char_backend *wire(struct lockstep *lockstep, struct lockstep_stream *stream,
                                 struct char_backend *outside, const char *name) {
    stream->is_silent = &lockstep->is_narrowing;
    stream->outside = outside;
    stream->name = name;
    if (outside == NULL)
        return NULL;
    stream->reference = (struct char_backend){
        .write = reference_wrote, .room_made = reference_made_room, .opaque = stream};
    stream->twin = (struct char_backend){.write = twin_wrote, .opaque = stream};
    return &stream->reference;
}

void lockstep_wire_reference(struct lockstep *lockstep, struct machine_config *config) {
    static const char *const serial[] = {"serial 0", "serial 1", "serial 2", "serial 3"};
    struct lockstep_stream *stream = lockstep->stream;
    for (unsigned i = 0; i < MACHINE_SERIAL_PORTS; i++)
        config->serial[i] = wire(lockstep, stream++, config->serial[i], serial[i]);
    config->parallel = wire(lockstep, stream++, config->parallel, "parallel port");
    config->debugcon = wire(lockstep, stream++, config->debugcon, "debug console");
    config->firmware_log = wire(lockstep, stream, config->firmware_log, "firmware log");
}

static struct char_backend *twin_of(struct lockstep_stream *stream) {
    return stream->outside == NULL ? NULL : &stream->twin;
}

void lockstep_wire_twin(struct lockstep *lockstep, struct machine_config *config) {
    struct lockstep_stream *stream = lockstep->stream;
    for (unsigned i = 0; i < MACHINE_SERIAL_PORTS; i++)
        config->serial[i] = twin_of(stream++);
    config->parallel = twin_of(stream++);
    config->debugcon = twin_of(stream++);
    config->firmware_log = twin_of(stream);
}

static size_t stream_room(void *opaque) {
    const struct lockstep_stream *stream = opaque;
    const struct char_receiver *receiver = &stream->reference.receiver;
    return receiver->room(receiver->opaque);
}

static void stream_receive(void *opaque, const uint8_t *bytes, size_t count) {
    const struct lockstep_stream *stream = opaque;
    stream->reference.receiver.receive(stream->reference.receiver.opaque, bytes, count);
    stream->twin.receiver.receive(stream->twin.receiver.opaque, bytes, count);
}

static void stream_break(void *opaque) {
    const struct lockstep_stream *stream = opaque;
    stream->reference.receiver.receive_break(stream->reference.receiver.opaque);
    stream->twin.receiver.receive_break(stream->twin.receiver.opaque);
}

static void key_to_both(void *opaque, uint8_t key, bool pressed) {
    const struct lockstep *lockstep = opaque;
    const struct keyboard_input *reference = &lockstep->reference->pc->keyboard.input;
    const struct keyboard_input *twin = &lockstep->twin->pc->keyboard.input;
    reference->key(reference->opaque, key, pressed);
    twin->key(twin->opaque, key, pressed);
}

static void move_both(void *opaque, int dx, int dy, int wheel, unsigned buttons) {
    const struct lockstep *lockstep = opaque;
    const struct mouse_input *reference = &lockstep->reference->pc->mouse.input;
    const struct mouse_input *twin = &lockstep->twin->pc->mouse.input;
    reference->move(reference->opaque, dx, dy, wheel, buttons);
    twin->move(twin->opaque, dx, dy, wheel, buttons);
}

void lockstep_connect_input(struct lockstep *lockstep) {
    for (unsigned i = 0; i < LOCKSTEP_STREAMS; i++) {
        struct lockstep_stream *stream = &lockstep->stream[i];
        const struct char_receiver *receiver = &stream->reference.receiver;
        if (stream->outside == NULL || receiver->receive == NULL)
            continue;
        stream->outside->receiver = (struct char_receiver){
            .room = receiver->room == NULL ? NULL : stream_room,
            .receive = stream_receive,
            .receive_break = receiver->receive_break == NULL ? NULL : stream_break,
            .opaque = stream};
    }
    lockstep->keyboard = (struct keyboard_input){.key = key_to_both, .opaque = lockstep};
    lockstep->mouse = (struct mouse_input){.move = move_both, .opaque = lockstep};
}
