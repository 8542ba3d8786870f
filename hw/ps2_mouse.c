/*
 * The mouse. Motion adds up until the queue has room and the sample period is over; then it goes
 * out as one report, or several if it does not fit nine bits.
 */
#include "hw/ps2_mouse.h"

#include <string.h>

#define REPLY_ACK    0xfa
#define REPLY_ERROR  0xfc
#define REPLY_RESEND 0xfe
#define REPLY_BAT_OK 0xaa

#define DEFAULT_RATE       100
#define DEFAULT_RESOLUTION 2

#define BUTTONS      0x1f
#define SIDE_BUTTONS 0x18
#define MOTION_LIMIT 100000 /* what a guest that does not look can pile up */

enum command {
    SCALE_1 = 0xe6,
    SCALE_2 = 0xe7,
    SET_RESOLUTION = 0xe8,
    STATUS = 0xe9,
    STREAM_MODE = 0xea,
    READ_DATA = 0xeb,
    END_WRAP = 0xec,
    WRAP_MODE = 0xee,
    REMOTE_MODE = 0xf0,
    IDENTIFY = 0xf2,
    SET_RATE = 0xf3,
    ENABLE = 0xf4,
    DISABLE = 0xf5,
    SET_DEFAULTS = 0xf6,
    RESEND = 0xfe,
    RESET = 0xff
};

static void put(struct ps2_mouse *mouse, uint8_t byte) {
    if (mouse->queued == PS2_MOUSE_QUEUE)
        return;
    mouse->queue[(mouse->first + mouse->queued) % PS2_MOUSE_QUEUE] = byte;
    mouse->queued++;
}

/* Take as much of the motion as a report holds. */
static int32_t take_motion(int32_t *motion, int32_t least, int32_t most) {
    int32_t part = *motion < least ? least : *motion > most ? most : *motion;

    *motion -= part;
    return part;
}

/* 2:1 scaling of the stream mode: small motions lose, large ones double. */
static int32_t scale(int32_t motion) {
    static const uint8_t small[6] = {0, 1, 1, 3, 6, 9};
    int32_t size = motion < 0 ? -motion : motion;

    size = size < 6 ? small[size] : 2 * size;
    return motion < 0 ? -size : size;
}

static void put_report(struct ps2_mouse *mouse, bool scaled) {
    int32_t limit = scaled ? 127 : 255;
    int32_t dx = take_motion(&mouse->dx, -limit, limit);
    int32_t dy = take_motion(&mouse->dy, -limit, limit);

    if (scaled) {
        dx = scale(dx);
        dy = scale(dy);
    }
    put(mouse, (uint8_t)(0x08 | (mouse->buttons & 7) | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0)));
    put(mouse, (uint8_t)dx);
    put(mouse, (uint8_t)dy);
    if (mouse->id == 3) {
        put(mouse, (uint8_t)take_motion(&mouse->dz, -8, 7));
    } else if (mouse->id == 4) {
        put(mouse, (uint8_t)((take_motion(&mouse->dz, -8, 7) & 0x0f) |
                             (mouse->buttons & SIDE_BUTTONS) << 1));
    } else {
        mouse->dz = 0;
    }
    mouse->sent_buttons = mouse->buttons;
}

static bool has_news(const struct ps2_mouse *mouse) {
    return mouse->dx != 0 || mouse->dy != 0 || (mouse->dz != 0 && mouse->id != 0) ||
           mouse->buttons != mouse->sent_buttons;
}

/* Queue a report if there is something to say; false: there is not. */
static bool make_report(struct ps2_mouse *mouse) {
    /* Whole reports only, and not between a command and the end of its answer. */
    if (!mouse->is_enabled || mouse->is_remote || mouse->is_wrapping || mouse->is_waiting ||
        mouse->pending != 0 || mouse->queued != 0 || !has_news(mouse))
        return false;
    put_report(mouse, mouse->is_scaled);
    mouse->is_waiting = true;
    mouse->next_report_ns = clock_now(mouse->timer.clock) + NS_PER_SECOND / mouse->sample_rate;
    clock_timer_set(&mouse->timer, mouse->next_report_ns);
    return true;
}

static void report(struct ps2_mouse *mouse) {
    if (make_report(mouse))
        ps2_port_ready(&mouse->port);
}

