/* Packets. In an indirect buffer set `epoch` to the ring's; what is submitted gets it there. */

/** A packet of a kind that has no more to say: NO_OP, BARRIER, FENCE. */
static inline finbox_packet finbox_packet_of(uint32_t kind, uint64_t tag)
{
    finbox_packet packet;
    packet.seq = 0;
    packet.kind = kind;
    packet.epoch = 0;
    packet.tag = tag;
    packet.address = 0;
    packet.source = 0;
    packet.bytes = 0;
    packet.count = 0;
    packet.detail = 0;
    packet.reserved = 0;
    return packet;
}

/** Starts `blocks` blocks of a kernel with the arguments at `args`. */
static inline finbox_packet finbox_packet_launch(uint64_t tag, uint64_t kernel, uint32_t blocks,
                                                 uint64_t args, uint32_t args_bytes)
{
    finbox_packet packet = finbox_packet_of(FINBOX_PACKET_KIND_LAUNCH, tag);
    packet.address = kernel;
    packet.source = args;
    packet.count = blocks;
    packet.detail = args_bytes;
    return packet;
}

/** Waits until a counter has reached `value`. */
static inline finbox_packet finbox_packet_wait(uint64_t tag, uint64_t counter, uint32_t value)
{
    finbox_packet packet = finbox_packet_of(FINBOX_PACKET_KIND_WAIT, tag);
    packet.address = counter;
    packet.count = value;
    return packet;
}

/** Stores `value` in a counter, or adds it; `how` is a finbox_signal_how. */
static inline finbox_packet finbox_packet_signal(uint64_t tag, uint64_t counter, uint32_t value,
                                                 uint32_t how)
{
    finbox_packet packet = finbox_packet_of(FINBOX_PACKET_KIND_SIGNAL, tag);
    packet.address = counter;
    packet.count = value;
    packet.detail = how;
    return packet;
}

/** Copies `bytes` bytes. */
static inline finbox_packet finbox_packet_copy(uint64_t tag, uint64_t to, uint64_t from,
                                               uint64_t bytes)
{
    finbox_packet packet = finbox_packet_of(FINBOX_PACKET_KIND_COPY, tag);
    packet.address = to;
    packet.source = from;
    packet.bytes = bytes;
    return packet;
}

/** Carries out `packets` packets at `buffer`; `entry` is a finbox_entry. */
static inline finbox_packet finbox_packet_indirect(uint64_t tag, uint64_t buffer, uint32_t packets,
                                                   uint32_t entry)
{
    finbox_packet packet = finbox_packet_of(FINBOX_PACKET_KIND_INDIRECT, tag);
    packet.address = buffer;
    packet.count = packets;
    packet.detail = entry;
    return packet;
}