static void sample_period_over(void *opaque) {
    struct ps2_mouse *mouse = opaque;

    mouse->is_waiting = false;
    report(mouse);
}

static void add_motion(int32_t *sum, int motion) {
    int64_t value = (int64_t)*sum + motion;

    *sum = (int32_t)(value < -MOTION_LIMIT  ? -MOTION_LIMIT
                     : value > MOTION_LIMIT ? MOTION_LIMIT
                                            : value);
}

static void move(void *opaque, int dx, int dy, int wheel, unsigned buttons) {
    struct ps2_mouse *mouse = opaque;

    mouse->buttons = buttons & BUTTONS;
    if (!mouse->is_enabled && !mouse->is_remote)
        return;
    add_motion(&mouse->dx, dx);
    add_motion(&mouse->dy, dy < -MOTION_LIMIT ? MOTION_LIMIT : -dy);
    add_motion(&mouse->dz, wheel);
    report(mouse);
}

static void clear_motion(struct ps2_mouse *mouse) {
    mouse->dx = 0;
    mouse->dy = 0;
    mouse->dz = 0;
}

static void set_defaults(struct ps2_mouse *mouse) {
    mouse->sample_rate = DEFAULT_RATE;
    mouse->resolution = DEFAULT_RESOLUTION;
    mouse->is_scaled = false;
    mouse->is_remote = false;
    mouse->is_enabled = false;
    clear_motion(mouse);
}

static void set_rate(struct ps2_mouse *mouse, uint8_t rate) {
    /* Windows and X switch the wheel on with the rates 200, 100, 80 and the side buttons with
       200, 200, 80. */
    if (rate == 80 && mouse->last_rates[0] == 200 && mouse->last_rates[1] == 100)
        mouse->id = 3;
    else if (rate == 80 && mouse->last_rates[0] == 200 && mouse->last_rates[1] == 200)
        mouse->id = 4;
    mouse->last_rates[0] = mouse->last_rates[1];
    mouse->last_rates[1] = rate;
    mouse->sample_rate = rate != 0 ? rate : DEFAULT_RATE;
}

static void put_status(struct ps2_mouse *mouse) {
    uint8_t buttons = (uint8_t)((mouse->buttons & 1) << 2 | (mouse->buttons & 4) >> 1 |
                                (mouse->buttons & 2) >> 1);

    put(mouse, (uint8_t)(buttons | mouse->is_scaled << 4 | mouse->is_enabled << 5 |
                         mouse->is_remote << 6));
    put(mouse, mouse->resolution);
    put(mouse, mouse->sample_rate);
}

static void reset_by_command(struct ps2_mouse *mouse) {
    set_defaults(mouse);
    mouse->id = 0;
    put(mouse, REPLY_ACK);
    put(mouse, REPLY_BAT_OK);
    put(mouse, 0x00); /* the id */
}

static void set_mode(struct ps2_mouse *mouse, uint8_t command) {
    switch (command) {
    case SCALE_1:
    case SCALE_2:
        mouse->is_scaled = command == SCALE_2;
        break;
    case STREAM_MODE:
    case REMOTE_MODE:
        mouse->is_remote = command == REMOTE_MODE;
        clear_motion(mouse);
        break;
    case WRAP_MODE:
        mouse->is_wrapping = true;
        break;
    case ENABLE:
    case DISABLE:
        mouse->is_enabled = command == ENABLE;
        clear_motion(mouse);
        break;
    case SET_DEFAULTS:
        set_defaults(mouse);
        break;
    default: /* END_WRAP outside wrap mode */
        break;
    }
}

static void take_command(struct ps2_mouse *mouse, uint8_t command) {
    if (command == RESEND) {
        put(mouse, mouse->last_sent);
        return;
    }
    mouse->queued = 0; /* a command ends whatever was being sent */
    switch (command) {
    case RESET:
        reset_by_command(mouse);
        return;
    case SET_RESOLUTION:
    case SET_RATE:
        mouse->pending = command;
        break;
    case STATUS:
        put(mouse, REPLY_ACK);
        put_status(mouse);
        return;
    case READ_DATA:
        put(mouse, REPLY_ACK);
        put_report(mouse, false);
        return;
    case IDENTIFY:
        put(mouse, REPLY_ACK);
        put(mouse, mouse->id);
        return;
    case SCALE_1:
    case SCALE_2:
    case STREAM_MODE:
    case END_WRAP:
    case WRAP_MODE:
    case REMOTE_MODE:
    case ENABLE:
    case DISABLE:
    case SET_DEFAULTS:
        set_mode(mouse, command);
        break;
    default:
        put(mouse, REPLY_RESEND);
        return;
    }
    put(mouse, REPLY_ACK);
}

static void take_parameter(struct ps2_mouse *mouse, uint8_t command, uint8_t value) {
    if (command == SET_RATE) {
        set_rate(mouse, value);
    } else if (value <= 3) {
        mouse->resolution = value;
    } else {
        put(mouse, REPLY_ERROR);
        return;
    }
    put(mouse, REPLY_ACK);
}

static void host_byte(void *opaque, uint8_t byte) {
    struct ps2_mouse *mouse = opaque;
    uint8_t command = mouse->pending;

    mouse->pending = 0;
    if (mouse->is_wrapping && byte != RESET && byte != END_WRAP) {
        put(mouse, byte);
    } else if (command != 0) {
        take_parameter(mouse, command, byte);
    } else {
        mouse->is_wrapping = false;
        take_command(mouse, byte);
    }
    ps2_port_ready(&mouse->port);
}

static int take_byte(void *opaque) {
    struct ps2_mouse *mouse = opaque;

    /* The controller is here already: it need not be told. */
    if (mouse->queued == 0 && !make_report(mouse))
        return -1;
    mouse->last_sent = mouse->queue[mouse->first];
    mouse->first = (uint8_t)((mouse->first + 1) % PS2_MOUSE_QUEUE);
    mouse->queued--;
    return mouse->last_sent;
}

static void mouse_reset(void *device) {
    struct ps2_mouse *mouse = device;

    set_defaults(mouse);
    mouse->first = 0;
    mouse->queued = 0;
    mouse->last_sent = 0;
    mouse->id = 0;
    mouse->last_rates[0] = 0;
    mouse->last_rates[1] = 0;
    mouse->pending = 0;
    mouse->sent_buttons = 0;
    mouse->is_wrapping = false;
    mouse->is_waiting = false;
    clock_timer_cancel(&mouse->timer);
}

void ps2_mouse_init(struct ps2_mouse *mouse, struct clock *clock) {
    memset(mouse, 0, sizeof *mouse);
    clock_timer_init(&mouse->timer, clock, sample_period_over, mouse);
    mouse->port.send = host_byte;
    mouse->port.take = take_byte;
    mouse->port.device = mouse;
    mouse->input.move = move;
    mouse->input.opaque = mouse;
    mouse_reset(mouse);
}

static const struct state_field mouse_fields[] = {
    FIELD(ps2_mouse, queue, 1),        FIELD(ps2_mouse, first, 1),
    FIELD(ps2_mouse, queued, 1),       FIELD(ps2_mouse, last_sent, 1),
    FIELD(ps2_mouse, id, 1),           FIELD(ps2_mouse, sample_rate, 1),
    FIELD(ps2_mouse, last_rates, 1),   FIELD(ps2_mouse, resolution, 1),
    FIELD(ps2_mouse, pending, 1),      FIELD(ps2_mouse, buttons, 1),
    FIELD(ps2_mouse, sent_buttons, 1), FIELD(ps2_mouse, is_enabled, 1),
    FIELD(ps2_mouse, is_remote, 1),    FIELD(ps2_mouse, is_wrapping, 1),
    FIELD(ps2_mouse, is_scaled, 1),    FIELD(ps2_mouse, is_waiting, 1),
    FIELD(ps2_mouse, dx, 1),           FIELD(ps2_mouse, dy, 1),
    FIELD(ps2_mouse, dz, 1),           FIELD(ps2_mouse, next_report_ns, 1),
    NOT_SAVED(ps2_mouse, timer), /* follows from is_waiting and next_report_ns */
    NOT_SAVED(ps2_mouse, port),        NOT_SAVED(ps2_mouse, input),
};
const struct state_table ps2_mouse_state = STATE_TABLE(ps2_mouse, mouse_fields);
const struct device_class ps2_mouse_class = {"ps2_mouse", mouse_reset, &ps2_mouse_state};
